// Sets of real numbers: intervals, points, what inequalities say, and their unions and differences.
#pragma once

#include <optional>
#include <vector>

#include "mathematics/expression.h"
#include "mathematics/formula_equality.h"

namespace sil::mathematics {

struct End {
  Number at;
  bool closed = false;
};

// No end on a side: infinity.
struct Interval {
  std::optional<End> low;
  std::optional<End> high;
};

// Disjoint intervals that do not touch, in order.
using Region = std::vector<Interval>;

// nullopt: the statement is no set of real numbers. Throws NoValue for ends that are not real constants.
std::optional<Region> region_of(const Statement& statement, FormulaEquality& formulas);

bool same_region(const Region& a, const Region& b, FormulaEquality& formulas);

// Whether it is a formula of one symbol: "x".
bool is_symbol(const Statement& statement);

}  // namespace sil::mathematics
