// Values of the published formulas, worked out by hand, and identities on policies that can be enumerated.
#include <array>
#include <cmath>

#include "losses/step_data.h"

namespace sil::test {
namespace {

const double kLog2 = std::log(2.0);

// One sequence of one token with probability ratio `ratio` and this credit.
StepData one_token(double ratio, float credit) {
  StepData data({{{.logp = -1, .credit = credit}}});
  data.old[0] = static_cast<float>(-1 - std::log(ratio));
  return data;
}

TEST_CASE("nll is the mean over target tokens, weighted by credit") {
  // -(1*-2 + 0.5*-4) / 3 with one token of credit 0.
  const StepData data({{{-2.0F, 1.0F}, {-4.0F, 0.5F}}, {{-8.0F, 0.0F}, {.logp = -16, .target = false}}});
  const Result result = run(term("nll"), data);
  CHECK(result.value == Approx(4.0 / 3));
  CHECK(result.dlogp[0] == Approx(-1.0 / 3));
  CHECK(result.dlogp[1] == Approx(-0.5 / 3));
  CHECK(result.dlogp[2] == 0);
  CHECK(result.dlogp[3] == 0);
}

TEST_CASE("averages over sequences, tokens and a constant length differ as published") {
  // Credits 1 and -1, lengths 1 and 3, on the policy that sampled: the surrogate of a token is -A.
  const std::vector<std::vector<Token>> sequences = {{{-1, 1, -1}}, {{-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}};
  const StepData data(sequences);
  const auto value = [&](Json::Object options) { return run(term("pg", std::move(options)), data).value; };
  CHECK(value({{"average", "sequences"}}) == Approx(0).margin(1e-15));        // (-1 + 1) / 2
  CHECK(value({{"average", "tokens"}}) == Approx(0.5));                       // (-1 + 3) / 4
  CHECK(value({{"average", "constant"}, {"length", 4}}) == Approx(2.0 / 8));  // (-1 + 3) / (4 * 2)
  const Result tokens = run(term("dapo"), data);
  CHECK(tokens.dlogp[0] == Approx(-0.25));
  CHECK(tokens.dlogp[1] == Approx(0.25));
  const Result means = run(term("grpo"), data);
  CHECK(means.dlogp[0] == Approx(-0.5));
  CHECK(means.dlogp[1] == Approx(1.0 / 6));
}

TEST_CASE("a group of one is its own mean") {
  const StepData data({{{-1, 2, -1}, {-1, 2, -1}}});
  CHECK(run(term("grpo"), data).value == Approx(-2));
  CHECK(run(term("reinforce"), data).value == Approx(4));  // -A sum log pi
}

TEST_CASE("the clip takes the pessimistic side") {
  const LossTerm ppo = term("ppo");
  const auto at = [&](double ratio, float credit) { return run(ppo, one_token(ratio, credit)); };
  CHECK(at(1.5, 1).value == Approx(-1.2));
  CHECK(at(1.5, 1).dlogp[0] == 0);
  CHECK(at(1.5, -1).value == Approx(1.5));
  CHECK(at(1.5, -1).dlogp[0] == Approx(1.5));
  CHECK(at(0.5, 1).value == Approx(-0.5));
  CHECK(at(0.5, 1).dlogp[0] == Approx(-0.5));
  CHECK(at(0.5, -1).value == Approx(0.8));
  CHECK(at(0.5, -1).dlogp[0] == 0);
  CHECK(at(1.1, 2).value == Approx(-2.2));
  CHECK(at(1.25, 1).value == Approx(-1.2));
  CHECK(run(term("dapo"), one_token(1.25, 1)).value == Approx(-1.25));  // inside 1.28
}

TEST_CASE("dual clip bounds the loss of a negative credit") {
  const LossTerm dual = term("pg", {{"dual_clip", 3.0}});
  CHECK(run(dual, one_token(5, -2)).value == Approx(6));
  CHECK(run(dual, one_token(5, -2)).dlogp[0] == 0);
  CHECK(run(dual, one_token(2, -2)).value == Approx(4));
  CHECK(run(dual, one_token(2, -2)).dlogp[0] == Approx(4));
  CHECK(run(dual, one_token(5, 2)).value == Approx(-2.4));
}

TEST_CASE("clipped tokens are counted") {
  StepData data({{{-1, 1, -1}, {-1, 1, -2}, {-1, -1, -2}}});  // ratios 1, e, e
  CHECK(run(term("ppo"), data).sums.at("clipped") == 1);
  CHECK(run(term("ppo"), data).sums.at("approx_kl") == Approx(2 * (std::exp(1.0) - 2)));
}

TEST_CASE("gspo has one ratio a sequence: the exponential of the mean log-ratio") {
  // Log-ratios 0.5 and -0.25: mean 0.125.
  const StepData data({{{-1, 2, -1.5F}, {-1, 2, -0.75F}}});
  const LossTerm wide = term("gspo", {{"clip_low", 0.5}, {"clip_high", 0.5}});
  const double ratio = std::exp(0.125);
  CHECK(run(wide, data).value == Approx(-2 * ratio));
  // d/dlogp_t = -A rho / |y|, alike for both tokens.
  CHECK(run(wide, data).dlogp[0] == Approx(-ratio));
  CHECK(run(wide, data).dlogp[1] == Approx(-ratio));
  CHECK(run(term("gspo"), data).value == Approx(-2 * 1.0004));
  CHECK(run(term("gspo"), data).dlogp[0] == 0);
}

TEST_CASE("cispo weighs the log-probability and never stops the gradient") {
  const LossTerm cispo = term("cispo", {{"clip_high", 1.0}});
  const Result inside = run(cispo, one_token(1.5, 2));
  CHECK(inside.value == Approx(3));  // -1.5 * 2 * -1
  CHECK(inside.dlogp[0] == Approx(-3));
  const Result above = run(cispo, one_token(5, 2));
  CHECK(above.value == Approx(4));  // bounded at 2
  CHECK(above.dlogp[0] == Approx(-4));
  CHECK(above.sums.at("clipped") == 1);
  CHECK(run(term("cispo"), one_token(4.5, 1)).dlogp[0] == Approx(-4.5));
}

TEST_CASE("a ratio beyond e^20 stays finite and has no gradient") {
  StepData data({{{0, -1, -90}}});
  const Result result = run(term("ppo"), data);
  CHECK(result.value == Approx(std::exp(20.0)));
  CHECK(result.dlogp[0] == 0);
}

TEST_CASE("dpo at the reference is log 2, whatever beta and credit") {
  const StepData data({{{-1, 1, 0, -1}, {-2, 1, 0, -2}}, {{-3, 1, 0, -3}}}, true);
  for (double beta : {0.05, 0.1, 1.0, 10.0}) {
    const Result result = run(term("dpo", {{"beta", beta}}), data);
    CHECK(result.value == Approx(0.693147).epsilon(1e-6));
    CHECK(result.dlogp[0] == Approx(-beta / 2));
    CHECK(result.dlogp[2] == Approx(beta / 2));
  }
}

TEST_CASE("dpo, ipo and simpo on one pair, by hand") {
  // Log-ratios: chosen 0.5 + 0.25, rejected -1; log-probs -1 and -0.75, rejected -3.
  const StepData data({{{-1, 1, 0, -1.5F}, {-0.75F, 1, 0, -1}}, {{-3, 1, 0, -2}}}, true);
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  CHECK(run(term("dpo", {{"beta", 0.2}}), data).value == Approx(softplus(-0.2 * 1.75)));
  // Means 0.375 and -1; the target is 1 / (2 * 0.2) = 2.5.
  CHECK(run(term("ipo", {{"beta", 0.2}}), data).value == Approx((1.375 - 2.5) * (1.375 - 2.5)));
  // Means -0.875 and -3.
  CHECK(run(term("simpo", {{"beta", 2.0}, {"gamma", 0.5}}), data).value == Approx(softplus(-(2 * 2.125 - 0.5))));
  CHECK(run(term("dpo"), data).sums.at("accuracy") == Approx(3));  // one pair, over three tokens
}

TEST_CASE("a token's credit weighs it within its side of a pair") {
  // Weighted mean of the chosen: (2 * -1 + 1 * -4) / 3 = -2.
  const StepData data({{{-1, 2}, {-4, 1}}, {{-2, 1}}}, true);
  CHECK(run(term("simpo", {{"gamma", 0.0}}), data).value == Approx(kLog2));
}

TEST_CASE("preference losses stay finite far from their middle") {
  const StepData good({{{0, 1, 0, -2000}}, {{-2000, 1, 0, 0}}}, true);
  const StepData bad({{{-2000, 1, 0, 0}}, {{0, 1, 0, -2000}}}, true);
  const LossTerm dpo = term("dpo", {{"beta", 1.0}});
  CHECK(run(dpo, good).value == Approx(0).margin(1e-12));
  CHECK(run(dpo, bad).value == Approx(4000));
  CHECK(run(dpo, bad).dlogp[0] == Approx(-1));
}

TEST_CASE("k1, k2, k3 at a log-ratio of -0.5 and 0.5") {
  // d = log T - log S.
  const auto value = [](const char* kind, float d) {
    return run(term("match", {{"divergence", kind}}), StepData({{{-1, 1, -1, -1 + d}}})).value;
  };
  CHECK(value("k3", -0.5F) == Approx(0.10653).epsilon(1e-4));
  CHECK(value("k3", 0.5F) == Approx(0.14872).epsilon(1e-4));
  CHECK(value("k2", 0.5F) == Approx(0.125));
  CHECK(value("k1", 0.5F) == Approx(-0.5));
  CHECK(value("k3", 0) == 0);
}

TEST_CASE("match does not read credit") {
  const StepData plain({{{-1, 1, -1, -2}}});
  const StepData weighed({{{-1, -3, -1, -2}}});
  CHECK(run(term("match"), plain).value == run(term("match"), weighed).value);
  CHECK(run(term("match"), plain).dlogp == run(term("match"), weighed).dlogp);
}

// --- identities on enumerated policies -----------------------------------------------------------------------------

// Policy over four outcomes whose frequencies in eight samples are exact, and another it is compared with.
constexpr std::array<double, 4> kPolicy = {0.5, 0.25, 0.125, 0.125};
constexpr std::array<double, 4> kOther = {0.1, 0.2, 0.3, 0.4};
constexpr std::array<size_t, 8> kSamples = {0, 0, 0, 0, 1, 1, 2, 3};

// Gradient by the policy's logits that a term gives on the eight samples.
std::array<double, 4> logit_gradient(const LossTerm& made) {
  std::vector<std::vector<Token>> sequences;
  for (size_t y : kSamples) {
    const auto logp = static_cast<float>(std::log(kPolicy[y]));
    sequences.push_back({{.logp = logp, .old = logp, .reference = static_cast<float>(std::log(kOther[y]))}});
  }
  const Result result = run(made, StepData(sequences));
  std::array<double, 4> gradient{};
  for (size_t n = 0; n < kSamples.size(); ++n)
    for (size_t j = 0; j < 4; ++j)
      gradient[j] += static_cast<double>(result.dlogp[n]) * ((j == kSamples[n] ? 1 : 0) - kPolicy[j]);
  return gradient;
}

// d KL(S|T) / dz_j = S_j (log S_j - log T_j - KL)
std::array<double, 4> reverse_gradient() {
  double kl = 0;
  for (size_t j = 0; j < 4; ++j) kl += kPolicy[j] * std::log(kPolicy[j] / kOther[j]);
  std::array<double, 4> gradient{};
  for (size_t j = 0; j < 4; ++j) gradient[j] = kPolicy[j] * (std::log(kPolicy[j] / kOther[j]) - kl);
  return gradient;
}

void check_equal(const std::array<double, 4>& got, const std::array<double, 4>& expected) {
  for (size_t j = 0; j < 4; ++j) {
    INFO("logit " << j);
    CHECK(got[j] == Approx(expected[j]).margin(1e-7));
  }
}

TEST_CASE("the gradient of mean k3 is that of the forward KL") {
  std::array<double, 4> forward{};  // d KL(T|S) / dz_j = S_j - T_j
  for (size_t j = 0; j < 4; ++j) forward[j] = kPolicy[j] - kOther[j];
  check_equal(logit_gradient(term("match", {{"divergence", "k3"}})), forward);
}

TEST_CASE("with importance the gradients of k1 and k3 are that of the reverse KL, as k2's is without") {
  check_equal(logit_gradient(term("match", {{"divergence", "k3"}, {"importance", true}})), reverse_gradient());
  check_equal(logit_gradient(term("match", {{"divergence", "k1"}, {"importance", true}})), reverse_gradient());
  check_equal(logit_gradient(term("match", {{"divergence", "k2"}})), reverse_gradient());
}

TEST_CASE("the gradient of mean k1 without importance is zero") {
  check_equal(logit_gradient(term("match", {{"divergence", "k1"}})), {0, 0, 0, 0});
}

// A policy over two tokens of two kinds: the second depends on the first.
struct TwoSteps {
  std::array<std::array<double, 2>, 3> z;  // rows: first token, second after 0, second after 1

  double probability(size_t row, size_t token) const {
    return std::exp(z[row][token]) / (std::exp(z[row][0]) + std::exp(z[row][1]));
  }
  double expected(const std::array<double, 4>& reward) const {
    double sum = 0;
    for (size_t a = 0; a < 2; ++a)
      for (size_t b = 0; b < 2; ++b) sum += probability(0, a) * probability(1 + a, b) * reward[2 * a + b];
    return sum;
  }
};

// Every rollout once, its probability folded into its credit; one sequence in all.
std::array<std::array<double, 2>, 3> two_step_gradient(const char* loss, const TwoSteps& policy,
                                                       const std::array<double, 4>& reward) {
  std::vector<std::vector<Token>> sequences;
  for (size_t a = 0; a < 2; ++a) {
    for (size_t b = 0; b < 2; ++b) {
      const double first = policy.probability(0, a);
      const double second = policy.probability(1 + a, b);
      const auto credit = static_cast<float>(first * second * reward[2 * a + b]);
      const auto log_first = static_cast<float>(std::log(first));
      const auto log_second = static_cast<float>(std::log(second));
      sequences.push_back({{log_first, credit, log_first}, {log_second, credit, log_second}});
    }
  }
  StepData data(sequences);
  data.totals = {.tokens = 2, .sequences = 1, .pairs = 0};
  const Result result = run(term(loss), data);
  std::array<std::array<double, 2>, 3> gradient{};
  for (size_t n = 0; n < 8; ++n) {
    const size_t a = n / 4;
    const size_t row = n % 2 == 0 ? 0 : 1 + a;
    const size_t token = n % 2 == 0 ? a : n / 2 % 2;
    for (size_t j = 0; j < 2; ++j)
      gradient[row][j] += static_cast<double>(result.dlogp[n]) * ((j == token ? 1 : 0) - policy.probability(row, j));
  }
  return gradient;
}

TEST_CASE("the expected gradient of reinforce is the gradient of the expected reward") {
  TwoSteps policy{{{{0.3, -0.2}, {1.0, 0.1}, {-0.4, 0.6}}}};
  const std::array<double, 4> reward = {1, 0, -0.5, 2};
  const auto gradient = two_step_gradient("reinforce", policy, reward);
  // Half of it by a ratio on the policy that sampled: `ppo` is a mean over two tokens a sequence.
  const auto clipped = two_step_gradient("ppo", policy, reward);
  for (size_t row = 0; row < 3; ++row) {
    for (size_t j = 0; j < 2; ++j) {
      TwoSteps moved = policy;
      moved.z[row][j] += 1e-5;
      const double above = moved.expected(reward);
      moved.z[row][j] -= 2e-5;
      const double slope = (above - moved.expected(reward)) / 2e-5;
      INFO("row " << row << " token " << j);
      CHECK(gradient[row][j] == Approx(-slope).margin(1e-7));
      CHECK(clipped[row][j] == Approx(-slope / 2).margin(1e-7));
    }
  }
}

}  // namespace
}  // namespace sil::test
