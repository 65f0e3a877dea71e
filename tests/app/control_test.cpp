// Controls that set options of tasks.
#include <algorithm>

#include "app/whole_run.h"
#include "loop/replay.h"
#include "support/catch.h"

namespace sil::testing {
namespace {

constexpr const char* kGrowing = R"(
name: growing
seed: 3
rounds: 3
models: {lm: {table: {context: 3}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1, mix: digits}}
control:
  - {set: tasks.sums.digits, by: {schedule: [1, 2, 4]}}
round:
  - generate: {tasks: sums, problems: 20, samples: 2, max_new_tokens: 3}
  - verify: exact
)";

TEST_CASE("a control that sets an option of a task makes the round's problems by it") {
  WholeRun whole;
  whole.run(kGrowing);
  const auto longest = [&](const std::string& round) {
    size_t most = 0;
    for (const Group& group : whole.groups(round, "generate")) most = std::max(most, group.problem->prompt.find('+'));
    return most;
  };
  CHECK(longest("1") == 1);
  CHECK(longest("2") == 2);
  CHECK(longest("3") == 4);
}

TEST_CASE("a task that a control sets gives one digest, whatever the threads and stops, and its rollouts come again") {
  WholeRun whole;
  const Digest expected = whole.run(kGrowing).digest;
  WholeRun threads;
  CHECK(threads.run(kGrowing, {}, 3).digest == expected);
  WholeRun stopped;
  stopped.run(kGrowing, {"rounds=1"});
  stopped.run(kGrowing, {"rounds=2"});
  CHECK(stopped.run(kGrowing).digest == expected);
  CHECK(fsck_run(whole.env, testing::kRun).digest == expected);
  RecordedRun recorded(whole.env, testing::kRun, builtins().registries, builtins().steps, {}, 2);
  const ReplayCounts counts = replay_random(recorded, 1000, 1);
  CHECK(counts.rollouts == 120);
  CHECK(counts.equal == 120);
}

constexpr const char* kMastery = R"(
name: mastery
seed: 3
rounds: 3
models: {lm: {table: {context: 3}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1, mix: digits}}
control:
  - {set: tasks.sums.digits, by: {mastery: {metric: check.pass_rate, at: 0}}}
round:
  - generate: {tasks: sums, problems: 8, max_new_tokens: 3}
  - {verify: exact, as: check}
)";

TEST_CASE("mastery raises a range of one number like the number") {
  WholeRun whole;
  whole.run(kMastery);
  std::vector<double> digits;
  for (const char* round : {"1", "2", "3"}) {
    double most = 0;
    for (const Group& group : whole.groups(round, "generate")) most = std::max(most, group.problem->difficulty);
    digits.push_back(most);
  }
  CHECK(digits == std::vector<double>{1, 2, 3});
}

}  // namespace
}  // namespace sil::testing
