// Numbers that are exact as long as they are rational, else complex with so many bits that two different values of
// short formulas are told apart.
//
// Two irrational values count as equal when they agree to 2^-512 of their size. Formulas of n signs that differ are
// expected to differ by more than exp(-c n) (Richardson, "The uniformity conjecture", 2001); what is compared here is
// shorter than that by far, and rational numbers that hold more bits never meet irrational ones (kMixedBits), so that a
// decimal approximation is never equal.
#pragma once

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <variant>

namespace sil::mathematics {

using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;
using Real = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<768, boost::multiprecision::digit_base_2, void, int32_t>,
    boost::multiprecision::et_off>;

struct Complex {
  Real real;
  Real imaginary;
};

using Number = std::variant<Rational, Complex>;

// Why a formula has no value that can be compared. Caught where values are compared.
class NoValue : public std::runtime_error {
 public:
  enum class Reason { undefined, limit };
  NoValue(Reason reason, const char* what) : std::runtime_error(what), reason_(reason) {}
  Reason reason() const { return reason_; }

 private:
  Reason reason_;
};

inline constexpr unsigned kMaxBits = 1 << 14;  // of numerator and denominator
inline constexpr unsigned kMixedBits = 512;    // of a rational number that meets an irrational one
inline constexpr int kEqualBits = 512;         // in which equal irrational values agree
inline constexpr int kLargestExponent = 256;   // irrational values lie between 2^-256 and 2^256, or are 0

// real: roots of odd order of negative numbers are real, those of even order and logarithms of them have no value.
enum class Domain { real, complex };

// Every operation throws NoValue where the result is undefined, beyond the limits above or too much work altogether.
class Arithmetic {
 public:
  // `work`, about a microsecond each, is used up by every operation; it must outlive this object.
  Arithmetic(Domain domain, int64_t& work) : domain_(domain), work_(work) {}

  Number literal(std::string_view text);  // of Token::Kind::number
  Number pi();
  Number imaginary_unit();

  Number add(const Number& a, const Number& b);
  Number negate(const Number& a);
  Number multiply(const Number& a, const Number& b);
  Number reciprocal(const Number& a);
  Number power(const Number& base, const Number& exponent);
  Number root(const Number& radicand, const Number& index);
  Number function(std::string_view name, const Number& argument);  // sin, cos, tan, ... exp, ln
  Number absolute(const Number& a);
  Number floor(const Number& a);
  Number factorial(const Number& a);
  Number binomial(const Number& n, const Number& k);
  Number modulo(const Number& dividend, const Number& divisor);

  bool equal(const Number& a, const Number& b);
  int sign(const Number& a);  // of a real number: -1, 0, 1

 private:
  void spend(int64_t work);
  const Rational& checked(const Rational& a);
  Complex checked(Complex a);
  Complex approximate(const Number& a);
  Number exact_power(Rational base, int64_t exponent);
  Number integer_power(const Number& base, int64_t exponent);
  Number real_root(const Number& radicand, int64_t index);
  Number exponential(const Number& a);
  Number logarithm(const Number& a);
  Number trigonometric(std::string_view name, const Number& a);
  Number inverse_trigonometric(std::string_view name, const Number& a);
  Number hyperbolic(std::string_view name, const Number& a);

  Domain domain_;
  int64_t& work_;
};

}  // namespace sil::mathematics
