// Numbers of the literature that need several shelves at once: estimators of the policy gradient on policies that can
// be enumerated, learnability, what a vote is worth.
#include <array>
#include <cmath>

#include "app/whole_run.h"
#include "support/catch.h"
#include "support/plugin.h"
#include "support/pool.h"

namespace sil::test {
namespace {

const Registries& shelves() {
  return testing::builtins().registries;
}

// Two steps over three tokens: rows of logits for the first token and for the second after each first one. Where
// `stops`, the first token 2 ends the rollout.
struct Policy {
  std::array<std::array<double, 3>, 4> z;
  bool stops = false;

  double probability(size_t row, size_t token) const {
    double sum = 0;
    for (double logit : z[row]) sum += std::exp(logit);
    return std::exp(z[row][token]) / sum;
  }
};

struct Step {
  size_t row, token;
};
using Outcome = std::vector<Step>;  // one rollout
using Gradient = std::array<double, 12>;

std::vector<Outcome> outcomes(const Policy& policy) {
  std::vector<Outcome> all;
  for (size_t a = 0; a < 3; ++a) {
    if (policy.stops && a == 2) {
      all.push_back({{0, a}});
      continue;
    }
    for (size_t b = 0; b < 3; ++b) all.push_back({{0, a}, {1 + a, b}});
  }
  return all;
}

double probability(const Policy& policy, const Outcome& outcome) {
  double p = 1;
  for (const Step& step : outcome) p *= policy.probability(step.row, step.token);
  return p;
}

// gradient += scale * d log pi(token) / dz
void add_score(const Policy& policy, const Step& step, double scale, Gradient& gradient) {
  for (size_t j = 0; j < 3; ++j)
    gradient[3 * step.row + j] += scale * ((j == step.token ? 1 : 0) - policy.probability(step.row, j));
}

// Of the expected reward: sum over rollouts of pi r d log pi.
Gradient exact_gradient(const Policy& policy, const std::vector<double>& reward) {
  Gradient gradient{};
  const std::vector<Outcome> all = outcomes(policy);
  for (size_t y = 0; y < all.size(); ++y)
    for (const Step& step : all[y]) add_score(policy, step, probability(policy, all[y]) * reward[y], gradient);
  return gradient;
}

struct Estimator {
  std::string credit;
  Json::Object credit_options;
  std::string loss;
  Json::Object loss_options;
};

// What the estimator's step does to the logits for one group, its rollouts sampled from `sampler`.
Gradient group_gradient(const Estimator& estimator, const Policy& policy, const Policy& sampler,
                        const std::vector<const Outcome*>& rollouts, const Scores& scores) {
  Pool pool(one(group(scores)));
  pool.weigh(*make_plugin(shelves().credits, estimator.credit, estimator.credit_options));
  const std::vector<double> weights = pool.weights();
  std::vector<int32_t> begin{0};
  std::vector<float> credit, logp, old;
  std::vector<const Step*> steps;
  for (size_t i = 0; i < rollouts.size(); ++i) {
    for (const Step& step : *rollouts[i]) {
      steps.push_back(&step);
      credit.push_back(static_cast<float>(weights[i]));
      logp.push_back(static_cast<float>(std::log(policy.probability(step.row, step.token))));
      old.push_back(static_cast<float>(std::log(sampler.probability(step.row, step.token))));
    }
    begin.push_back(static_cast<int32_t>(steps.size()));
  }
  const std::vector<uint8_t> target(steps.size(), 1);
  std::vector<float> dlogp(steps.size());
  LossInput input{.begin = begin,
                  .target = target,
                  .credit = credit,
                  .logp = logp,
                  .old_logp = old,
                  .reference_logp = {},
                  .pairs = false,
                  .totals = {}};
  input.totals = {static_cast<double>(steps.size()), static_cast<double>(rollouts.size()), 0};
  LossOutput output{dlogp, 0, {}};
  make_plugin(shelves().losses, estimator.loss, estimator.loss_options)->term().atom->add(input, output);
  Gradient gradient{};
  for (size_t n = 0; n < steps.size(); ++n)
    add_score(policy, *steps[n], -static_cast<double>(dlogp[n]), gradient);  // ascent on the reward
  return gradient;
}

// Over all groups of `size` rollouts.
Gradient expected_gradient(const Estimator& estimator, const Policy& policy, const Policy& sampler,
                           const std::vector<double>& reward, size_t size) {
  const std::vector<Outcome> all = outcomes(policy);
  size_t groups = 1;
  for (size_t i = 0; i < size; ++i) groups *= all.size();
  Gradient expected{};
  for (size_t index = 0; index < groups; ++index) {
    std::vector<const Outcome*> rollouts;
    Scores scores;
    double p = 1;
    for (size_t i = 0, rest = index; i < size; ++i, rest /= all.size()) {
      const size_t y = rest % all.size();
      rollouts.push_back(&all[y]);
      scores.emplace_back(reward[y]);
      p *= probability(sampler, all[y]);
    }
    const Gradient gradient = group_gradient(estimator, policy, sampler, rollouts, scores);
    for (size_t j = 0; j < 12; ++j) expected[j] += p * gradient[j];
  }
  return expected;
}

void check_multiple(const Gradient& got, const Gradient& exact, double factor) {
  for (size_t j = 0; j < 12; ++j) {
    INFO("logit " << j);
    CHECK(got[j] == Approx(factor * exact[j]).margin(1e-6));
  }
}

double dot(const Gradient& a, const Gradient& b) {
  double sum = 0;
  for (size_t j = 0; j < 12; ++j) sum += a[j] * b[j];
  return sum;
}

double cosine(const Gradient& a, const Gradient& b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

const Policy kPolicy{{{{0.3, -0.2, 0.1}, {1.0, 0.1, -0.5}, {-0.4, 0.6, 0.0}, {0.2, 0.2, -1.0}}}};
const std::vector<double> kReward = {1, 0, -0.5, 0.25, 2, 0, 0.5, 0.75, -1};

TEST_CASE("reinforce and leave-one-out are unbiased, group-centred shrinks by 1 - 1/G") {
  const Gradient exact = exact_gradient(kPolicy, kReward);
  for (size_t size : {size_t{2}, size_t{3}}) {
    INFO("groups of " << size);
    auto expected = [&](const std::string& credit) {
      return expected_gradient({credit, {}, "reinforce", {}}, kPolicy, kPolicy, kReward, size);
    };
    check_multiple(expected("reward"), exact, 1);
    check_multiple(expected("leave_one_out"), exact, 1);
    // r - mean = (1 - 1/G) (r - mean of the others): Kool et al. 2019.
    check_multiple(expected("group_centered"), exact, 1 - 1.0 / static_cast<double>(size));
  }
}

TEST_CASE("leave-one-out has less variance than reinforce") {
  const std::vector<Outcome> all = outcomes(kPolicy);
  auto second_moment = [&](const std::string& credit) {
    double sum = 0;
    for (size_t a = 0; a < all.size(); ++a)
      for (size_t b = 0; b < all.size(); ++b) {
        // Rewards far from zero, where a baseline is worth most.
        const Gradient g = group_gradient({credit, {}, "reinforce", {}}, kPolicy, kPolicy, {&all[a], &all[b]},
                                          {kReward[a] + 5, kReward[b] + 5});
        sum += probability(kPolicy, all[a]) * probability(kPolicy, all[b]) * dot(g, g);
      }
    return sum;
  };
  CHECK(second_moment("leave_one_out") < 0.2 * second_moment("reward"));
}

TEST_CASE("dividing by the group's deviation is biased: of right and wrong it favours groups that are nearly alike") {
  const Estimator zscore{"group_zscore", {{"epsilon", 0}}, "reinforce", {}};
  CHECK(cosine(expected_gradient(zscore, kPolicy, kPolicy, kReward, 3), exact_gradient(kPolicy, kReward)) < 0.999);
  // Binary rewards, G = 2: a mixed group has deviation 1/sqrt(2), so the credit is sqrt(2) times the centred one.
  const std::vector<double> binary = {1, 0, 0, 0, 1, 0, 0, 0, 0};
  check_multiple(expected_gradient(zscore, kPolicy, kPolicy, binary, 2), exact_gradient(kPolicy, binary),
                 std::sqrt(2.0) / 2);
  // G = 3: one or two right of three, deviation 1/sqrt(3).
  check_multiple(expected_gradient(zscore, kPolicy, kPolicy, binary, 3), exact_gradient(kPolicy, binary),
                 std::sqrt(3.0) * 2 / 3);
}

TEST_CASE("where lengths differ only a constant divisor keeps the gradient's direction") {
  Policy policy = kPolicy;
  policy.stops = true;
  const std::vector<double> reward = {1, 0, -0.5, 0.25, 2, 0, 1.5};
  const Gradient exact = exact_gradient(policy, reward);
  auto expected = [&](const std::string& loss, Json::Object options) {
    return expected_gradient({"leave_one_out", {}, loss, std::move(options)}, policy, policy, reward, 3);
  };
  check_multiple(expected("pg", {{"average", "constant"}, {"length", 2}}), exact, 0.5);  // Dr. GRPO
  CHECK(cosine(expected("grpo", {}), exact) < 0.999);                                    // each sequence's mean
  CHECK(cosine(expected("dapo", {}), exact) < 0.9999);                                   // all tokens of the step
}

TEST_CASE("on the policy that sampled, every ratio loss has reinforce's gradient over the mean of tokens") {
  const Gradient exact = exact_gradient(kPolicy, kReward);
  for (const char* loss : {"ppo", "grpo", "dapo", "gspo", "cispo"}) {
    INFO(loss);
    // Both tokens always: a mean is half of the sum.
    check_multiple(expected_gradient({"leave_one_out", {}, loss, {}}, kPolicy, kPolicy, kReward, 2), exact, 0.5);
  }
}

TEST_CASE("off policy the ratio makes a one-token gradient exact, and no ratio leaves it the sampler's") {
  // One token: the second row does not count, its rewards are those of the first token.
  Policy sampler = kPolicy;
  sampler.z[0] = {-0.5, 0.4, 0.0};
  auto one_token = [](const Policy& policy, const Policy& from, const Json::Object& options) {
    const std::array<double, 3> reward = {1, -0.5, 2};
    Gradient expected{};
    for (size_t y = 0; y < 3; ++y) {
      const Outcome outcome = {{0, y}};
      const Gradient g = group_gradient({"reward", {}, "pg", options}, policy, from, {&outcome}, {reward[y]});
      for (size_t j = 0; j < 12; ++j) expected[j] += from.probability(0, y) * g[j];
    }
    Gradient exact{};
    for (size_t y = 0; y < 3; ++y) add_score(policy, {0, y}, policy.probability(0, y) * reward[y], exact);
    return std::pair(expected, exact);
  };
  for (const char* kind : {"ppo", "cispo"}) {
    INFO(kind);
    const auto [expected, exact] = one_token(kPolicy, sampler, {{"kind", kind}, {"clip_low", 1.0}, {"clip_high", 1e9}});
    check_multiple(expected, exact, 1);
  }
  const auto [expected, exact] = one_token(kPolicy, sampler, {{"ratio", "none"}});
  CHECK(cosine(expected, exact) < 0.99);
}

TEST_CASE("the clip's region without a gradient is exactly where a step would go on in its own direction") {
  const auto ppo = make_plugin(shelves().losses, "ppo", {{"clip_low", 0.2}, {"clip_high", 0.3}})->term();
  const std::vector<int32_t> begin{0, 1};
  const std::vector<uint8_t> target{1};
  for (double ratio = 0.5; ratio < 1.8; ratio += 0.05) {
    for (const float credit : {1.0F, -1.0F, 0.5F, -2.0F}) {
      const std::vector<float> logp{-1}, old{static_cast<float>(-1 - std::log(ratio))}, credits{credit};
      std::vector<float> dlogp(1);
      LossInput input{.begin = begin,
                      .target = target,
                      .credit = credits,
                      .logp = logp,
                      .old_logp = old,
                      .reference_logp = {},
                      .pairs = false,
                      .totals = {1, 1, 0}};
      LossOutput output{dlogp, 0, {}};
      ppo.atom->add(input, output);
      if (std::abs(ratio - 1.3) < 1e-3 || std::abs(ratio - 0.8) < 1e-3) continue;  // the kinks
      const bool flat = credit > 0 ? ratio > 1.3 : ratio < 0.8;
      INFO("ratio " << ratio << " credit " << credit);
      CHECK((dlogp[0] == 0) == flat);
      if (!flat) CHECK(static_cast<double>(dlogp[0]) == Approx(-ratio * static_cast<double>(credit)).epsilon(1e-5));
    }
  }
}

// --- scores by formula ---------------------------------------------------------------------------------------------

TEST_CASE("learnability is 1 - 2|p - 1/2| and R-Zero's code min(p, 1 - p), as expressions of a score") {
  const auto score = [](const std::string& expr, int passes, int of) {
    Scores scores;
    for (int i = 0; i < of; ++i) scores.emplace_back(i < passes ? 1.0 : 0.0);
    const Group judged = group(scores);
    double sum = 0;
    for (const Rollout& rollout : judged.rollouts) sum += *score_of(judged, rollout, "");
    class Rate final : public Scope {
     public:
      explicit Rate(double p) : p_(p) {}
      Value get(std::string_view field) const override { return field == "pass_rate" ? Value(p_) : Value(); }
      std::vector<std::string> fields() const override { return {"pass_rate"}; }

     private:
      double p_;
    };
    return std::get<double>(Expression(expr, {"test.yaml", 1, 1}).number(Rate(sum / of)));
  };
  const std::vector<std::pair<int, int>> rates = {{0, 20}, {5, 20}, {10, 20}, {16, 20}, {20, 20}};
  const std::vector<double> tent = {0, 0.5, 1, 0.4, 0}, released = {0, 0.25, 0.5, 0.2, 0};
  for (size_t i = 0; i < rates.size(); ++i) {
    CHECK(score("1 - 2*math.abs(pass_rate - 0.5)", rates[i].first, rates[i].second) == Approx(tent[i]).margin(1e-15));
    CHECK(score("math.min(pass_rate, 1 - pass_rate)", rates[i].first, rates[i].second) ==
          Approx(released[i]).margin(1e-15));
  }
}

// --- evaluate ------------------------------------------------------------------------------------------------------

TEST_CASE("pass@k and maj@k of scripted answers are what counting by hand gives") {
  testing::WholeRun run;
  // Every problem gets 7, 8, 7, 9, 10 in this order.
  run.run(R"(
name: vote
models: {lm: {scripted: {replies: ["7", "8", "7", "9", "10"]}, tokenizer: {chars: "0123456789+="}}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - {evaluate: {tasks: sums, samples: 5, max_new_tokens: 3}}
)");
  // The training split by its definition: uids from a tenth of their range on.
  const auto task = make_plugin(shelves().tasks, "addition", {{"digits", 1}});
  double problems = 0, sevens = 0, others = 0;
  for (int64_t i = 0; i < task->size(); ++i) {
    const Problem problem = task->at(i);
    if (static_cast<double>(problem.uid) * 0x1p-64 < 0.1) continue;
    problems += 1;
    sevens += *problem.answer == "7";
    others += *problem.answer == "8" || *problem.answer == "9" || *problem.answer == "10";
  }
  REQUIRE((sevens > 2 && others > 6));
  const Metrics metrics = run.metrics("1", "evaluate");
  CHECK(metrics.at("problems") == problems);
  CHECK(metrics.at("pass@1") == Approx((0.4 * sevens + 0.2 * others) / problems));
  CHECK(metrics.at("pass@2") ==
        Approx((0.7 * sevens + 0.4 * others) / problems));  // 1 - C(3,2)/C(5,2), 1 - C(4,2)/C(5,2)
  CHECK(metrics.at("pass@4") == Approx((1.0 * sevens + 0.8 * others) / problems));
  CHECK(metrics.at("pass@5") == Approx((sevens + others) / problems));
  CHECK(metrics.at("maj@5") == Approx(sevens / problems));
}

}  // namespace
}  // namespace sil::test
