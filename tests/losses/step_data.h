// Data of an optimizer step, whole or cut into shards, for tests of atoms.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "losses/losses.h"
#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {

inline const Registry<LossPlugin>& losses() {
  static const Registry<LossPlugin> registry = [] {
    Registry<LossPlugin> made{"loss"};
    register_nll(made);
    register_pg(made);
    register_margin(made);
    register_match(made);
    return made;
  }();
  return registry;
}

inline LossTerm term(std::string name, Json::Object options = {}) {
  return make_plugin(losses(), std::move(name), std::move(options))->term();
}

struct Token {
  float logp = 0;
  float credit = 1;
  float old = 0;
  float reference = 0;
  bool target = true;
};

// Sequences of tokens with every array an atom may read.
struct StepData {
  std::vector<int32_t> begin{0};
  std::vector<uint8_t> target;
  std::vector<float> credit, logp, old, reference;
  bool pairs = false;
  StepTotals totals;

  StepData() = default;
  explicit StepData(const std::vector<std::vector<Token>>& sequences, bool are_pairs = false) : pairs(are_pairs) {
    for (const std::vector<Token>& sequence : sequences) {
      bool any = false;
      for (const Token& token : sequence) {
        target.push_back(token.target ? 1 : 0);
        credit.push_back(token.credit);
        logp.push_back(token.logp);
        old.push_back(token.old);
        reference.push_back(token.reference);
        totals.tokens += token.target ? 1 : 0;
        any = any || token.target;
      }
      begin.push_back(static_cast<int32_t>(target.size()));
      totals.sequences += any ? 1 : 0;
    }
    if (pairs) totals.pairs = static_cast<double>(sequences.size() / 2);
  }

  LossInput input() const {
    return {.begin = begin,
            .target = target,
            .credit = credit,
            .logp = logp,
            .old_logp = old,
            .reference_logp = reference,
            .pairs = pairs,
            .totals = totals};
  }
};

struct Result {
  double value = 0;
  std::vector<float> dlogp;
  Metrics sums;
};

inline Result run(const LossAtom& atom, const StepData& data) {
  Result result;
  result.dlogp.assign(data.target.size(), 0);
  LossOutput output{.dlogp = result.dlogp, .value = 0, .sums = {}};
  atom.add(data.input(), output);
  result.value = output.value;
  result.sums = std::move(output.sums);
  return result;
}

inline Result run(const LossTerm& made, const StepData& data) {
  return run(*made.atom, data);
}

// dlogp against central differences of the value. Log-probs in the data are multiples of 2^-10, so that steps of 2^-10
// are exact in float.
inline void check_gradient(const LossAtom& atom, StepData data, double tolerance = 2e-6) {
  const std::vector<float> dlogp = run(atom, data).dlogp;
  constexpr float kStep = 0x1p-10F;
  for (size_t n = 0; n < dlogp.size(); ++n) {
    const float at = data.logp[n];
    data.logp[n] = at + kStep;
    const double above = run(atom, data).value;
    data.logp[n] = at - kStep;
    const double below = run(atom, data).value;
    data.logp[n] = at;
    INFO("token " << n);
    CHECK(static_cast<double>(dlogp[n]) == Approx((above - below) / (2.0 * 0x1p-10)).margin(tolerance).epsilon(2e-5));
  }
}

}  // namespace sil::test
