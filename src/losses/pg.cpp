// Policy gradient over sampled tokens. A_t is the token's credit, rho the ratio of its probability now to the one it
// was sampled with.
//   ratio none         -A_t log pi_t                                REINFORCE (Williams 1992)
//   ratio token        -min(rho_t A_t, clip(rho_t, 1-low, 1+high) A_t)     PPO (Schulman et al. 2017)
//     dual_clip c      for A_t < 0: max(the min above, c A_t)       dual clip (Ye et al. 2020)
//   ratio sequence     the same with rho = exp(mean_t log rho_t), one a sequence    GSPO (Zheng et al. 2025)
//   kind cispo         -sg(min(rho, 1+high)) A_t log pi_t           CISPO (MiniMax 2025): a bounded weight, never a
//                                                                   gradient of zero
// Averages are those of losses/average.h.
#include <algorithm>

#include "losses/average.h"
#include "losses/losses.h"
#include "sil/error.h"

namespace sil {
namespace {

struct PgOptions {
  std::string_view name = "pg";
  std::string ratio = "token";
  std::string kind = "ppo";
  double clip_low = 0.2;
  double clip_high = 0.2;
  double dual_clip = 0;
  double coef = 1;
  AverageOptions average;

  void visit(OptionVisitor& v) {
    v.option("ratio", ratio,
             {.help = "probability now over probability when sampled, by token or one a sequence; none: REINFORCE",
              .choices = {"token", "sequence", "none"}});
    v.option(
        "kind", kind,
        {.help = "ppo: the gradient stops at the clip; cispo: its weight is bounded", .choices = {"ppo", "cispo"}});
    v.option("clip_low", clip_low, {.help = "ppo: the ratio is clipped below 1 - clip_low", .low = 0, .high = 1});
    v.option("clip_high", clip_high, {.help = "the ratio is clipped above 1 + clip_high", .low = 0});
    v.option("dual_clip", dual_clip,
             {.help = "ppo: the loss of a negative credit is at most this many times the credit; 0 = off", .low = 0});
    v.option("coef", coef, {.help = "weight of this term"});
    average.visit(v);
  }

  void check() const {
    average.check(name);
    if (kind == "cispo" && ratio == "none")
      throw Error(Exit::usage, std::string(name) + ".kind: cispo needs a ratio; ratio is none",
                  "set ratio: token, or leave kind out");
    if (dual_clip != 0 && dual_clip <= 1)
      throw Error(Exit::usage,
                  std::string(name) + ".dual_clip: a bound of at most 1 stops every gradient; 0 or above 1",
                  "3 is usual, 0 turns it off");
  }
};

// The loss of one token as a function of the ratio.
struct Surrogate {
  double value = 0;
  double slope = 0;  // d value / d rho
  bool clipped = false;
};

// What the tokens of a shard add up to.
struct PgSums {
  double value = 0;
  double clipped = 0;     // tokens whose gradient the clip stopped or bounded
  double divergence = 0;  // k3 to the sampling policy: how far the step has moved from its rollouts
};

template <class Visit>
void for_targets(const LossInput& input, size_t s, const Visit& visit) {
  for (auto n = static_cast<size_t>(input.begin[s]); n < static_cast<size_t>(input.begin[s + 1]); ++n)
    if (input.target[n]) visit(n);
}

class Pg final : public LossAtom {
 public:
  explicit Pg(const PgOptions& options)
      : options_(options),
        ratio_(options.ratio != "none"),
        by_token_(options.ratio == "token"),
        cispo_(options.kind == "cispo") {}

  bool needs_old() const override { return ratio_; }
  bool at_temperature() const override { return true; }

  void add(const LossInput& input, LossOutput& output) const override {
    PgSums sums;
    for (size_t s = 0; s + 1 < input.begin.size(); ++s) {
      const int64_t tokens = target_tokens(input, s);
      if (tokens == 0) continue;
      const double share = options_.average.share(input.totals, tokens);
      if (!ratio_)
        for_targets(input, s, [&](size_t n) { weigh(input, n, share, output.dlogp, sums); });
      else if (by_token_)
        token_ratios(input, s, share, output.dlogp, sums);
      else
        sequence_ratio(input, s, share, output.dlogp, sums);
    }
    output.value += sums.value;
    if (!ratio_) return;
    output.sums["clipped"] += sums.clipped;
    output.sums["approx_kl"] += sums.divergence;
  }

 private:
  // -weight A log pi, the weight being a constant.
  static void weigh(const LossInput& input, size_t n, double weight, std::span<float> dlogp, PgSums& sums) {
    const double slope = weight * static_cast<double>(input.credit[n]);
    sums.value -= slope * static_cast<double>(input.logp[n]);
    dlogp[n] -= static_cast<float>(slope);
  }

  void token_ratios(const LossInput& input, size_t s, double share, std::span<float> dlogp, PgSums& sums) const {
    for_targets(input, s, [&](size_t n) {
      const ProbabilityRatio ratio(input.logp[n], input.old_logp[n]);
      sums.divergence += ratio.value - 1 - ratio.log;
      if (cispo_) {
        weigh(input, n, share * bounded(ratio.value, sums), dlogp, sums);
        return;
      }
      const Surrogate f = surrogate(ratio.value, input.credit[n]);
      sums.value += share * f.value;
      sums.clipped += f.clipped ? 1 : 0;
      if (!ratio.bounded) dlogp[n] += static_cast<float>(share * f.slope * ratio.value);
    });
  }

  void sequence_ratio(const LossInput& input, size_t s, double share, std::span<float> dlogp, PgSums& sums) const {
    double log_ratio = 0;
    double tokens = 0;
    for_targets(input, s, [&](size_t n) {
      const ProbabilityRatio ratio(input.logp[n], input.old_logp[n]);
      sums.divergence += ratio.value - 1 - ratio.log;
      log_ratio += static_cast<double>(input.logp[n]) - static_cast<double>(input.old_logp[n]);
      tokens += 1;
    });
    const ProbabilityRatio ratio(log_ratio / tokens, 0);
    double slope = 0;
    for_targets(input, s, [&](size_t n) {
      if (cispo_) {
        weigh(input, n, share * bounded(ratio.value, sums), dlogp, sums);
        return;
      }
      const Surrogate f = surrogate(ratio.value, input.credit[n]);
      sums.value += share * f.value;
      sums.clipped += f.clipped ? 1 : 0;
      slope += f.slope;
    });
    if (ratio.bounded || slope == 0) return;
    // d rho / d log pi_t = rho / |y| for every token of the sequence.
    const auto gradient = static_cast<float>(share * slope * ratio.value / tokens);
    for_targets(input, s, [&](size_t n) { dlogp[n] += gradient; });
  }

  // CISPO's weight.
  double bounded(double ratio, PgSums& sums) const {
    const double bound = 1 + options_.clip_high;
    sums.clipped += ratio > bound ? 1 : 0;
    return std::min(ratio, bound);
  }

  Surrogate surrogate(double ratio, double credit) const {
    const double free = ratio * credit;
    const double clipped = std::clamp(ratio, 1 - options_.clip_low, 1 + options_.clip_high) * credit;
    double gain = std::min(free, clipped);
    bool flat = clipped < free;
    if (options_.dual_clip > 0 && credit < 0 && gain < options_.dual_clip * credit) {
      gain = options_.dual_clip * credit;
      flat = true;
    }
    return {.value = -gain, .slope = flat ? 0 : -credit, .clipped = flat};
  }

  PgOptions options_;
  bool ratio_;
  bool by_token_;
  bool cispo_;
};

class PgPlugin final : public LossPlugin {
 public:
  explicit PgPlugin(PgOptions options) : options_(std::move(options)) { options_.check(); }
  LossTerm term() const override {
    return {.name = std::string(options_.name), .atom = std::make_shared<Pg>(options_), .coef = options_.coef};
  }

 private:
  PgOptions options_;
};

struct Reinforce : PgOptions {
  Reinforce() {
    name = "reinforce";
    ratio = "none";
    average = {.average = "constant", .length = 1};  // -(1/S) sum_s sum_t A log pi: the unbiased gradient
  }
};

struct Ppo : PgOptions {
  Ppo() {
    name = "ppo";
    average.average = "tokens";
  }
};

// Shao et al. 2024, "DeepSeekMath", without the KL penalty, which is a `match` of divergence k3.
struct Grpo : PgOptions {
  Grpo() { name = "grpo"; }
};

// Yu et al. 2025, "DAPO": an asymmetric clip and a mean over tokens.
struct Dapo : PgOptions {
  Dapo() {
    name = "dapo";
    clip_high = 0.28;
    average.average = "tokens";
  }
};

// Zheng et al. 2025, "Group Sequence Policy Optimization", section 5.1.
struct Gspo : PgOptions {
  Gspo() {
    name = "gspo";
    ratio = "sequence";
    clip_low = 3e-4;
    clip_high = 4e-4;
  }
};

// MiniMax 2025, "MiniMax-M1", with the bound of 5 that TRL advises.
struct Cispo : PgOptions {
  Cispo() {
    name = "cispo";
    kind = "cispo";
    clip_high = 4;
    average.average = "tokens";
  }
};

}  // namespace

void register_pg(Registry<LossPlugin>& registry) {
  registry.add<PgPlugin, PgOptions>("pg", "policy gradient on sampled tokens, clipped by probability ratio", "coef");
  registry.add<PgPlugin, Reinforce>("reinforce", "pg without a ratio: credit times log-probability", "coef");
  registry.add<PgPlugin, Ppo>("ppo", "pg with a ratio by token, mean over tokens", "coef");
  registry.add<PgPlugin, Grpo>("grpo", "pg with a ratio by token, mean over sequences' means", "coef");
  registry.add<PgPlugin, Dapo>("dapo", "ppo with clip_high 0.28", "coef");
  registry.add<PgPlugin, Gspo>("gspo", "pg with one ratio a sequence", "coef");
  registry.add<PgPlugin, Cispo>("cispo", "pg whose weight is bounded and whose gradient never stops", "coef");
}

}  // namespace sil
