// One problem in several parts of a step's input: every rollout has an id and draws of its own.
#include <algorithm>
#include <map>
#include <set>

#include "app/whole_run.h"
#include "loop/replay.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::builtins;
using testing::WholeRun;

// Few problems, so that pools share many; uniform rollouts of six characters, of which hardly two are equal.
constexpr const char* kRecipe = R"(
name: pools
seed: 4
rounds: 3
models: {lm: {table: {context: 1}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
stores: {seen: {holds: groups, draw: all}}
round:
  - {generate: {tasks: sums, problems: 70, samples: 2, max_new_tokens: 6}, as: a, put: seen}
  - {generate: {tasks: sums, problems: 60, samples: 2, max_new_tokens: 6}, as: b}
  - {generate: {samples: 2, max_new_tokens: 6}, of: [a, b], as: both}
  - {generate: {samples: 1, max_new_tokens: 6}, of: [a, b], per: rollout, as: fixes}
  - {generate: {samples: 3, max_new_tokens: 6}, of: [a, b]}
  - {generate: {samples: 2, max_new_tokens: 6}, of: [b, a], per: rollout, as: generate_2}
  - {generate: {samples: 2, max_new_tokens: 6}, of: seen, as: later}
)";

struct Made {
  std::map<std::string, std::vector<TokenId>> by_id;
  std::map<uint64_t, std::vector<std::vector<TokenId>>> by_problem;
  int64_t rollouts = 0;
};

// What `step` made of a round, from the pools named.
Made made_by(WholeRun& run, const std::string& round, const std::string& step, const std::vector<std::string>& pools) {
  Made made;
  const RunState state = run.state();
  for (const std::string& pool : pools)
    for (const PoolPart& part : state.find_round(round)->pools.at(pool).parts)
      for (size_t f = 0; f < part.spans.size(); ++f)
        for (const Group& group : read_groups(run.env, testing::kRun, part, f))
          for (const Rollout& rollout : group.rollouts) {
            if (rollout.step != step) continue;
            ++made.rollouts;
            made.by_id[rollout_id(part.round, group, rollout)] = rollout.ids;
            made.by_problem[group.problem->uid].push_back(rollout.ids);
          }
  return made;
}

void check_unlike(const Made& made) {
  CHECK(static_cast<int64_t>(made.by_id.size()) == made.rollouts);
  int64_t again = 0, same = 0;
  for (const auto& [uid, rollouts] : made.by_problem)
    for (size_t i = 1; i < rollouts.size(); ++i)
      ++again, same += std::count(rollouts.begin(), rollouts.begin() + static_cast<std::ptrdiff_t>(i), rollouts[i]) > 0;
  CHECK(again > 100);
  CHECK(same < again / 20);
}

TEST_CASE("a problem in two pools of one input is sampled twice, with two ids") {
  WholeRun run;
  run.run(kRecipe);
  for (const char* step : {"both", "fixes"}) {
    INFO(step);
    check_unlike(made_by(run, "1", step, {step}));
  }
  check_unlike(made_by(run, "1", "generate", {"a", "b"}));
}

TEST_CASE("a problem drawn from a store as often as it was put there is sampled as often, with as many ids") {
  WholeRun run;
  run.run(kRecipe);
  const Made made = made_by(run, "3", "later", {"later"});
  CHECK(made.rollouts == 3 * 70 * 2);
  check_unlike(made);
}

TEST_CASE("the k-th group of a problem in a step's input has occurrence k") {
  WholeRun run;
  run.run(kRecipe);
  std::map<uint64_t, uint32_t> seen;
  for (const Group& group : run.groups("1", "both")) CHECK(group.occurrence == seen[group.problem->uid]++);
  CHECK(std::any_of(seen.begin(), seen.end(), [](const auto& entry) { return entry.second > 1; }));
}

TEST_CASE("what one pool alone would be sampled does not change by another beside it") {
  WholeRun two, one;
  two.run(kRecipe);
  std::string alone = kRecipe;
  alone.replace(alone.find("of: [a, b], as: both"), 20, "of: a, as: both");
  one.run(alone);
  const Made of_two = made_by(two, "1", "both", {"both"}), of_one = made_by(one, "1", "both", {"both"});
  for (const auto& [id, ids] : of_one.by_id) CHECK(of_two.by_id.at(id) == ids);
}

TEST_CASE("several pools: one digest for any threads, frames and kills, and every rollout comes again") {
  SimulatedEnv undisturbed;
  testing::expect_one_digest(kRecipe, undisturbed, 16, 11);
  CHECK_NOTHROW(fsck_run(undisturbed, testing::kRun));
  RecordedRun recorded(undisturbed, testing::kRun, builtins().registries, builtins().steps, {}, 2);
  const ReplayCounts counts = replay_random(recorded, 1'000'000, 1);
  INFO(counts.first_id << ": " << counts.first_difference);
  CHECK(counts.equal == counts.rollouts);
}

}  // namespace
}  // namespace sil
