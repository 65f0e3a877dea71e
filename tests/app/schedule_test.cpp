// What a run's results may not hang on: which frame is finished first, when a round takes place, what a problem is
// drawn beside.
#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "app/program.h"
#include "app/whole_run.h"
#include "record/run_directory.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::kRun;

// Passes everything, but with `hold` a group's verdict only once the group behind it has its own: of the first `hold`
// groups the last is ready first.
class Backwards final : public Verifier {
 public:
  static inline int64_t hold = 0;
  static inline std::vector<int64_t> order;  // in which positions were judged

  explicit Backwards(NoOptions) {}
  std::string version() const override { return "1"; }
  void verify(std::span<const JudgeItem> items, const JudgeContext&, std::span<Verdict> verdicts) const override {
    const int64_t position = items.empty() ? 0 : items.front().group->position;
    std::unique_lock lock(mutex_);
    judged_.wait(lock, [&] { return position + 1 >= hold || done_.count(position + 1) > 0; });
    for (Verdict& verdict : verdicts) verdict = passed();
    order.push_back(position);
    done_.insert(position);
    judged_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable judged_;
  mutable std::set<int64_t> done_;
};

// Passes everything; asks for a stop when it has judged so many completions.
class Stopping final : public CompletionVerifier {
 public:
  static inline std::stop_source* source = nullptr;
  static inline int64_t left = 0;

  explicit Stopping(NoOptions) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem&, std::string_view, const Task*) const override {
    if (source && --left == 0) source->request_stop();
    return passed();
  }
};

const Builtins& builtins() {
  static const Builtins* all = [] {
    auto* made = new Builtins;
    made->registries.verifiers.add<Backwards, NoOptions>("backwards", "passes the last group first");
    made->registries.verifiers.add<Stopping, NoOptions>("stopping", "asks for a stop");
    return made;
  }();
  return *all;
}

RunSummary run(Env& env, const std::string& text, int threads = 1, int64_t frame_rollouts = 4096,
               std::stop_token stop = {}) {
  testing::Lines lines;
  return run_recipe(testing::request(text, threads, frame_rollouts), builtins().registries, builtins().steps, env,
                    lines, stop);
}

// The groups of a pool of a round, as the record tells them.
std::vector<Group> groups_of(Env& env, const std::string& round, const std::string& pool) {
  RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  std::vector<Group> groups;
  for (const PoolPart& part : state.find_round(round)->pools.at(pool).parts)
    for (size_t frame = 0; frame < part.spans.size(); ++frame)
      for (Group& group : read_groups(env, kRun, part, frame)) groups.push_back(std::move(group));
  return groups;
}

std::string recipe(const std::string& tasks, const std::string& steps, const std::string& rounds = "1") {
  return "name: schedule\nseed: 5\nrounds: " + rounds +
         "\nmodels: {lm: {table: {context: 4}, tokenizer: {chars: \"#+0123456789=\"}}}\ntasks:\n" + tasks + "round:\n" +
         steps;
}

const std::string kSums = "  sums: {addition: {digits: 1}}\n";

TEST_CASE("frames that finish backwards are recorded in order", "[threads]") {
  const std::string text =
      recipe(kSums, "  - generate: {tasks: sums, problems: 4, samples: 3, max_new_tokens: 3}\n  - verify: backwards\n");
  SimulatedEnv forwards;
  const Digest digest = run(forwards, text).digest;
  Backwards::order.clear();
  Backwards::hold = 4;  // as many as there are threads: each holds a group
  SimulatedEnv backwards;
  CHECK(run(backwards, text, 4, 1).digest == digest);
  Backwards::hold = 0;
  CHECK(Backwards::order == std::vector<int64_t>{3, 2, 1, 0});
  const std::vector<Group> groups = groups_of(backwards, "1", "generate");
  REQUIRE(groups.size() == 4);
  for (size_t i = 0; i < groups.size(); ++i) CHECK(groups[i].position == static_cast<int64_t>(i));
}

TEST_CASE("what a stop request cut short does not count, what was finished before does") {
  const std::string text =
      recipe(kSums, "  - generate: {tasks: sums, problems: 4, samples: 3, max_new_tokens: 3}\n  - verify: stopping\n");
  SimulatedEnv undisturbed;
  const Digest digest = run(undisturbed, text).digest;
  SimulatedEnv env;
  std::stop_source stop;
  Stopping::source = &stop;
  Stopping::left = 8;  // in the third group of three
  CHECK(run(env, text, 1, 3, stop.get_token()).status == "stopped");
  Stopping::source = nullptr;
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  CHECK(state.find_round("1")->steps.at("verify").tally.count_of("pass") == 6);
  CHECK(state.find_round("1")->steps.at("verify").tally.count_of("units") == 6);
  CHECK(run(env, text).digest == digest);
}

// Eight tokens each, so that two lists are equal by design or not at all.
std::map<std::string, std::vector<std::vector<std::string>>> texts_by_prompt(const std::string& rows) {
  const testing::TestDirectory directory;
  const std::string tasks = "  rows: {jsonl: " + directory.write("rows.jsonl", rows) + "}\n";
  SimulatedEnv env;
  run(env, recipe(tasks, "  - generate: {tasks: rows, problems: 3, samples: 4, max_new_tokens: 8}\n"));
  std::map<std::string, std::vector<std::vector<std::string>>> texts;
  for (const Group& group : groups_of(env, "1", "generate")) {
    std::vector<std::string>& of_group = texts[group.problem->prompt].emplace_back();
    for (const Rollout& rollout : group.rollouts) of_group.push_back(rollout.text);
  }
  return texts;
}

const std::string kA = R"({"prompt": "1+1=", "answer": "2"})"
                       "\n";
const std::string kB = R"({"prompt": "2+2=", "answer": "4"})"
                       "\n";
const std::string kC = R"({"prompt": "3+3=", "answer": "6"})"
                       "\n";

TEST_CASE("a problem's rollouts hang on the problem, not on its place") {
  const auto texts = texts_by_prompt(kA + kB + kC);
  CHECK(texts.size() == 3);
  CHECK(texts_by_prompt(kC + kA + kB) == texts);
  CHECK(texts_by_prompt(kB + kC + kA) == texts);
}

TEST_CASE("a row that is there twice gets different rollouts") {
  const auto texts = texts_by_prompt(kA + kB + kA);
  REQUIRE(texts.at("1+1=").size() == 2);
  CHECK(texts.at("1+1=")[0] != texts.at("1+1=")[1]);
  CHECK(texts.at("1+1=")[0] == texts_by_prompt(kA + kB + kC).at("1+1=")[0]);
}

// So that versions are compared on the same draws. The step is too small to change a token, but makes another version:
// the figures of the first are no answer for it.
TEST_CASE("versions are evaluated with the same random numbers in every round, rollouts get new ones") {
  SimulatedEnv env;
  run(env, recipe(kSums,
                  "  - generate: {tasks: sums, problems: 5, samples: 4, max_new_tokens: 3}\n"
                  "  - finetune: {from: live, loss: nll, algorithm: sgd, learning_rate: 1.0e-12}\n"
                  "  - evaluate: {tasks: sums, problems: 40, samples: 8, temperature: 1, max_new_tokens: 2}\n",
                  "2"));
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  REQUIRE(state.history.size() == 2);
  CHECK(state.find_round("1")->versions.at("lm").digest != state.find_round("2")->versions.at("lm").digest);
  CHECK(state.history[0].at("evaluate").at("pass@1") > 0);
  CHECK(state.history[0].at("evaluate") == state.history[1].at("evaluate"));
  CHECK(groups_of(env, "1", "generate")[0].rollouts[0].text != groups_of(env, "2", "generate")[0].rollouts[0].text);
}

TEST_CASE("a hint that the view showed is in no example") {
  SimulatedEnv env;
  run(env, recipe(kSums,
                  "  - generate: {tasks: sums, problems: 6, samples: 2, max_new_tokens: 2,\n"
                  "               view: {text: \"{{problem.prompt}}{{problem.answer}}#\"}}\n"
                  "  - finetune: {from: base, loss: nll}\n"));
  const TokenId hint = groups_of(env, "1", "generate")[0].prompts[0].ids.back();
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  std::vector<Example> examples;
  for (const FrameRef& frame : state.find_round("1")->steps.at("finetune").files.at("examples"))
    read_examples(read_frame(env, kRun, frame), examples);
  REQUIRE(examples.size() == 12);
  for (const Example& example : examples) {
    const auto& ids = example.sequences.front().ids;
    // The rollouts themselves may hold a '#'; what stands before them may not.
    const auto learnt = static_cast<size_t>(example.sequences.front().segments.back().begin);
    CHECK(std::count(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(learnt), hint) == 0);
  }
}

}  // namespace
}  // namespace sil
