// KL divergence to another version of the same model. S is the policy being trained, T the version it is held against.
// On sampled tokens, with d = log T - log S (estimators of Schulman 2020, "Approximating KL Divergence"):
//   k1 = -d     k2 = d^2 / 2     k3 = e^d - d - 1
// Their means over S estimate KL(S|T), but the gradient of that mean is not the mean of their gradients: for tokens
// sampled from S, E[grad k1] = 0, E[grad k2] = grad KL(S|T), E[grad k3] = grad KL(T|S), the *forward* divergence. With
// `importance` the term is rho k, rho = S / S_sampled; then E[grad] = grad KL(S|T) for k1 and k3.
// Over the whole vocabulary (reverse_kl = KL(S|T), forward_kl = KL(T|S)) nothing is estimated; the engine computes it.
// Credit is not read: it is an advantage where a policy gradient stands beside this term.
#include "losses/average.h"
#include "losses/losses.h"
#include "sil/error.h"

namespace sil {
namespace {

struct MatchOptions {
  std::string divergence = "k3";
  bool importance = false;
  Json to;
  double coef = 1;
  AverageOptions average{.average = "tokens"};

  void visit(OptionVisitor& v) {
    v.option("divergence", divergence,
             {.help = "k1, k2, k3 on the sampled tokens; forward_kl, reverse_kl over the vocabulary",
              .choices = {"k1", "k2", "k3", "forward_kl", "reverse_kl"}});
    v.option("importance", importance,
             {.help = "multiply by the ratio to the sampling policy: k1 and k3 then have the reverse KL's gradient"});
    v.option("to", to, {.help = "version of the model to compare with; default: the step's reference"});
    v.option("coef", coef, {.help = "weight of this term"});
    average.visit(v);
  }

  bool sampled() const { return divergence.front() == 'k'; }

  void check() const {
    average.check("match");
    if (sampled()) return;
    if (importance)
      throw Error(Exit::usage, "match.importance: true with divergence: " + divergence + ", which samples nothing",
                  "leave importance out, or set divergence: k3");
    if (average.average != "tokens")
      throw Error(Exit::usage,
                  "match.average: " + average.average + " with divergence: " + divergence + "; only tokens is computed",
                  "leave average out, or set divergence: k3");
  }
};

class Match final : public LossAtom {
 public:
  explicit Match(MatchOptions options) : options_(std::move(options)) {}

  bool needs_old() const override { return options_.importance; }
  bool needs_reference() const override { return true; }
  bool at_temperature() const override { return true; }

  void add(const LossInput& input, LossOutput& output) const override {
    double kl = 0;
    for (size_t s = 0; s + 1 < input.begin.size(); ++s) {
      const int64_t tokens = target_tokens(input, s);
      if (tokens == 0) continue;
      const double share = options_.average.share(input.totals, tokens);
      for (auto n = static_cast<size_t>(input.begin[s]); n < static_cast<size_t>(input.begin[s + 1]); ++n)
        if (input.target[n]) kl += add_token(input, n, share, output);
    }
    output.sums["kl"] += kl;
  }

 private:
  struct Estimate {
    double value = 0;
    double slope = 0;  // d value / d log S
  };

  // Returns the token's estimate.
  double add_token(const LossInput& input, size_t n, double share, LossOutput& output) const {
    const Estimate k = estimate(input.reference_logp[n], input.logp[n]);
    if (!options_.importance) {
      output.value += share * k.value;
      output.dlogp[n] += static_cast<float>(share * k.slope);
      return k.value;
    }
    const ProbabilityRatio ratio(input.logp[n], input.old_logp[n]);
    const double ratio_slope = ratio.bounded ? 0 : ratio.value;
    output.value += share * ratio.value * k.value;
    output.dlogp[n] += static_cast<float>(share * (ratio_slope * k.value + ratio.value * k.slope));
    return k.value;
  }

  Estimate estimate(double reference, double policy) const {
    const double d = reference - policy;
    const char kind = options_.divergence.back();
    if (kind == '1') return {-d, 1};
    if (kind == '2') return {d * d / 2, -d};
    const ProbabilityRatio ratio(reference, policy);
    return {ratio.value - d - 1, 1 - (ratio.bounded ? 0 : ratio.value)};
  }

  MatchOptions options_;
};

class MatchPlugin final : public LossPlugin {
 public:
  explicit MatchPlugin(MatchOptions options) : options_(std::move(options)) { options_.check(); }

  LossTerm term() const override {
    LossTerm term{.name = "match", .atom = nullptr, .coef = options_.coef};
    if (options_.sampled()) term.atom = std::make_shared<Match>(options_);
    term.divergence = options_.divergence == "forward_kl" ? Divergence::forward_kl : Divergence::reverse_kl;
    return term;
  }
  Json reference() const override { return options_.to; }

 private:
  MatchOptions options_;
};

}  // namespace

void register_match(Registry<LossPlugin>& registry) {
  registry.add<MatchPlugin, MatchOptions>("match", "KL divergence to another version of the model", "coef");
}

}  // namespace sil
