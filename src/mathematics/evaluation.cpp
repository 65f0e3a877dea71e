#include "mathematics/evaluation.h"

#include "sil/error.h"

namespace sil::mathematics {
namespace {

using Kind = Expression::Kind;

class Evaluation {
 public:
  Evaluation(const Point& point, Arithmetic& arithmetic) : point_(point), arithmetic_(arithmetic) {}

  Number value(const Expression& formula) {
    if (formula.parts.empty()) return leaf(formula);
    const Number first = value(formula.parts[0]);
    switch (formula.kind) {
      case Kind::add:
        return fold(formula, first, &Arithmetic::add);
      case Kind::multiply:
        return fold(formula, first, &Arithmetic::multiply);
      case Kind::negate:
        return arithmetic_.negate(first);
      case Kind::reciprocal:
        return arithmetic_.reciprocal(first);
      case Kind::power:
        return power(formula, first);
      case Kind::root:
        return arithmetic_.root(first, second(formula));
      case Kind::function:
        return arithmetic_.function(formula.text, first);
      case Kind::log:
        return logarithm(formula, first);
      case Kind::absolute:
        return arithmetic_.absolute(first);
      case Kind::floor:
        return arithmetic_.floor(first);
      case Kind::ceiling:
        return arithmetic_.negate(arithmetic_.floor(arithmetic_.negate(first)));
      case Kind::factorial:
        return arithmetic_.factorial(first);
      case Kind::binomial:
        return arithmetic_.binomial(first, second(formula));
      case Kind::modulo:
        return arithmetic_.modulo(first, second(formula));
      case Kind::number:
      case Kind::symbol:
        break;
    }
    SIL_CHECK(false);
    return {};
  }

 private:
  Number leaf(const Expression& formula) {
    if (formula.kind == Kind::number) return arithmetic_.literal(formula.text);
    SIL_CHECK(formula.kind == Kind::symbol);
    if (formula.text == "pi") return arithmetic_.pi();
    if (formula.text == "e") return arithmetic_.function("exp", Rational(1));
    if (formula.text == "i") return arithmetic_.imaginary_unit();
    if (formula.text == "infinity") throw NoValue(NoValue::Reason::undefined, "it computes with infinity");
    return point_.at(formula.text);
  }

  Number second(const Expression& formula) { return value(formula.parts[1]); }

  Number fold(const Expression& formula, Number out, Number (Arithmetic::*join)(const Number&, const Number&)) {
    for (size_t i = 1; i < formula.parts.size(); ++i) out = (arithmetic_.*join)(out, value(formula.parts[i]));
    return out;
  }

  // e^x directly: e itself is not rational, so that its power would take a logarithm.
  Number power(const Expression& formula, const Number& base) {
    const Expression& under = formula.parts[0];
    if (under.kind == Kind::symbol && under.text == "e") return arithmetic_.function("exp", second(formula));
    return arithmetic_.power(base, second(formula));
  }

  Number logarithm(const Expression& formula, const Number& argument) {
    const Number base = arithmetic_.function("ln", second(formula));
    return arithmetic_.multiply(arithmetic_.function("ln", argument), arithmetic_.reciprocal(base));
  }

  const Point& point_;
  Arithmetic& arithmetic_;
};

}  // namespace

Number evaluate(const Expression& formula, const Point& point, Arithmetic& arithmetic) {
  return Evaluation(point, arithmetic).value(formula);
}

bool collect_variables(const Expression& formula, std::set<std::string>& variables) {
  bool imaginary = false;
  if (formula.kind == Kind::symbol) {
    const std::string& name = formula.text;
    if (name == "i") return true;
    if (name != "pi" && name != "e" && name != "infinity") variables.insert(name);
  }
  for (const Expression& part : formula.parts) imaginary |= collect_variables(part, variables);
  return imaginary;
}

int infinity(const Expression& formula) {
  if (formula.kind == Kind::symbol) return formula.text == "infinity" ? 1 : 0;
  return formula.kind == Kind::negate ? -infinity(formula.parts[0]) : 0;
}

}  // namespace sil::mathematics
