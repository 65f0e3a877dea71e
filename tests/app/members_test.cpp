// `members: k`: k versions of one model side by side, in everything that a record is used for.
#include <algorithm>
#include <set>

#include "app/whole_run.h"
#include "loop/replay.h"
#include "loop/retention.h"
#include "record/objects.h"
#include "record/run_directory.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using testing::builtins;
using testing::kRun;
using testing::WholeRun;

constexpr const char* kRecipe = R"(
name: side_by_side
seed: 6
rounds: 2
retain: {weights: last 1, optimizer: last}
models: {lm: {table: {context: 4}, tokenizer: chars, members: 3}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
before:
  - demonstrate: {tasks: sums, problems: 40}
  - {finetune: {from: base, loss: nll, epochs: 6, learning_rate: 0.5, batch_tokens: 128}, as: teach}
round:
  - {generate: {tasks: sums, problems: 30, samples: 2, max_new_tokens: 3, temperature: 0.7}, as: tries}
  - verify: {majority: {across: members, quorum: 2}}
  - {generate: {samples: 2, max_new_tokens: 2}, of: tries, per: rollout, where: passed, as: more}
  - {filter: {keep: pass}, of: tries, as: agreed}
  - {finetune: {from: live, optimizer: keep, loss: nll, epochs: 2, learning_rate: 0.05, batch_tokens: 64}, of: agreed, as: learn}
  - {evaluate: {tasks: held, samples: 4, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent, margin: 0.02}
)";

// The same without the lines that no model of one member can have.
const std::vector<std::string> kMajorityOfRollouts{"verify.majority.across=rollouts", "verify.majority.quorum=0"};

RunRequest request(int threads = 1, int64_t frame_rollouts = 16) {
  return testing::request(kRecipe, threads, frame_rollouts);
}

RunSummary run(Env& env, const RunRequest& r = request(), RunProgress* progress = nullptr, std::stop_token stop = {}) {
  testing::Lines lines;
  return testing::run(env, r, progress != nullptr ? *progress : lines, stop);
}

std::map<std::string, std::string> checkpoints(SimulatedEnv& env) {
  std::map<std::string, std::string> files;
  for (const std::string& line : env.list(std::string(kRun) + "/checkpoints"))
    for (const std::string& round : env.list(std::string(kRun) + "/checkpoints/" + line))
      for (const char* file : {"model.safetensors", "model.json"}) {
        const std::string name = std::string(kRun) + "/checkpoints/" + line + "/" + round + "/" + file;
        files[name] = env.contents(name);
      }
  return files;
}

struct Undisturbed {
  SimulatedEnv env;
  Digest digest;
  RoundMetrics metrics;
  std::vector<Digest> objects;
  size_t calls = 0;
  Undisturbed() {
    const RunSummary summary = run(env);
    digest = summary.digest;
    metrics = summary.metrics;
    calls = env.calls().size();
    objects = ObjectStore(env, kRun).list();
  }
};
Undisturbed& undisturbed() {
  static Undisturbed one;
  return one;
}

TEST_CASE("members: every member samples, is trained and is measured, and a gate moves all of them") {
  WholeRun whole;
  whole.run(kRecipe);
  std::set<std::string> texts_differ;
  for (const Group& group : whole.groups("1", "tries")) {
    REQUIRE(group.rollouts.size() == 6);
    for (size_t r = 0; r < 6; ++r) {
      CHECK(group.rollouts[r].member == r / 2);
      CHECK(group.rollouts[r].sample == r % 2);
    }
    for (size_t r = 2; r < 6; ++r)
      if (group.rollouts[r].ids != group.rollouts[r - 2].ids) texts_differ.insert(hex64(group.problem->uid));
  }
  CHECK(texts_differ.size() > 3);
  const RunState state = whole.state();
  std::set<Digest> versions;
  for (const char* line : {"lm", "lm@1", "lm@2"}) {
    REQUIRE(state.models.count(line) == 1);
    versions.insert(state.models.at(line).base.digest);
  }
  CHECK(versions.size() == 3);  // trained on the same examples, each in an order of its own
  CHECK(whole.metrics("0", "teach").at("examples") == 40);
  CHECK(whole.metrics("0", "teach").at("examples_taken") == 3 * 6 * 40);
  const Metrics figures = whole.metrics("1", "evaluate");
  double passes = 0;
  int64_t rollouts = 0;
  for (const Group& group : whole.groups("1", "evaluate"))
    for (const Rollout& rollout : group.rollouts) passes += rollout.verdicts.back().label == Label::pass, ++rollouts;
  CHECK(rollouts == 12 * static_cast<int64_t>(figures.at("problems")));
  CHECK(passes > 0);
  CHECK(figures.at("pass@1") == Approx(passes / static_cast<double>(rollouts)));
  for (const RoundState& round : state.rounds) {
    if (!round.accepted.count("lm")) continue;
    INFO("round " << round.label);
    const bool accepted = round.accepted.at("lm").value();
    for (const auto& [line, version] : candidates_of(round.steps.at(round.label == "0" ? "teach" : "learn").payload))
      CHECK((round.versions.at(line).digest == version.digest) == accepted);
  }
}

TEST_CASE("members: models made from scratch begin with weights of their own") {
  WholeRun whole;
  whole.run(R"(
name: scratch
seed: 5
rounds: 1
models: {lm: {llama: {layers: 1, width: 16, heads: 2, context: 16}, tokenizer: chars, members: 2}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - {generate: {tasks: sums, problems: 2, samples: 1, max_new_tokens: 2}, as: tries}
)");
  const RunState state = whole.state();
  CHECK(state.models.at("lm").base.digest != state.models.at("lm@1").base.digest);
  for (const Group& group : whole.groups("1", "tries"))
    for (const Rollout& rollout : group.rollouts)
      CHECK(rollout.version == state.models.at(rollout.member == 0 ? "lm" : "lm@1").base.digest);
}

TEST_CASE("members: 1 is the same as to say nothing") {
  std::string without = kRecipe;
  without.erase(without.find(", members: 3"), 12);
  std::vector<std::string> one = kMajorityOfRollouts;
  one.emplace_back("models.lm.members=1");
  WholeRun a, b;
  CHECK(a.run(kRecipe, one).digest == b.run(without, kMajorityOfRollouts).digest);
}

TEST_CASE("members: the first member samples what a model without others samples") {
  std::vector<std::string> alone{"models.lm.members=1"};
  WholeRun a, b;
  a.run(kRecipe);
  b.run(kRecipe, alone);
  const std::vector<Group> three = a.groups("1", "tries"), one = b.groups("1", "tries");
  REQUIRE(three.size() == one.size());
  for (size_t g = 0; g < one.size(); ++g)
    for (size_t r = 0; r < 2; ++r) CHECK(three[g].rollouts[r].ids == one[g].rollouts[r].ids);
}

TEST_CASE("members: one digest for any number of threads and any frame size", "[threads]") {
  for (int threads : {1, 3})
    for (int64_t frame : {1, 20, 64}) {
      SimulatedEnv env;
      INFO("threads " << threads << ", frames of " << frame);
      CHECK(run(env, request(threads, frame)).digest == undisturbed().digest);
    }
}

TEST_CASE("members: a kill at any call leaves a run that ends with the same digest, figures and objects") {
  for (size_t n = 0; n < undisturbed().calls; n += 3) {
    SimulatedEnv env;
    testing::run_until(n, env, request());
    env.restart();
    INFO("killed at call " << n);
    if (env.exists(std::string(kRun) + "/journal") && replay(read_run_journal(env, kRun).records).begun)
      REQUIRE_NOTHROW(fsck_run(env, kRun));
    const RunSummary summary = run(env, request(2));
    REQUIRE(summary.digest == undisturbed().digest);
    REQUIRE(summary.metrics == undisturbed().metrics);
    REQUIRE(ObjectStore(env, kRun).list() == undisturbed().objects);
  }
}

// Asks for a stop at the n-th optimizer step of the run.
class StopAt final : public RunProgress {
 public:
  StopAt(int64_t step, std::stop_source& stop) : left_(step), stop_(stop) {}
  void line(const std::string&) override {}
  void working(const std::string& step, int64_t, int64_t) override {
    if ((step == "teach" || step == "learn") && left_-- == 0) stop_.request_stop();
  }

 private:
  int64_t left_;
  std::stop_source& stop_;
};

TEST_CASE("members: a stop amid the training of any member is no event, and loses none that is done") {
  size_t with_trained = 0;
  for (int64_t step = 0; step < 90; step += 7) {
    SimulatedEnv env;
    std::stop_source source;
    StopAt stop(step, source);
    INFO("stopped at optimizer step " << step);
    if (run(env, request(), &stop, source.get_token()).status == "done") continue;
    const RunState state = replay(read_run_journal(env, kRun).records);
    for (const auto& [name, progress] : state.rounds.back().steps) with_trained += progress.trained.size();
    const RunSummary summary = run(env);
    CHECK(summary.digest == undisturbed().digest);
    CHECK(summary.metrics == undisturbed().metrics);
  }
  CHECK(with_trained > 0);
}

TEST_CASE("members: every rollout of the record is sampled again to the same bits, alone and in any company") {
  SimulatedEnv env;
  RunRequest keeping = request();
  keeping.recipe.overrides = {"retain.weights=all"};
  run(env, keeping);
  RecordedRun recorded(env, kRun, builtins().registries, builtins().steps, {}, 2);
  const ReplayCounts counts = replay_random(recorded, 1'000'000, 1);
  INFO(counts.first_id << ": " << counts.first_difference);
  CHECK(counts.differing == 0);
  CHECK(counts.retired == 0);
  CHECK(counts.equal + counts.not_sampled == counts.rollouts);
  CHECK(counts.not_sampled == 40);
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  for (const char* step : {"tries", "more"})
    for (const PoolPart& part : state.find_round("2")->pools.at(step).parts)
      for (const Group& group : read_groups(env, kRun, part, 0)) {
        if (group.rollouts.empty()) continue;
        const Rollout& rollout = group.rollouts.back();
        const std::string id = rollout_id("2", group, rollout);
        CHECK_THAT(id, Contains("@2"));
        RecordedRun again(env, kRun, builtins().registries, builtins().steps, {}, 1);
        CHECK(replay_rollout(again, id).difference == "");
        std::string other = id;
        other.back() = '7';
        RecordedRun none(env, kRun, builtins().registries, builtins().steps, {}, 1);
        CHECK_THROWS_WITH(replay_rollout(none, other), Contains("no rollout " + other));
      }
}

TEST_CASE("members: fsck, reproduce, diff and gc know them") {
  SimulatedEnv env;
  run(env);
  CHECK(fsck_run(env, kRun).digest == undisturbed().digest);
  CHECK_NOTHROW(fsck_flow(env, kRun, builtins().registries, builtins().steps));
  for (const RoundComparison& round :
       reproduce_run(env, kRun, "again", 0, 2, builtins().registries, builtins().steps)) {
    INFO(round.round << " " << round.first_difference);
    CHECK(round.equal);
  }
  RunRequest two = request();
  two.directory = "runs/two";
  two.recipe.overrides = {"models.lm.members=2", "verify.majority.quorum=1"};
  run(env, two);
  const std::vector<RoundComparison> rounds =
      compare_runs(replay(read_run_journal(env, kRun).records), replay(read_run_journal(env, "runs/two").records));
  CHECK_THAT(rounds.front().first_difference, Contains("teach: digest"));
  const std::vector<Digest> before = ObjectStore(env, kRun).list();
  const RunState state = replay(read_run_journal(env, kRun).records);
  gc_run(env, kRun, false);
  for (const char* line : {"lm", "lm@1", "lm@2"})
    CHECK(ObjectStore(env, kRun).contains(state.models.at(line).incumbent.weights));
  CHECK(ObjectStore(env, kRun).list() == before);  // the run itself has kept no more than retain says
}

TEST_CASE("members: a candidate that the record does not make is found by fsck") {
  SimulatedEnv env;
  run(env);
  std::vector<JournalRecord> records = read_run_journal(env, kRun).records;
  SimulatedEnv scratch;
  scratch.make_dir("j");
  Journal journal(scratch, "j/journal");
  for (const JournalRecord& record : records) {
    std::string text = dump(record.payload);
    if (record.type == "step" && !candidates_of(record.payload).empty()) {
      const std::string digest = candidates_of(record.payload)[2].second.digest.hex();
      text.replace(text.find(digest), 4, digest.starts_with("0000") ? "1111" : "0000");
    }
    journal.append(record.type, parse_json(text));
  }
  env.put_file(std::string(kRun) + "/journal", scratch.contents("j/journal"));
  CHECK_THROWS_WITH(fsck_run(env, kRun), Contains("not the candidate that it made"));
}

TEST_CASE("members: each has checkpoints of its own, which gc and rebuild know") {
  SimulatedEnv env;
  run(env);
  const auto files = checkpoints(env);
  for (const char* line : {"lm", "lm@1", "lm@2"})
    CHECK(files.count(std::string(kRun) + "/checkpoints/" + line + "/0002/model.safetensors") == 1);
  const std::string about = files.at(std::string(kRun) + "/checkpoints/lm@1/0002/model.json");
  CHECK_THAT(about, Contains("\"model\": \"lm@1\"") && Contains("\"members\": 3"));
  CHECK_THAT(env.contents(std::string(kRun) + "/run.json"), Contains("lm@2"));
}

TEST_CASE("members: an average is kept of each") {
  std::string averaging = kRecipe;
  averaging.replace(averaging.find("from: live"), 10, "from: {ema: 0.5}");
  averaging.erase(averaging.find("  - gate:"));
  WholeRun whole;
  whole.run(averaging);
  const RunState state = whole.state();
  std::set<Digest> averages;
  for (const char* line : {"lm", "lm@1", "lm@2"}) averages.insert(state.models.at(line).averages.at(0.5).digest);
  CHECK(averages.size() == 3);
}

TEST_CASE("members: no control changes how many there are") {
  std::string controlled = kRecipe;
  controlled.insert(controlled.find("before:"), "control: [{set: models.lm.members, by: {schedule: {1: 1, 2: 3}}}]\n");
  CHECK_THAT(testing::findings(controlled), Contains("'models.lm.members' cannot be set: a model is made once"));
}

TEST_CASE("members: a number below one is refused") {
  CHECK_THAT(testing::findings(kRecipe, {"models.lm.members=0"}), Contains("members"));
}

}  // namespace
}  // namespace sil
