// Negative log-likelihood over target tokens, weighted by their credit: -(1/N) sum_t c_t log pi(y_t).
// With credit 1 this is supervised finetuning; with a filter's 0/1 choice, rejection-sampling finetuning (Yuan et al.
// 2023, "Scaling Relationship on Learning Mathematical Reasoning"); with any weights, weighted behaviour cloning.
#include "losses/losses.h"

namespace sil {
namespace {

struct NllOptions {
  double coef = 1;
  void visit(OptionVisitor& v) { v.option("coef", coef, {.help = "weight of this term"}); }
};

class Nll final : public LossAtom {
 public:
  void add(const LossInput& input, LossOutput& output) const override {
    if (input.totals.tokens == 0) return;
    const double share = 1 / input.totals.tokens;
    double sum = 0;
    for (size_t n = 0; n < input.target.size(); ++n) {
      if (!input.target[n]) continue;
      const double credit = input.credit[n];
      sum -= credit * static_cast<double>(input.logp[n]);
      output.dlogp[n] -= static_cast<float>(credit * share);
    }
    output.value += sum * share;
  }
};

class NllPlugin final : public LossPlugin {
 public:
  explicit NllPlugin(NllOptions options) : options_(options) {}
  LossTerm term() const override { return {.name = "nll", .atom = std::make_shared<Nll>(), .coef = options_.coef}; }

 private:
  NllOptions options_;
};

}  // namespace

void register_nll(Registry<LossPlugin>& registry) {
  registry.add<NllPlugin, NllOptions>("nll", "likelihood of the target tokens, weighted by credit (SFT, RFT)", "coef");
}

}  // namespace sil
