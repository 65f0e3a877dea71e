// + - * / // % ** as Python computes them, on 64-bit integers: what does not fit fails.
#include <cmath>

#include "jinja/operations.h"

namespace sil::jinja {
namespace {

const char* symbol(Operator op) {
  constexpr const char* kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<size_t>(op)];
}

[[noreturn]] void unsupported(Runtime& runtime, Operator op, const Value& left, const Value& right) {
  for (const Value* value : {&left, &right})
    if (value->is_undefined()) runtime.undefined_error(*value);
  runtime.fail(std::string("unsupported operand types for ") + symbol(op) + ": '" + type_name(left) + "' and '" +
               type_name(right) + "'");
}

[[noreturn]] void overflow(Runtime& runtime) {
  runtime.fail("an integer beyond 64 bits", "numbers in templates are small");
}

int64_t floor_divide(Runtime& runtime, int64_t a, int64_t b) {
  if (b == -1) {
    int64_t out = 0;
    if (__builtin_sub_overflow(int64_t{0}, a, &out)) overflow(runtime);
    return out;
  }
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

// The result has the divisor's sign.
double floor_modulo(double a, double b) {
  double out = std::fmod(a, b);
  if (out != 0 && (out < 0) != (b < 0)) out += b;
  return out == 0 ? std::copysign(0.0, b) : out;
}

// As CPython's float_floor_div: from the remainder, so that the two agree.
double floor_quotient(double a, double b) {
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

int64_t power(Runtime& runtime, int64_t base, int64_t exponent) {
  int64_t out = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) overflow(runtime);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow(runtime);
  }
  return out;
}

Value integers(Runtime& runtime, Operator op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &out)) overflow(runtime);
      return out;
    case Operator::sub:
      if (__builtin_sub_overflow(a, b, &out)) overflow(runtime);
      return out;
    case Operator::mul:
      if (__builtin_mul_overflow(a, b, &out)) overflow(runtime);
      return out;
    case Operator::pow:
      if (b >= 0) return power(runtime, a, b);
      if (a == 0) runtime.fail("0 cannot be raised to a negative power");
      return std::pow(static_cast<double>(a), static_cast<double>(b));
    default:
      break;
  }
  if (b == 0) runtime.fail("division by zero");
  if (op == Operator::div) return static_cast<double>(a) / static_cast<double>(b);
  if (op == Operator::floordiv) return floor_divide(runtime, a, b);
  return b == -1 ? int64_t{0} : a - b * floor_divide(runtime, a, b);
}

Value floats(Runtime& runtime, Operator op, double a, double b) {
  if (op == Operator::add) return a + b;
  if (op == Operator::sub) return a - b;
  if (op == Operator::mul) return a * b;
  if (op == Operator::pow) {
    if (a == 0 && b < 0) runtime.fail("0 cannot be raised to a negative power");
    if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) runtime.fail("a complex number");
    const double out = std::pow(a, b);
    if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) runtime.fail("a number too large for a float");
    return out;
  }
  if (b == 0) runtime.fail("division by zero");
  if (op == Operator::div) return a / b;
  return op == Operator::floordiv ? floor_quotient(a, b) : floor_modulo(a, b);
}

Value joined(Runtime& runtime, const Text& left, const Text& right) {
  const bool markup = left.markup || right.markup;
  runtime.read(left.text);
  runtime.read(right.text);
  if (!markup) return runtime.text(left.text + right.text);
  return runtime.text(
      (left.markup ? left.text : escaped(left.text)) + (right.markup ? right.text : escaped(right.text)), true);
}

Value joined(Runtime& runtime, const Sequence& left, const Sequence& right) {
  runtime.step(static_cast<int64_t>(left.items.size() + right.items.size()));
  Values out = left.items;
  out.insert(out.end(), right.items.begin(), right.items.end());
  return runtime.list(std::move(out), left.flavour == Flavour::list ? Flavour::list : Flavour::tuple);
}

bool is_tuple(const Sequence& sequence) {
  return sequence.flavour == Flavour::tuple || sequence.flavour == Flavour::group;
}

bool is_plain_list(const Value& value) {
  return value.sequence() != nullptr && (value.is(Flavour::list) || is_tuple(*value.sequence()));
}

Value repeated(Runtime& runtime, const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const size_t count = value.is_text() ? value.text()->text.size() : value.sequence()->items.size() * sizeof(Value);
  size_t size = 0;
  if (__builtin_mul_overflow(count, static_cast<size_t>(times), &size)) size = SIZE_MAX;
  runtime.grow(size);
  runtime.step(1 + static_cast<int64_t>(size / 64));
  if (count == 0) times = 0;
  if (const Text* text = value.text()) {
    std::string out;
    for (int64_t i = 0; i < times; ++i) out += text->text;
    return runtime.text(std::move(out), text->markup);
  }
  const Sequence& sequence = *value.sequence();
  Values out;
  for (int64_t i = 0; i < times; ++i) out.insert(out.end(), sequence.items.begin(), sequence.items.end());
  return runtime.list(std::move(out), is_tuple(sequence) ? Flavour::tuple : Flavour::list);
}

}  // namespace

Value arithmetic(Runtime& runtime, Operator op, const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) return integers(runtime, op, left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return floats(runtime, op, left.number(), right.number());
  if (op == Operator::mod && left.is_text())
    return runtime.text(percent_format(runtime, left.text()->text, right), left.text()->markup);
  if (op == Operator::add && left.is_text() && right.is_text()) return joined(runtime, *left.text(), *right.text());
  if (op == Operator::add && is_plain_list(left) && is_plain_list(right) &&
      is_tuple(*left.sequence()) == is_tuple(*right.sequence()))
    return joined(runtime, *left.sequence(), *right.sequence());
  if (op == Operator::mul) {
    if ((left.is_text() || is_plain_list(left)) && right.is_integral()) return repeated(runtime, left, right.integer());
    if ((right.is_text() || is_plain_list(right)) && left.is_integral())
      return repeated(runtime, right, left.integer());
  }
  unsupported(runtime, op, left, right);
}

}  // namespace sil::jinja
