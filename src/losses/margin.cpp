// Preference losses over pairs: sequence 2i is chosen, 2i+1 rejected; the mean is over pairs. With w_t a token's credit
// (1 for plain pairs, more where a segment shall count more) and r_t = log pi_t - log pi_ref_t:
//   phi logsigmoid   -log sigmoid(beta (sum w r|chosen - sum w r|rejected))     DPO (Rafailov et al. 2023)
//   phi squared      (mean_w r|chosen - mean_w r|rejected - 1/(2 beta))^2       IPO (Azar et al. 2023), averaged over
//                                                              tokens as its authors confirmed for TRL
//   phi simpo        -log sigmoid(beta (mean_w log pi|chosen - mean_w log pi|rejected) - gamma)   SimPO (Meng et al.
//   2024)
#include <cmath>

#include "base/math.h"
#include "losses/losses.h"
#include "sil/error.h"

namespace sil {
namespace {

struct MarginOptions {
  std::string_view name = "margin";
  std::string phi = "logsigmoid";
  double beta = 0.1;
  double gamma = 1;
  double coef = 1;

  void visit(OptionVisitor& v) {
    v.option("phi", phi,
             {.help = "what is made of the margin: logsigmoid (DPO), squared (IPO), simpo (no reference)",
              .choices = {"logsigmoid", "squared", "simpo"}});
    v.option("beta", beta, {.help = "scale of the margin", .low = 0, .above_low = true});
    v.option("gamma", gamma, {.help = "simpo: margin that is asked for, after beta", .low = 0});
    v.option("coef", coef, {.help = "weight of this term"});
  }
};

// log(1 / (1 + e^-x)) without overflow.
double log_sigmoid(double x) {
  return std::min(x, 0.0) - exact_log(1 + exact_exp(-std::abs(x)));
}

// 1 / (1 + e^-x) without overflow.
double sigmoid(double x) {
  const double e = exact_exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

class Margin final : public LossAtom {
 public:
  explicit Margin(MarginOptions options) : options_(std::move(options)), mean_(options_.phi != "logsigmoid") {}

  bool needs_reference() const override { return options_.phi != "simpo"; }
  bool needs_pairs() const override { return true; }

  void add(const LossInput& input, LossOutput& output) const override {
    const size_t sequences = input.begin.empty() ? 0 : input.begin.size() - 1;
    SIL_CHECK(sequences == 0 || (input.pairs && sequences % 2 == 0));
    for (size_t s = 0; s < sequences; s += 2) add_pair(input, s, output);
  }

 private:
  // A sequence's weighted sum or mean of log-ratios, and what one unit of a token's credit adds to it.
  struct Side {
    double value = 0;
    double scale = 0;
  };

  void add_pair(const LossInput& input, size_t s, LossOutput& output) const {
    const Side chosen = side(input, s);
    const Side rejected = side(input, s + 1);
    const double margin = chosen.value - rejected.value;
    const auto [value, slope] = phi(margin);
    const double share = 1 / input.totals.pairs;
    output.value += share * value;
    push(input, s, share * slope * chosen.scale, output);
    push(input, s + 1, -share * slope * rejected.scale, output);
    // Sums are divided by the step's tokens for display; these are means over pairs.
    const double display = input.totals.tokens * share;
    output.sums["accuracy"] += margin > 0 ? display : 0;
    output.sums["margin"] += margin * display;
  }

  Side side(const LossInput& input, size_t s) const {
    double sum = 0;
    double weight = 0;
    for (auto n = static_cast<size_t>(input.begin[s]); n < static_cast<size_t>(input.begin[s + 1]); ++n) {
      if (!input.target[n]) continue;
      const double credit = input.credit[n];
      const double reference = needs_reference() ? static_cast<double>(input.reference_logp[n]) : 0;
      sum += credit * (static_cast<double>(input.logp[n]) - reference);
      weight += credit;
    }
    if (!mean_) return {sum, 1};
    return weight == 0 ? Side{} : Side{sum / weight, 1 / weight};
  }

  // Loss of one pair and its derivative by the margin.
  std::pair<double, double> phi(double margin) const {
    const double beta = options_.beta;
    if (options_.phi == "squared") {
      const double error = margin - 1 / (2 * beta);
      return {error * error, 2 * error};
    }
    const double x = beta * margin - (options_.phi == "simpo" ? options_.gamma : 0);
    return {-log_sigmoid(x), -beta * sigmoid(-x)};
  }

  static void push(const LossInput& input, size_t s, double scale, LossOutput& output) {
    for (auto n = static_cast<size_t>(input.begin[s]); n < static_cast<size_t>(input.begin[s + 1]); ++n)
      if (input.target[n]) output.dlogp[n] += static_cast<float>(scale * static_cast<double>(input.credit[n]));
  }

  MarginOptions options_;
  bool mean_;
};

class MarginPlugin final : public LossPlugin {
 public:
  explicit MarginPlugin(MarginOptions options) : options_(std::move(options)) {}
  LossTerm term() const override {
    return {.name = std::string(options_.name), .atom = std::make_shared<Margin>(options_), .coef = options_.coef};
  }

 private:
  MarginOptions options_;
};

struct Dpo : MarginOptions {
  Dpo() { name = "dpo"; }
};

struct Ipo : MarginOptions {
  Ipo() {
    name = "ipo";
    phi = "squared";
  }
};

// beta and gamma / beta = 0.5 as the paper advises.
struct Simpo : MarginOptions {
  Simpo() {
    name = "simpo";
    phi = "simpo";
    beta = 2;
  }
};

}  // namespace

void register_margin(Registry<LossPlugin>& registry) {
  registry.add<MarginPlugin, MarginOptions>("margin", "preference of the chosen over the rejected of a pair", "beta");
  registry.add<MarginPlugin, Dpo>("dpo", "margin with phi logsigmoid", "beta");
  registry.add<MarginPlugin, Ipo>("ipo", "margin with phi squared", "beta");
  registry.add<MarginPlugin, Simpo>("simpo", "margin of mean log-probabilities, without a reference", "beta");
}

}  // namespace sil
