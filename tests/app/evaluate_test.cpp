// What `evaluate` samples and tells.
#include "app/whole_run.h"
#include "base/statistics.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using testing::WholeRun;

constexpr const char* kRecipe = R"(
name: evaluated
seed: 5
rounds: 1
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  train: {neighbour: {length: 4, letters: 8}}
  held: {neighbour: {length: 4, letters: 8}, split: dev}
round:
  - {demonstrate: {tasks: train, problems: 64}}
  - {finetune: {from: live, loss: nll, epochs: 3, learning_rate: 0.3}}
  - {evaluate: {tasks: held, problems: 30, samples: 6, max_new_tokens: 3}}
)";

TEST_CASE("evaluate samples under top_k, top_p and min_p as generate does") {
  for (const char* cut : {"evaluate.top_k=1", "evaluate.top_p=0.000001", "evaluate.min_p=0.9", "evaluate.samples=6"}) {
    INFO(cut);
    const bool cuts = std::string(cut) != "evaluate.samples=6", one = std::string(cut).starts_with("evaluate.top");
    WholeRun run;
    run.run(kRecipe, {cut});
    int64_t unlike = 0, below_one = 0;
    for (const Group& group : run.groups("1", "evaluate"))
      for (const Rollout& rollout : group.rollouts) {
        CHECK(rollout.kept_mass.empty() != cuts);
        for (const float mass : rollout.kept_mass) below_one += mass < 1;
        unlike += rollout.ids != group.rollouts.front().ids;
      }
    CHECK((unlike == 0) == one);  // one token is left
    CHECK((below_one > 0) == cuts);
  }
}

TEST_CASE("evaluate: best_of@k is how often the sample that a verifier ranks first of k is right") {
  WholeRun run;
  run.run(kRecipe, {"++evaluate.best_of.regex='^[a-d]'"});
  const Metrics metrics = run.metrics("1", "evaluate");
  std::map<int64_t, double> expected;
  double problems = 0;
  for (const Group& group : run.groups("1", "evaluate")) {
    std::vector<RankedSample> samples;
    for (const Rollout& rollout : group.rollouts) {
      REQUIRE(rollout.verdicts.size() == 2);
      CHECK(rollout.verdicts.back().verifier == "task@1");
      samples.push_back({!rollout.text.empty() && rollout.text[0] >= 'a' && rollout.text[0] <= 'd' ? 1.0 : 0.0,
                         rollout.verdicts.back().label == Label::pass});
    }
    for (const int64_t k : {1, 2, 4, 6}) expected[k] += best_of_k(samples, k);
    ++problems;
  }
  for (const auto& [k, sum] : expected) {
    INFO(k);
    CHECK(metrics.at("best_of@" + std::to_string(k)) == Approx(sum / problems));
    CHECK(metrics.count("best_of@" + std::to_string(k) + ".low") == 1);
  }
  CHECK(metrics.at("best_of@1") == Approx(metrics.at("pass@1")));
  CHECK(metrics.at("pass@6") > 0);
  CHECK(metrics.at("best_of@6") != Approx(metrics.at("pass@6")));
  CHECK(metrics.at("unranked") == 0);
  CHECK_NOTHROW(fsck_run(run.env, testing::kRun));
}

TEST_CASE("evaluate: the truth as the ranker gives pass@k") {
  WholeRun run;
  run.run(kRecipe, {"++evaluate.best_of=exact"});
  const Metrics metrics = run.metrics("1", "evaluate");
  for (const char* k : {"@1", "@2", "@4", "@6"})
    CHECK(metrics.at(std::string("best_of") + k) == Approx(metrics.at(std::string("pass") + k)));
}

TEST_CASE("evaluate: a verifier judges in place of the tasks' own rule, and where it abstains nothing is right") {
  WholeRun run;
  run.run(kRecipe, {"++evaluate.verify.regex='^[a-d]'"});
  double right = 0, all = 0;
  for (const Group& group : run.groups("1", "evaluate"))
    for (const Rollout& rollout : group.rollouts) {
      REQUIRE(rollout.verdicts.size() == 1);
      CHECK(rollout.verdicts.front().verifier.starts_with("regex@"));
      right += !rollout.text.empty() && rollout.text[0] >= 'a' && rollout.text[0] <= 'd';
      ++all;
    }
  CHECK(run.metrics("1", "evaluate").at("pass@1") == Approx(right / all));
  CHECK(run.metrics("1", "evaluate").at("abstained") == 0);

  WholeRun unsure;
  unsure.run(kRecipe, {"++evaluate.verify={score: 'tokens <= 2 and 1 or nil'}"});
  double judged = 0;
  for (const Group& group : unsure.groups("1", "evaluate"))
    for (const Rollout& rollout : group.rollouts) judged += rollout.ids.size() <= 2;
  CHECK(judged > 0);
  CHECK(judged < all);
  CHECK(unsure.metrics("1", "evaluate").at("abstained") == Approx(1 - judged / all));
  CHECK(unsure.metrics("1", "evaluate").at("pass@1") == Approx(judged / all));
  CHECK_THAT(testing::findings(kRecipe, {"++evaluate.verify=exakt"}), Contains("exact"));
}

TEST_CASE("evaluate: best_of without a choice, or with a verifier that there is not, is refused") {
  CHECK_THAT(testing::findings(kRecipe, {"++evaluate.best_of=exact", "evaluate.samples=1"}), Contains("best_of"));
  CHECK_THAT(testing::findings(kRecipe, {"++evaluate.best_of=exakt"}), Contains("exact"));
}

TEST_CASE("a gate can decide by best_of@k, and measures the incumbent's itself") {
  WholeRun run;
  std::string text = kRecipe;
  text += "  - gate: {metric: best_of@6, at_least: incumbent}\n";
  run.run(text, {"++evaluate.best_of.regex='^[a-d]'"});
  for (const Group& group : run.groups("1", "gate"))
    for (const Rollout& rollout : group.rollouts) CHECK(rollout.verdicts.size() == 2);
  CHECK(run.metrics("1", "gate").count("difference") == 1);
  CHECK(!run.groups("1", "gate").empty());
}

TEST_CASE("evaluate: all its steps over a task ask the same problems, and a longer one goes on in the same order") {
  WholeRun run;
  run.run(std::string(kRecipe) + "  - {evaluate: {tasks: held, problems: 12, max_new_tokens: 3}, as: again}\n" +
          "after:\n  - {evaluate: {tasks: held, problems: 45, max_new_tokens: 3}, as: final}\n");
  const auto problems = [&](const std::string& round, const std::string& step) {
    std::vector<std::string> prompts;
    for (const Group& group : run.groups(round, step)) prompts.push_back(group.problem->prompt);
    return prompts;
  };
  const std::vector<std::string> all = problems("after", "final");
  REQUIRE(all.size() == 45);
  CHECK(problems("1", "evaluate") == std::vector(all.begin(), all.begin() + 30));
  CHECK(problems("1", "again") == std::vector(all.begin(), all.begin() + 12));
}

}  // namespace
}  // namespace sil
