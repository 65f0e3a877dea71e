// How a step's target tokens are averaged; the choice changes the objective.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sil/loss.h"
#include "sil/options.h"

namespace sil {

struct AverageOptions {
  std::string average = "sequences";
  int64_t length = 0;

  void visit(OptionVisitor& v);
  // Throws Error(Exit::usage) unless exactly `constant` comes with a length.
  void check(std::string_view loss) const;
  // What one target token of a sequence with `tokens` target tokens counts for. sequences: the mean of the sequences'
  // means (GRPO). tokens: the mean over all target tokens (DAPO). constant: sums over sequences, divided by a length
  // that is the same for all (Dr. GRPO).
  double share(const StepTotals& totals, int64_t tokens) const;
};

// Target tokens of sequence `s`.
int64_t target_tokens(const LossInput& input, size_t s);

// exp(a - b) of two log-probs. The difference is kept within [-20, 20] so that one odd token cannot overflow a step;
// beyond it the ratio is constant (`bounded`: its derivative is 0).
struct ProbabilityRatio {
  ProbabilityRatio(double a, double b);
  double log = 0;
  double value = 1;
  bool bounded = false;
};

}  // namespace sil
