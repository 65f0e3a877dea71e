// Arithmetic expressions as a model writes them: + - * / and parentheses over whole numbers, in exact rationals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sil {

// In lowest terms, denominator > 0.
struct Rational {
  int64_t numerator = 0;
  int64_t denominator = 1;
  friend bool operator==(const Rational&, const Rational&) = default;
};

struct ArithmeticResult {
  Rational value;
  std::vector<int64_t> numbers;  // those written, in order
  std::string fault;             // why it has no value; "" when it has one
};

// Any text, of any length and depth; results beyond 64 bits are a fault, never rounded.
ArithmeticResult evaluate_arithmetic(std::string_view text);

}  // namespace sil
