#include "tasks/arithmetic.h"

#include <charconv>
#include <limits>
#include <numeric>

namespace sil {
namespace {

constexpr size_t kLongest = 10'000;  // bytes; far beyond what a problem needs
constexpr int kDeepest = 100;

// Recursive descent; the first fault ends it.
//   sum = product (("+" | "-") product)*   product = factor (("*" | "/") factor)*   factor = number | "(" sum ")" | "-"
//   factor
class Evaluator {
 public:
  explicit Evaluator(std::string_view text) : text_(text) {}

  ArithmeticResult run() {
    if (text_.size() > kLongest) {
      fault("the expression is longer than " + std::to_string(kLongest) + " bytes");
      return std::move(out_);
    }
    out_.value = sum();
    if (good() && peek() != '\0') unexpected();
    return std::move(out_);
  }

 private:
  bool good() const { return out_.fault.empty(); }
  Rational fault(std::string what) {
    if (good()) out_.fault = std::move(what);
    return {};
  }

  Rational unexpected() {
    if (peek() == '\0') return fault("the expression ends early");
    const unsigned char c = static_cast<unsigned char>(text_[at_]);
    const std::string shown = c > 0x20 && c < 0x7F ? std::string("'") + text_[at_] + "'" : "a character";
    return fault(shown + " at position " + std::to_string(at_ + 1) +
                 " is not part of an expression; allowed: whole numbers, + - * / and parentheses");
  }

  // Next character that is no blank; '\0' at the end only (a NUL in the text is shown as another odd character).
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    if (at_ == text_.size()) return '\0';
    return text_[at_] == '\0' ? '\1' : text_[at_];
  }

  Rational sum() {
    Rational left = product();
    for (char op = peek(); good() && (op == '+' || op == '-'); op = peek()) {
      ++at_;
      left = add(left, product(), op == '-');
    }
    return left;
  }

  Rational product() {
    Rational left = factor();
    for (char op = peek(); good() && (op == '*' || op == '/'); op = peek()) {
      ++at_;
      Rational right = factor();
      if (!good()) break;
      if (op == '/') {
        if (right.numerator == 0) return fault("a division by zero");
        right = inverse(right);
      }
      left = multiply(left, right);
    }
    return left;
  }

  Rational factor() {
    if (!good()) return {};
    if (depth_ >= kDeepest)
      return fault("the expression is nested deeper than " + std::to_string(kDeepest) + " levels");
    ++depth_;
    Rational value;
    const char c = peek();
    if (c == '(') {
      ++at_;
      value = sum();
      if (good() && peek() != ')') {
        unexpected();
      } else {
        ++at_;
      }
    } else if (c == '-') {
      ++at_;
      value = add({}, factor(), true);
    } else if (c >= '0' && c <= '9') {
      value = number();
    } else {
      unexpected();
    }
    --depth_;
    return value;
  }

  Rational number() {
    int64_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, failure] = std::from_chars(text_.data() + at_, end, value);
    if (failure != std::errc()) return fault("a number beyond 64 bits");
    at_ = static_cast<size_t>(stop - text_.data());
    out_.numbers.push_back(value);
    return {value, 1};
  }

  Rational overflow() { return fault("a value beyond 64 bits"); }

  Rational reduced(int64_t numerator, int64_t denominator) {
    if (numerator == std::numeric_limits<int64_t>::min()) return overflow();
    const int64_t divisor = std::gcd(numerator, denominator);
    return {numerator / divisor, denominator / divisor};
  }

  Rational add(Rational a, Rational b, bool subtract) {
    int64_t left = 0, right = 0, numerator = 0, denominator = 0;
    const int64_t signed_b = subtract ? -b.numerator : b.numerator;  // no overflow: never the least 64-bit number
    if (__builtin_mul_overflow(a.numerator, b.denominator, &left) ||
        __builtin_mul_overflow(signed_b, a.denominator, &right) || __builtin_add_overflow(left, right, &numerator) ||
        __builtin_mul_overflow(a.denominator, b.denominator, &denominator))
      return overflow();
    return reduced(numerator, denominator);
  }

  Rational multiply(Rational a, Rational b) {
    // Across first, so that what fits does not overflow on the way.
    const Rational x = reduced(a.numerator, b.denominator), y = reduced(b.numerator, a.denominator);
    int64_t numerator = 0, denominator = 0;
    if (__builtin_mul_overflow(x.numerator, y.numerator, &numerator) ||
        __builtin_mul_overflow(x.denominator, y.denominator, &denominator))
      return overflow();
    return reduced(numerator, denominator);
  }

  static Rational inverse(Rational value) {
    if (value.numerator < 0) return {-value.denominator, -value.numerator};
    return {value.denominator, value.numerator};
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  ArithmeticResult out_;
};

}  // namespace

ArithmeticResult evaluate_arithmetic(std::string_view text) {
  return Evaluator(text).run();
}

}  // namespace sil
