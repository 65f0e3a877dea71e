// Values of formulas.
#pragma once

#include <map>
#include <set>
#include <string>

#include "mathematics/arithmetic.h"
#include "mathematics/expression.h"

namespace sil::mathematics {

using Point = std::map<std::string, Rational>;  // a value for each variable

// The formula's value at `point`, which holds all its variables. Throws NoValue.
Number evaluate(const Expression& formula, const Point& point, Arithmetic& arithmetic);

// Adds the formula's variables: its symbols but pi, e, i and infinity. True: it holds i.
bool collect_variables(const Expression& formula, std::set<std::string>& variables);

// 1 or -1 for an infinity with or without a sign, else 0.
int infinity(const Expression& formula);

}  // namespace sil::mathematics
