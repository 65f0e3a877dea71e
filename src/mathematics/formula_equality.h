// Whether formulas have the same values.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "mathematics/evaluation.h"

namespace sil::mathematics {

// Decides by the formulas' values: of constants themselves, of formulas with variables at a few points (polynomial
// identity testing: Schwartz 1980, Zippel 1979) that depend on `seed`. Only points where both have values count, in the
// real domain if there are any. Every call throws NoValue where no value can be found, or when all calls together took
// more work than one answer is worth.
class FormulaEquality {
 public:
  explicit FormulaEquality(uint64_t seed) : seed_(seed) {}

  bool same(const Expression& a, const Expression& b);
  // Whether a = c b for a constant c that is not 0; `positive`: that is above 0. Of formulas with variables.
  bool proportional(const Expression& a, const Expression& b, bool positive);

  Number constant(const Expression& formula);   // throws NoValue for one with variables
  int order(const Number& a, const Number& b);  // -1: a < b, 0, 1; throws NoValue unless both are real

 private:
  using Values = std::vector<std::pair<Number, Number>>;
  Values values(const Expression& a, const Expression& b);
  Values sampled(const Expression& a, const Expression& b, const std::set<std::string>& variables, Domain domain);
  Point point(const std::set<std::string>& variables, uint64_t attempt) const;

  uint64_t seed_;
  int64_t work_ = 30'000;
};

}  // namespace sil::mathematics
