// What `generate` tells of how far a model has moved.
#include <cmath>
#include <set>

#include "app/whole_run.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::WholeRun;

constexpr const char* kRecipe = R"(
name: drifting
seed: 5
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - {generate: {tasks: sums, problems: 40, samples: 6, max_new_tokens: 3, temperature: 0.8}, as: tries}
  - {demonstrate: {tasks: sums, problems: 30}, as: shown}
  - {finetune: {from: live, loss: nll, epochs: 2, learning_rate: 0.3}, of: shown}
)";

std::vector<const Rollout*> rollouts_of(const std::vector<Group>& groups) {
  std::vector<const Rollout*> out;
  for (const Group& group : groups)
    for (const Rollout& rollout : group.rollouts) out.push_back(&rollout);
  return out;
}

TEST_CASE("entropy is the mean of -log p of the sampled tokens, duplicate_rate the share of texts seen before") {
  WholeRun run;
  run.run(kRecipe);
  for (const char* round : {"1", "2"}) {
    const std::vector<Group> groups = run.groups(round, "tries");
    double logp = 0, tokens = 0, repeated = 0;
    for (const Group& group : groups) {
      std::multiset<std::string> texts;
      for (const Rollout& rollout : group.rollouts) {
        repeated += texts.count(rollout.text) > 0;
        texts.insert(rollout.text);
        for (const float value : rollout.logprobs) logp += static_cast<double>(value), ++tokens;
      }
    }
    const Metrics metrics = run.metrics(round, "tries");
    CHECK(metrics.at("entropy") == Approx(-logp / tokens).epsilon(1e-6));
    CHECK(metrics.at("duplicate_rate") == Approx(repeated / 240).epsilon(1e-12));
    REQUIRE(repeated > 0);
  }
  CHECK(run.metrics("2", "tries").at("entropy") < run.metrics("1", "tries").at("entropy"));
}

TEST_CASE("a step that takes the likeliest token has no entropy") {
  WholeRun run;
  run.run(kRecipe, {"tries.temperature=0"});
  CHECK(run.metrics("2", "tries").count("entropy") == 0);
  CHECK(run.metrics("2", "tries").at("duplicate_rate") == Approx(5.0 / 6));
}

// A table without a row gives every token the same probability: what the base says is known without an engine.
TEST_CASE("kl_to_base is the k3 estimate over the first 256 rollouts, and 0 for base itself") {
  WholeRun run;
  run.run(kRecipe, {"tries.problems=60"});
  CHECK(run.metrics("1", "tries").at("kl_to_base") == 0);
  const std::vector<Group> groups = run.groups("2", "tries");
  const std::vector<const Rollout*> rollouts = rollouts_of(groups);
  REQUIRE(rollouts.size() == 360);
  const double uniform = -std::log(15.0);  // ten digits, + and =, three specials
  double sum = 0, tokens = 0;
  for (size_t r = 0; r < 256; ++r)
    for (const float value : rollouts[r]->logprobs) {
      const double log_ratio = uniform - static_cast<double>(value);
      sum += std::exp(log_ratio) - 1 - log_ratio, ++tokens;
    }
  REQUIRE(sum > 0);
  CHECK(run.metrics("2", "tries").at("kl_to_base") == Approx(sum / tokens).epsilon(1e-5));
}

TEST_CASE("what generate tells of drift depends on no frame, thread or kill", "[threads]") {
  const auto metrics = [](SimulatedEnv& env, int threads, int64_t frame) {
    RoundMetrics out = testing::run(env, testing::request(kRecipe, threads, frame)).metrics;
    out.at("tries").erase("rescored_tokens");  // those of the first frame
    return out;
  };
  SimulatedEnv undisturbed;
  const RoundMetrics wanted = metrics(undisturbed, 1, 16);
  for (const auto& [threads, frame] : {std::pair{1, 1}, {3, 7}, {2, 64}}) {
    SimulatedEnv env;
    INFO("threads " << threads << ", frames of " << frame);
    CHECK(metrics(env, threads, frame) == wanted);
  }
  for (uint64_t call = 0; call < undisturbed.calls().size(); call += 7) {
    SimulatedEnv env;
    testing::run_until(call, env, testing::request(kRecipe));
    env.restart();
    INFO("killed at call " << call);
    REQUIRE(metrics(env, 2, 5) == wanted);
  }
}

}  // namespace
}  // namespace sil
