#include "losses/average.h"

#include <algorithm>

#include "base/math.h"
#include "sil/error.h"

namespace sil {

void AverageOptions::visit(OptionVisitor& v) {
  v.option(
      "average", average,
      {.help = "what the step's loss is a mean of: each sequence's mean, all tokens, or sums over a constant length",
       .choices = {"sequences", "tokens", "constant"}});
  v.option("length", length,
           {.help = "what `average: constant` divides each sequence's sum by", .low = 0, .unit = "tokens"});
}

void AverageOptions::check(std::string_view loss) const {
  if (average == "constant" && length == 0)
    throw Error(Exit::usage, std::string(loss) + ".length: 0 with average: constant; at least 1 is needed",
                "say the longest completion, e.g. length: 256");
  if (average != "constant" && length != 0)
    throw Error(Exit::usage,
                std::string(loss) + ".length: " + std::to_string(length) +
                    " is read only with average: constant, not " + average,
                "leave length out or set average: constant");
}

double AverageOptions::share(const StepTotals& totals, int64_t tokens) const {
  if (average == "tokens") return 1 / totals.tokens;
  if (average == "constant") return 1 / (static_cast<double>(length) * totals.sequences);
  return 1 / (static_cast<double>(tokens) * totals.sequences);
}

int64_t target_tokens(const LossInput& input, size_t s) {
  const auto first = input.target.begin() + input.begin[s];
  const auto last = input.target.begin() + input.begin[s + 1];
  return std::count_if(first, last, [](uint8_t target) { return target != 0; });
}

ProbabilityRatio::ProbabilityRatio(double a, double b) {
  constexpr double kBound = 20;
  const double difference = a - b;
  log = std::clamp(difference, -kBound, kBound);
  bounded = log != difference;
  value = exact_exp(log);
}

}  // namespace sil
