// What any engine does with the terms of a loss once it has log-probabilities.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sil/engine.h"

namespace sil {

// What one term made of one part of a step.
struct TermShare {
  double value = 0;
  Metrics sums;
};

// Log-probs at one temperature rule and what the atoms of that rule return, [tokens of the part].
struct LossSide {
  std::span<const float> logp;
  std::span<float> dlogp;  // accumulated into
};

class LossTerms {
 public:
  explicit LossTerms(const LossSpec& spec);

  bool plain() const { return plain_; }      // some term reads log-probs at temperature 1
  bool sampled() const { return sampled_; }  // some term reads them at the rollouts' temperature
  bool full_vocabulary() const { return full_vocabulary_; }
  size_t size() const { return spec_.terms.size(); }
  const LossTerm& operator[](size_t index) const { return spec_.terms[index]; }

  // Runs the atoms over sequences [first, last) of a batch; `shares` has one place a term. Engine terms
  // (full-vocabulary match) are left out.
  void run(const TrainBatch& batch, size_t first, size_t last, const StepTotals& totals, LossSide plain,
           LossSide sampled, std::span<TermShare> shares) const;

  // The loss of a step and what is shown of it, from the shares of its parts in order ([part][term]).
  struct Sum {
    double loss = 0;
    Metrics metrics;
  };
  Sum add_up(std::span<const TermShare> shares, const StepTotals& totals) const;

 private:
  const LossSpec& spec_;
  bool plain_ = false;
  bool sampled_ = false;
  bool full_vocabulary_ = false;
};

}  // namespace sil
