// What a gate samples because the record lacks a figure is in the record like any other rollout.
#include <set>

#include "app/whole_run.h"
#include "loop/replay.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::builtins;
using testing::WholeRun;

constexpr const char* kHead = R"(
name: gated
seed: 5
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
)";
constexpr const char* kTraining = R"(
  - {demonstrate: {tasks: sums, problems: 6}}
  - {finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.3}}
)";
constexpr const char* kMeasuring = "  - {evaluate: {tasks: held, samples: 4, max_new_tokens: 3}, as: dev}\n";
const std::string kGate = "  - gate: {metric: pass@1, at_least: incumbent}\n";

void check_record(WholeRun& run) {
  CHECK_NOTHROW(fsck_run(run.env, testing::kRun));
  CHECK_NOTHROW(fsck_flow(run.env, testing::kRun, builtins().registries, builtins().steps));
  RecordedRun recorded(run.env, testing::kRun, builtins().registries, builtins().steps, {}, 2);
  const ReplayCounts counts = replay_random(recorded, 1'000'000, 1);
  INFO(counts.first_id << ": " << counts.first_difference);
  CHECK(counts.differing == 0);
  CHECK(counts.retired == 0);
  CHECK(counts.equal + counts.not_sampled == counts.rollouts);
}

TEST_CASE("the incumbent that a gate measures is recorded, with the draws of the evaluate step") {
  WholeRun gated, measured;
  gated.run(kHead + std::string("retain: {weights: all}\nround:") + kTraining + kMeasuring + kGate);
  measured.run(kHead + std::string("round:\n") + kMeasuring + "  - {demonstrate: {tasks: sums, problems: 6}}\n");
  const std::vector<Group> incumbent = gated.groups("1", "gate"), base = measured.groups("1", "dev");
  REQUIRE(!base.empty());
  REQUIRE(incumbent.size() == base.size());
  for (size_t g = 0; g < base.size(); ++g) {
    REQUIRE(incumbent[g].rollouts.size() == 4);
    for (size_t r = 0; r < 4; ++r) {
      CHECK(incumbent[g].rollouts[r].ids == base[g].rollouts[r].ids);
      CHECK(incumbent[g].rollouts[r].verdicts.size() == 1);
      CHECK(rollout_id("1", incumbent[g], incumbent[g].rollouts[r]).starts_with("1/gate/"));
    }
  }
  const RunState state = gated.state();
  const Digest base_digest = state.models.at("lm").base.digest;
  int64_t of_base = 0;
  for (const auto& [key, figures] : state.figures)
    if (key.version == base_digest) {
      ++of_base;
      CHECK(figures.metrics == measured.metrics("1", "dev"));
    }
  CHECK(of_base == 1);
  CHECK(gated.groups("2", "gate").empty());  // whoever stood is known by then
  check_record(gated);
}

TEST_CASE("a gate that finds no figure at all measures candidate and incumbent") {
  WholeRun run;
  std::string skipped = kMeasuring;
  skipped.insert(skipped.size() - 2, ", when: \"round > 9\"");
  run.run(kHead + std::string("retain: {weights: all}\nround:") + kTraining + skipped + kGate);
  const RunState state = run.state();
  const std::vector<Group> groups = run.groups("1", "gate");
  REQUIRE(!groups.empty());
  std::map<Digest, double> passes;
  double rollouts = 0;
  for (const Group& group : groups) {
    REQUIRE(group.rollouts.size() == 8);
    std::set<std::string> ids;
    for (size_t r = 0; r < 8; ++r) {
      const Rollout& rollout = group.rollouts[r];
      ids.insert(rollout_id("1", group, rollout));
      CHECK(rollout.version == group.rollouts[r < 4 ? 0 : 4].version);
      passes[rollout.version] += rollout.verdicts.front().label == Label::pass;
    }
    CHECK(ids.size() == 8);
    rollouts += 4;
  }
  REQUIRE(passes.size() == 2);
  const Digest candidate = candidates_of(state.find_round("1")->steps.at("finetune").payload).front().second.digest;
  const Digest base = state.models.at("lm").base.digest;
  CHECK(run.metrics("1", "gate").at("difference") == Approx((passes.at(candidate) - passes.at(base)) / rollouts));
  check_record(run);
}

TEST_CASE("a gate that measures ends with one digest for any threads, frames and kills") {
  SimulatedEnv undisturbed;
  testing::expect_one_digest(kHead + std::string("round:") + kTraining + kMeasuring + kGate +
                                 "  - {verify: exact, of: demonstrate}\n",  // does not join what the gate reads
                             undisturbed, 8, 3);
  const RunState state = load_run(undisturbed, testing::kRun, builtins().registries, builtins().steps);
  CHECK(state.find_round("1")->steps.at("verify").tally.count_of("units") == 6);
}

}  // namespace
}  // namespace sil
