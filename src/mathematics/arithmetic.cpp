#include "mathematics/arithmetic.h"

#include <boost/math/constants/constants.hpp>
#include <charconv>
#include <optional>

#include "mathematics/arithmetic_parts.h"

namespace sil::mathematics {
namespace {

namespace mp = boost::multiprecision;

constexpr int64_t kMaxDecimalExponent = 4000;  // 10^4000 has less than kMaxBits
constexpr size_t kMaxDigits = 4900;

// Without leading zeros, which would mean octal.
Integer integer_of(std::string_view digits) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return 0;
  if (digits.size() - first > kMaxDigits) throw too_large();
  return Integer(std::string(digits.substr(first)));
}

int64_t exponent_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out > kMaxDecimalExponent || out < -kMaxDecimalExponent) throw too_large();
  return out;
}

// What is left of a sum whose terms were `scale` large: 0 where they cancelled.
Real cancelled(const Real& value, const Real& scale) {
  return abs(value) <= ldexp(scale, -kEqualBits) ? Real(0) : value;
}

}  // namespace

NoValue too_large() {
  return {NoValue::Reason::limit, "a number is too large or too small"};
}
NoValue undefined(const char* what) {
  return {NoValue::Reason::undefined, what};
}

unsigned bits_of(const Integer& a) {
  return a == 0 ? 0 : static_cast<unsigned>(msb(abs(a))) + 1;
}

const Rational* exact(const Number& a) {
  return std::get_if<Rational>(&a);
}

bool is_zero(const Number& a) {
  if (const Rational* rational = exact(a)) return *rational == 0;
  return std::get<Complex>(a).real == 0 && std::get<Complex>(a).imaginary == 0;
}

std::optional<int64_t> small_integer(const Number& a) {
  const Rational* rational = exact(a);
  if (rational == nullptr || denominator(*rational) != 1 || bits_of(numerator(*rational)) > 40) return std::nullopt;
  return static_cast<int64_t>(numerator(*rational));
}

void Arithmetic::spend(int64_t work) {
  work_ -= work;
  if (work_ < 0) throw NoValue(NoValue::Reason::limit, "it takes too much work");
}

const Rational& Arithmetic::checked(const Rational& a) {
  const unsigned bits = std::max(bits_of(numerator(a)), bits_of(denominator(a)));
  if (bits > kMaxBits) throw too_large();
  const int64_t limbs = bits / 64;
  spend(1 + limbs * limbs / 64);  // the greatest common divisor
  return a;
}

Complex Arithmetic::checked(Complex a) {
  spend(2);
  for (Real* part : {&a.real, &a.imaginary}) {
    if (!isfinite(*part)) throw undefined("it has no finite value");
    if (*part == 0) continue;
    const int64_t exponent = ilogb(*part);
    if (exponent > kLargestExponent || exponent < -kLargestExponent) throw too_large();
  }
  return a;
}

Complex Arithmetic::approximate(const Number& a) {
  if (const Complex* complex = std::get_if<Complex>(&a)) return *complex;
  const Rational& rational = std::get<Rational>(a);
  if (std::max(bits_of(numerator(rational)), bits_of(denominator(rational))) > kMixedBits) throw too_large();
  return checked(Complex{Real(numerator(rational)) / Real(denominator(rational)), 0});
}

Number Arithmetic::literal(std::string_view text) {
  const size_t e = text.find_first_of("eE");
  int64_t exponent = e == std::string_view::npos ? 0 : exponent_of(text.substr(e + 1));
  text = text.substr(0, e);
  const size_t bracket = text.find('(');
  std::string_view repeated;
  if (bracket != std::string_view::npos) repeated = text.substr(bracket + 1, text.size() - bracket - 2);
  std::string digits(text.substr(0, bracket));
  if (const size_t point = digits.find('.'); point != std::string::npos) {
    exponent -= static_cast<int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  if (exponent < -2 * kMaxDecimalExponent || repeated.size() > kMaxDigits) throw too_large();
  Rational value(integer_of(digits));
  // 0.(6) is 6/9
  if (!repeated.empty())
    value += Rational(integer_of(repeated), mp::pow(Integer(10), static_cast<unsigned>(repeated.size())) - 1);
  const Rational scale(mp::pow(Integer(10), static_cast<unsigned>(std::abs(exponent))));
  return checked(exponent < 0 ? Rational(value / scale) : Rational(value * scale));
}

Number Arithmetic::pi() {
  return Complex{boost::math::constants::pi<Real>(), 0};
}

Number Arithmetic::imaginary_unit() {
  return Complex{0, 1};
}

Number Arithmetic::add(const Number& a, const Number& b) {
  if (exact(a) && exact(b)) return checked(Rational(*exact(a) + *exact(b)));
  if (is_zero(a)) return b;
  if (is_zero(b)) return a;
  const Complex x = approximate(a), y = approximate(b);
  const Real scale = std::max({Real(abs(x.real)), Real(abs(x.imaginary)), Real(abs(y.real)), Real(abs(y.imaginary))});
  return checked(Complex{cancelled(x.real + y.real, scale), cancelled(x.imaginary + y.imaginary, scale)});
}

Number Arithmetic::negate(const Number& a) {
  if (exact(a)) return Rational(-*exact(a));
  const Complex& x = std::get<Complex>(a);
  return Complex{-x.real, -x.imaginary};
}

Number Arithmetic::multiply(const Number& a, const Number& b) {
  if (exact(a) && exact(b)) return checked(Rational(*exact(a) * *exact(b)));
  if (is_zero(a) || is_zero(b)) return Rational(0);
  const Complex x = approximate(a), y = approximate(b);
  const Real scale = (abs(x.real) + abs(x.imaginary)) * (abs(y.real) + abs(y.imaginary));
  return checked(Complex{cancelled(x.real * y.real - x.imaginary * y.imaginary, scale),
                         cancelled(x.real * y.imaginary + x.imaginary * y.real, scale)});
}

Number Arithmetic::reciprocal(const Number& a) {
  if (is_zero(a)) throw undefined("it divides by zero");
  if (exact(a)) return Rational(1 / *exact(a));
  const Complex& x = std::get<Complex>(a);
  const Real norm = x.real * x.real + x.imaginary * x.imaginary;
  return checked(Complex{x.real / norm, -x.imaginary / norm});
}

Number Arithmetic::absolute(const Number& a) {
  if (exact(a)) return Rational(abs(*exact(a)));
  const Complex& x = std::get<Complex>(a);
  return checked(Complex{sqrt(x.real * x.real + x.imaginary * x.imaginary), 0});
}

Number Arithmetic::floor(const Number& a) {
  if (exact(a)) {
    const Integer& n = numerator(*exact(a));
    const Integer& d = denominator(*exact(a));
    Integer quotient = n / d;  // towards 0
    if (n < 0 && quotient * d != n) quotient -= 1;
    return Rational(quotient);
  }
  const Complex& x = std::get<Complex>(a);
  if (x.imaginary != 0) throw undefined("it rounds a number that is not real");
  const Real nearest = round(x.real);
  const Real near = abs(x.real - nearest) <= ldexp(Real(1), -kLargestExponent) ? nearest : Real(mp::floor(x.real));
  return checked(Rational(Integer(near)));
}

Number Arithmetic::factorial(const Number& a) {
  const std::optional<int64_t> n = small_integer(a);
  if (!n || *n < 0) throw undefined("it is the factorial of no natural number");
  if (*n > 1500) throw too_large();
  Integer out = 1;
  for (int64_t i = 2; i <= *n; ++i) out *= i;
  spend(*n);
  return checked(Rational(out));
}

Number Arithmetic::binomial(const Number& n, const Number& k) {
  const std::optional<int64_t> of = small_integer(n), taken = small_integer(k);
  if (!of || !taken || *of < 0 || *taken < 0) throw undefined("it is a binomial of no natural numbers");
  if (*taken > *of) return Rational(0);
  const int64_t count = std::min(*taken, *of - *taken);
  if (count > 500) throw too_large();
  Integer out = 1;
  for (int64_t i = 1; i <= count; ++i) out = out * (*of - count + i) / i;
  spend(4 * count);
  return checked(Rational(out));
}

Number Arithmetic::modulo(const Number& dividend, const Number& divisor) {
  const Number quotient = floor(multiply(dividend, reciprocal(divisor)));
  return add(dividend, negate(multiply(divisor, quotient)));
}

bool Arithmetic::equal(const Number& a, const Number& b) {
  if (exact(a) && exact(b)) return *exact(a) == *exact(b);
  return is_zero(add(a, negate(b)));
}

int Arithmetic::sign(const Number& a) {
  if (exact(a)) return exact(a)->sign();
  const Complex& x = std::get<Complex>(a);
  if (x.imaginary != 0) throw undefined("a number that is not real has no order");
  return x.real.sign();
}

}  // namespace sil::mathematics
