// What base gives to plug-ins: registry errors, options of tasks, the verifier loop, example sequences.
#include <map>

#include "sil/filter.h"
#include "sil/registry.h"
#include "sil/task.h"
#include "sil/verifier.h"
#include "support/catch.h"

using namespace sil;

namespace {

std::string message_of(auto work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

class NameCollector final : public OptionVisitor {
 public:
  std::map<std::string, OptionInfo> options;

  void option(std::string_view name, int64_t&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, double&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, bool&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, std::string&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, std::vector<std::string>&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, std::vector<double>&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, std::vector<int64_t>&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, Json&, const OptionInfo& about) override { add(name, about); }
  void option(std::string_view name, Expression&, const OptionInfo& about) override { add(name, about); }
  void plugins(std::string_view, std::string_view, std::vector<PluginSpec>&, const OptionInfo&) override {}

 private:
  void add(std::string_view name, const OptionInfo& about) { CHECK(options.emplace(name, about).second); }
};

Problem problem_of(std::string prompt) {
  Problem problem;
  problem.uid = problem_uid(prompt, std::nullopt);
  problem.prompt = std::move(prompt);
  return problem;
}

// Does what the completion says.
class Obedient final : public CompletionVerifier {
 public:
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem&, std::string_view completion, const Task*) const override {
    if (completion == "throw") throw std::runtime_error("regex too complex");
    if (completion == "unreadable") throw Error(Exit::unreadable, "no table");
    if (completion == "broken") throw Error(Exit::verifier, "gave up");
    SIL_CHECK(completion != "bug");
    return completion == "good" ? passed() : failed("not good");
  }
};

std::vector<Verdict> judge_all(const std::vector<std::string>& completions, const JudgeContext& context = {}) {
  Group group;
  group.problem = std::make_shared<const Problem>(problem_of("p"));
  group.rollouts.resize(completions.size());
  std::vector<JudgeItem> items;
  for (size_t i = 0; i < completions.size(); ++i) {
    group.rollouts[i].text = completions[i];
    items.push_back({&group, &group.rollouts[i]});
  }
  std::vector<Verdict> verdicts(items.size());
  Obedient().verify(items, context, verdicts);
  return verdicts;
}

Verdict verdict_by(std::string step, Label label) {
  Verdict verdict;
  verdict.step = std::move(step);
  verdict.label = label;
  return verdict;
}

// One rollout of three tokens that was sampled after the prompt {1, 2}.
Group sampled_group() {
  Group group;
  group.problem = std::make_shared<const Problem>(problem_of("p"));
  group.prompts.push_back({{1, 2}, "p", {}});
  Rollout rollout;
  rollout.step = "generate";
  rollout.ids = {7, 8, 9};
  rollout.logprobs = {-0.5f, -0.25f, -0.125f};
  rollout.temperature = 0.5f;
  rollout.weight = 0.75;
  group.rollouts.push_back(rollout);
  return group;
}

ExampleSequence sequence_after(const Group& group, std::vector<TokenId> ids) {
  FilterContext context;
  context.round = "2";
  context.context_ids = [ids](const Group&, const Rollout&) { return ids; };
  return example_sequence(context, group, group.rollouts[0]);
}

}  // namespace

TEST_CASE("an unknown plug-in: place, kind, the near name or all names") {
  PluginSpec spec;
  spec.kind = "verifier";
  spec.name = "exat";
  spec.place = {"r.yaml", 4, 9};
  CHECK(message_of([&] {
          throw_unknown_plugin(spec, {"exact", "math"});
        }) == "r.yaml:4:9: there is no verifier called 'exat'; did you mean 'exact'?");
  spec.name = "something else";
  CHECK(message_of([&] {
          throw_unknown_plugin(spec, {"exact", "math"});
        }) == "r.yaml:4:9: there is no verifier called 'something else'; known: exact math");
  CHECK(message_of([&] { throw_name_taken("verifier", "exact"); }).find("exact") != std::string::npos);
}

TEST_CASE("task options: each with help, closed ones with their choices") {
  NameCollector collector;
  TaskOptions options;
  options.visit(collector);
  REQUIRE(collector.options.size() == 4);
  for (const auto& [name, about] : collector.options) CHECK_FALSE(about.help.empty());
  CHECK(collector.options.at("answer").choices.size() == 5);
  CHECK(collector.options.at("answers").choices == std::vector<std::string_view>{"use", "observe"});
}

TEST_CASE("verdicts: passed, failed, scored, abstained") {
  CHECK(passed("why").score == 1);
  CHECK(passed("why").reason == "why");
  CHECK(passed().label == Label::pass);
  CHECK(failed("no").outcome == Outcome::fail);
  CHECK(failed("no").score == 0);
  CHECK(scored(0.5).label == Label::pass);
  CHECK(scored(0.49).label == Label::fail);
  CHECK(scored(0.49).score == 0.49);
  CHECK(scored(0.8, 0.9).outcome == Outcome::fail);
  CHECK(scored(0.0 / 0.0).label == Label::abstain);
  CHECK(abstained(Outcome::timeout, "10 s").label == Label::abstain);
  CHECK(abstained(Outcome::timeout, "10 s").outcome == Outcome::timeout);
}

TEST_CASE("an exception abstains and the items after it are judged") {
  const std::vector<Verdict> verdicts = judge_all({"good", "throw", "bad", "unreadable", "good"});
  CHECK(verdicts[0].label == Label::pass);
  CHECK(verdicts[1].label == Label::abstain);
  CHECK(verdicts[1].outcome == Outcome::infra);
  CHECK(verdicts[1].reason == "regex too complex");
  CHECK(verdicts[2].label == Label::fail);
  CHECK(verdicts[3].outcome == Outcome::infra);
  CHECK(verdicts[4].label == Label::pass);
  for (const Verdict& verdict : verdicts) CHECK(verdict.cost_us >= 0);
}

TEST_CASE("a verifier that gave up and a bug end the run") {
  CHECK(message_of([] { judge_all({"broken"}); }) == "gave up");
  CHECK(message_of([] { judge_all({"bug"}); }).find("internal error") != std::string::npos);
}

TEST_CASE("a whole group cannot be judged by its text; after a stop nothing is judged") {
  Group group;
  group.problem = std::make_shared<const Problem>(problem_of("p"));
  const JudgeItem item{&group, nullptr};
  Verdict verdict;
  CHECK(message_of([&] { Obedient().verify({&item, 1}, {}, {&verdict, 1}); }).find("whole group") != std::string::npos);
  std::stop_source stop;
  stop.request_stop();
  JudgeContext context;
  context.stop = stop.get_token();
  CHECK(judge_all({"good"}, context)[0].label == Label::abstain);
}

TEST_CASE("a rollout's verdict is its own latest, or that of the named step, else its group's") {
  Group group = sampled_group();
  Rollout& rollout = group.rollouts[0];
  CHECK(verdict_of(group, rollout, "") == nullptr);
  CHECK(label_of(group, rollout, "") == Label::abstain);
  group.verdicts = {verdict_by("majority", Label::pass)};
  CHECK(label_of(group, rollout, "") == Label::pass);
  rollout.verdicts = {verdict_by("verify", Label::fail), verdict_by("judge", Label::pass),
                      verdict_by("verify", Label::abstain)};
  CHECK(verdict_of(group, rollout, "") == &rollout.verdicts[2]);
  CHECK(verdict_of(group, rollout, "judge") == &rollout.verdicts[1]);
  CHECK(verdict_of(group, rollout, "verify") == &rollout.verdicts[2]);
  CHECK(verdict_of(group, rollout, "majority") == &group.verdicts[0]);
  CHECK(verdict_of(group, rollout, "none") == nullptr);
}

TEST_CASE("an example in the context it was sampled in keeps its log-probs") {
  const Group group = sampled_group();
  const ExampleSequence sequence = sequence_after(group, {1, 2});
  CHECK(sequence.ids == std::vector<TokenId>{1, 2, 7, 8, 9});
  CHECK(sequence.logprobs == std::vector<float>{0, 0, -0.5f, -0.25f, -0.125f});
  CHECK(sequence.temperature == 0.5f);
  REQUIRE(sequence.segments.size() == 2);
  CHECK(sequence.segments[0].begin == 0);
  CHECK(sequence.segments[0].end == 2);
  CHECK(sequence.segments[0].weight == 0);
  CHECK(sequence.segments[0].rollout.empty());
  CHECK(sequence.segments[1].begin == 2);
  CHECK(sequence.segments[1].end == 5);
  CHECK(sequence.segments[1].weight == 0.75);
  CHECK(sequence.segments[1].rollout == rollout_id("2", group, group.rollouts[0]));
}

TEST_CASE("what a prompt says shall be learned has the rollout's credit, under that prompt alone") {
  Group group = sampled_group();
  group.prompts[0] = {{1, 2, 3, 4}, "p", {{1, 2}, {3, 4}}};
  std::vector<std::pair<int32_t, double>> seen;  // end and weight
  for (const Segment& segment : sequence_after(group, {1, 2, 3, 4}).segments) {
    seen.emplace_back(segment.end, segment.weight);
    CHECK(segment.rollout.empty() == (segment.end <= 4));
  }
  CHECK(seen == std::vector<std::pair<int32_t, double>>{{1, 0}, {2, 0.75}, {3, 0}, {4, 0.75}, {4, 0}, {7, 0.75}});
  CHECK(sequence_after(group, {1, 2, 3, 5}).segments.size() == 2);
}

TEST_CASE("under another context, or without log-probs, an example has none") {
  Group group = sampled_group();
  CHECK(sequence_after(group, {1, 3}).logprobs.empty());
  CHECK(sequence_after(group, {1}).logprobs.empty());
  CHECK(sequence_after(group, {1, 3}).ids == std::vector<TokenId>{1, 3, 7, 8, 9});
  group.rollouts[0].logprobs.clear();
  CHECK(sequence_after(group, {1, 2}).logprobs.empty());
  group.rollouts[0].logprobs = {-1};
  CHECK_THROWS_AS(sequence_after(group, {1, 2}), Error);
  group.rollouts[0].logprobs.clear();
  group.prompts.clear();  // a given rollout
  CHECK(sequence_after(group, {1, 2}).segments[1].end == 5);
}
