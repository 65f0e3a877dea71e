// Powers, roots, logarithms and the functions of angles.
#include <boost/math/constants/constants.hpp>

#include "mathematics/arithmetic_parts.h"

namespace sil::mathematics {
namespace {

namespace mp = boost::multiprecision;

constexpr int64_t kFunctionWork = 200;
constexpr unsigned kMaxRootBits = 2048;  // of integers whose roots are looked for

// 0 where a function's value is what is left of a zero: sin(pi).
Real tidied(const Real& value) {
  return abs(value) < ldexp(Real(1), -kEqualBits) ? Real(0) : value;
}

// The integer whose power of `index` is `radicand`, which is not negative.
std::optional<Integer> exact_root(const Integer& radicand, unsigned index) {
  if (radicand < 2) return radicand;
  const unsigned bits = bits_of(radicand);
  if (index >= bits || bits > kMaxRootBits) return std::nullopt;
  Integer low = Integer(1) << ((bits - 1) / index), high = Integer(1) << (bits / index + 1);
  while (high - low > 1) {
    const Integer middle = (low + high) / 2;
    (mp::pow(middle, index) <= radicand ? low : high) = middle;
  }
  if (mp::pow(low, index) == radicand) return low;
  return std::nullopt;
}

}  // namespace

Number Arithmetic::exact_power(Rational base, int64_t exponent) {
  const unsigned bits = std::max(bits_of(numerator(base)), bits_of(denominator(base)));
  if (bits > 1 && exponent > kMaxBits / static_cast<int64_t>(bits - 1)) throw too_large();
  if (bits <= 1) return base == 0 || exponent % 2 != 0 ? base : Rational(1);  // 0, 1 and -1
  const auto n = static_cast<unsigned>(exponent);
  return checked(Rational(mp::pow(numerator(base), n), mp::pow(denominator(base), n)));
}

Number Arithmetic::integer_power(const Number& base, int64_t exponent) {
  if (exponent == 0) {
    if (is_zero(base)) throw undefined("0^0 has no value");
    return Rational(1);
  }
  if (exponent < 0) return integer_power(reciprocal(base), -exponent);
  if (exact(base)) return exact_power(*exact(base), exponent);
  Number out = Rational(1);
  Number square = base;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) out = multiply(out, square);
    if (exponent > 1) square = multiply(square, square);
  }
  return out;
}

Number Arithmetic::power(const Number& base, const Number& exponent) {
  if (const std::optional<int64_t> n = small_integer(exponent)) return integer_power(base, *n);
  if (const Rational* fraction = exact(exponent)) {
    if (denominator(*fraction) == 1 && exact(base) && abs(*exact(base)) != 1 && *exact(base) != 0) throw too_large();
    const std::optional<int64_t> p = small_integer(Rational(numerator(*fraction)));
    const std::optional<int64_t> q = small_integer(Rational(denominator(*fraction)));
    if (p && q && *q <= 64) return integer_power(real_root(base, *q), *p);
  }
  if (is_zero(base)) {
    if (sign(exponent) > 0) return Rational(0);
    throw undefined("it divides by zero");
  }
  return exponential(multiply(exponent, logarithm(base)));
}

Number Arithmetic::root(const Number& radicand, const Number& index) {
  const std::optional<int64_t> n = small_integer(index);
  if (!n || *n == 0) return power(radicand, reciprocal(index));
  return *n > 0 ? real_root(radicand, *n) : reciprocal(real_root(radicand, -*n));
}

// Of negative numbers: the real one where the index is odd and the domain real, else the principal one.
Number Arithmetic::real_root(const Number& radicand, int64_t index) {
  if (index == 1) return radicand;
  const bool real = exact(radicand) || std::get<Complex>(radicand).imaginary == 0;
  const bool negative = real && sign(radicand) < 0;
  if (negative && domain_ == Domain::real) {
    if (index % 2 == 0) throw undefined("it is the root of a negative number");
    return negate(real_root(negate(radicand), index));
  }
  if (negative && index == 2) return multiply(imaginary_unit(), real_root(negate(radicand), 2));
  if (exact(radicand) && !negative && index <= 64) {
    const unsigned n = static_cast<unsigned>(index);
    spend(1 + std::max(bits_of(numerator(*exact(radicand))), bits_of(denominator(*exact(radicand)))));
    const std::optional<Integer> top = exact_root(numerator(*exact(radicand)), n);
    const std::optional<Integer> bottom = exact_root(denominator(*exact(radicand)), n);
    if (top && bottom) return Rational(*top, *bottom);
  }
  if (is_zero(radicand)) return Rational(0);
  if (real && !negative && index == 2) return checked(Complex{sqrt(approximate(radicand).real), 0});
  return exponential(multiply(Rational(1, index), logarithm(radicand)));
}

Number Arithmetic::exponential(const Number& a) {
  if (is_zero(a)) return Rational(1);
  spend(2 * kFunctionWork);
  const Complex x = approximate(a);
  if (abs(x.real) > 200 || abs(x.imaginary) > ldexp(Real(1), 64)) throw too_large();
  const Real size = exp(x.real);
  if (x.imaginary == 0) return checked(Complex{size, 0});
  return checked(Complex{size * tidied(cos(x.imaginary)), size * tidied(sin(x.imaginary))});
}

Number Arithmetic::logarithm(const Number& a) {
  if (is_zero(a)) throw undefined("it is the logarithm of zero");
  if (exact(a) && *exact(a) == 1) return Rational(0);
  spend(2 * kFunctionWork);
  const Complex x = approximate(a);
  if (x.imaginary == 0 && x.real > 0) return checked(Complex{tidied(log(x.real)), 0});
  if (domain_ == Domain::real) throw undefined("it is the logarithm of a negative number");
  const Real size = sqrt(x.real * x.real + x.imaginary * x.imaginary);
  return checked(Complex{tidied(log(size)), atan2(x.imaginary, x.real)});
}

Number Arithmetic::function(std::string_view name, const Number& argument) {
  if (name == "exp") return exponential(argument);
  if (name == "ln") return logarithm(argument);
  if (name.ends_with('h')) return hyperbolic(name, argument);
  if (name.starts_with("arc")) return inverse_trigonometric(name, argument);
  return trigonometric(name, argument);
}

Number Arithmetic::trigonometric(std::string_view name, const Number& a) {
  if (is_zero(a)) {
    if (name == "cot" || name == "csc") throw undefined("it divides by zero");
    return Rational(name == "cos" || name == "sec" ? 1 : 0);
  }
  spend(2 * kFunctionWork);
  const Complex x = approximate(a);
  if (x.imaginary != 0) throw undefined("angles are real here");
  if (abs(x.real) > ldexp(Real(1), 64)) throw too_large();
  const Number sine = Complex{tidied(sin(x.real)), 0};
  const Number cosine = Complex{tidied(cos(x.real)), 0};
  if (name == "sin") return sine;
  if (name == "cos") return cosine;
  if (name == "tan") return multiply(sine, reciprocal(cosine));
  if (name == "cot") return multiply(cosine, reciprocal(sine));
  return reciprocal(name == "sec" ? cosine : sine);
}

Number Arithmetic::inverse_trigonometric(std::string_view name, const Number& a) {
  if (is_zero(a) && name != "arccos") return Rational(0);
  spend(4 * kFunctionWork);
  const Complex x = approximate(a);
  if (x.imaginary != 0 || (name != "arctan" && abs(x.real) > 1)) throw undefined("it is the angle of no real number");
  const Real angle = name == "arctan" ? Real(atan(x.real)) : name == "arcsin" ? Real(asin(x.real)) : Real(acos(x.real));
  return checked(Complex{tidied(angle), 0});
}

Number Arithmetic::hyperbolic(std::string_view name, const Number& a) {
  const Number grows = exponential(a);
  const Number shrinks = reciprocal(grows);
  const Number sum = add(grows, shrinks), difference = add(grows, negate(shrinks));
  if (name == "tanh") return multiply(difference, reciprocal(sum));
  return multiply(name == "sinh" ? difference : sum, Rational(1, 2));
}

}  // namespace sil::mathematics
