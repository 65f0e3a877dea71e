#include "mathematics/formula_equality.h"

#include <optional>

#include "sil/rng.h"

namespace sil::mathematics {
namespace {

constexpr size_t kPoints = 3;       // at which formulas with variables are compared
constexpr uint64_t kAttempts = 16;  // points that are tried for that

}  // namespace

// Of size about 1, so that powers stay small: first on either side of 0, then between 0 and 1, as angles' functions and
// logarithms need it, then small natural numbers for factorials.
Point FormulaEquality::point(const std::set<std::string>& variables, uint64_t attempt) const {
  RandomStream random(seed_, attempt);
  Point out;
  for (const std::string& name : variables) {
    const int64_t size = 1 + static_cast<int64_t>(random.below(1 << 16));
    const bool negative = random.below(2) == 0 && attempt % 2 == 0;
    if (attempt < 6)
      out[name] = Rational(negative ? -size : size, 10007);
    else if (attempt < 11)
      out[name] = Rational(size, (1 << 16) + 1);
    else
      out[name] = Rational(2 + size % 7);
  }
  return out;
}

FormulaEquality::Values FormulaEquality::sampled(const Expression& a, const Expression& b,
                                                 const std::set<std::string>& variables, Domain domain) {
  Arithmetic arithmetic(domain, work_);
  Values out;
  std::optional<NoValue> why;
  for (uint64_t attempt = 0; attempt < (variables.empty() ? 1 : kAttempts) && out.size() < kPoints; ++attempt) {
    try {
      const Point at = point(variables, attempt);
      Number first = evaluate(a, at, arithmetic);
      out.emplace_back(std::move(first), evaluate(b, at, arithmetic));
    } catch (const NoValue& none) {
      why = none;
    }
  }
  if (out.empty() && (domain == Domain::complex || why->reason() == NoValue::Reason::limit)) throw *why;
  return out;
}

FormulaEquality::Values FormulaEquality::values(const Expression& a, const Expression& b) {
  std::set<std::string> variables;
  bool imaginary = collect_variables(a, variables);
  imaginary |= collect_variables(b, variables);
  if (!imaginary) {
    Values real = sampled(a, b, variables, Domain::real);
    if (!real.empty()) return real;
  }
  return sampled(a, b, variables, Domain::complex);
}

bool FormulaEquality::same(const Expression& a, const Expression& b) {
  if (infinity(a) != 0 || infinity(b) != 0) return infinity(a) == infinity(b);
  const Values found = values(a, b);
  Arithmetic arithmetic(Domain::complex, work_);
  for (const auto& [first, second] : found)
    if (!arithmetic.equal(first, second)) return false;
  return true;
}

bool FormulaEquality::proportional(const Expression& a, const Expression& b, bool positive) {
  const Values found = values(a, b);
  if (found.size() < 2) return false;
  Arithmetic arithmetic(Domain::complex, work_);
  const auto& [a0, b0] = found.front();
  if (arithmetic.equal(a0, Rational(0)) || arithmetic.equal(b0, Rational(0))) return false;
  if (positive && arithmetic.sign(a0) != arithmetic.sign(b0)) return false;
  for (const auto& [first, second] : found)
    if (!arithmetic.equal(arithmetic.multiply(first, b0), arithmetic.multiply(second, a0))) return false;
  return true;
}

Number FormulaEquality::constant(const Expression& formula) {
  std::set<std::string> variables;
  collect_variables(formula, variables);
  if (!variables.empty()) throw NoValue(NoValue::Reason::undefined, "it depends on variables");
  return values(formula, formula).front().first;
}

int FormulaEquality::order(const Number& a, const Number& b) {
  Arithmetic arithmetic(Domain::real, work_);
  return arithmetic.sign(arithmetic.add(a, arithmetic.negate(b)));
}

}  // namespace sil::mathematics
