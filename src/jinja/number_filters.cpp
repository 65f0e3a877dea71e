// Filters that make or gather numbers.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "jinja/filters.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

Value absolute(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "abs", {}, arguments);
  if (!value.is_number()) runtime.type_error("abs needs a number, found", value);
  if (value.is_float()) return std::abs(value.number());
  const Value zero(int64_t{0});
  return value.integer() < 0 ? arithmetic(runtime, Operator::sub, zero, value) : Value(value.integer());
}

// Digits with single underscores between them lose these; others make the text unreadable.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !std::isxdigit(static_cast<unsigned char>(text[i - 1])) ||
               !std::isxdigit(static_cast<unsigned char>(text[i + 1]))) {
      return {};
    }
  }
  return out;
}

// As Python's int(text, base). Nothing where it raises ValueError.
std::optional<int64_t> read_integer(Runtime& runtime, std::string_view text, int64_t base) {
  text = strip_left(strip_right(text));
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const char mark = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  const int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked != 0 && (base == marked || base == 0)) {
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
    base = marked;
  }
  if (base == 0) base = 10;
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return {};
  uint64_t value = 0;
  const auto [end, fault] =
      std::from_chars(digits->data(), digits->data() + digits->size(), value, static_cast<int>(base));
  if (end != digits->data() + digits->size()) return {};
  const uint64_t most = uint64_t{1} << 63;
  if (fault != std::errc() || value > most || (value == most && !negative)) runtime.fail("an integer beyond 64 bits");
  return static_cast<int64_t>(negative ? uint64_t{0} - value : value);
}

std::optional<double> read_float(std::string_view text) {
  text = strip_left(strip_right(text));
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty() || digits->find('(') != std::string::npos) return {};
  double value = 0;
  const auto [end, fault] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (end != digits->data() + digits->size()) return {};
  if (fault == std::errc::result_out_of_range) return std::strtod(digits->c_str(), nullptr);
  return value;
}

int64_t truncated(Runtime& runtime, double value) {
  if (!(std::abs(value) < 0x1p63)) runtime.fail("an integer beyond 64 bits");
  return static_cast<int64_t>(value);
}

Value to_integer(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "int", {"default", "base"}, arguments);
  const Value otherwise = bound.value(0, Value(int64_t{0}));
  if (value.is_undefined()) runtime.undefined_error(value);
  if (value.is_integral()) return value.integer();
  if (value.is_float()) return std::isnan(value.number()) ? otherwise : Value(truncated(runtime, value.number()));
  if (!value.is_text()) return otherwise;
  const int64_t base = bound.integer(1, 10);
  if (base == 0 || (base >= 2 && base <= 36))
    if (const std::optional<int64_t> integer = read_integer(runtime, value.text()->text, base)) return *integer;
  const std::optional<double> number = read_float(value.text()->text);
  if (!number || !std::isfinite(*number)) return otherwise;
  return truncated(runtime, *number);
}

Value to_float(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "float", {"default"}, arguments);
  if (value.is_undefined()) runtime.undefined_error(value);
  if (value.is_number()) return value.number();
  if (value.is_text())
    if (const std::optional<double> number = read_float(value.text()->text)) return *number;
  return bound.value(0, Value(0.0));
}

// To the nearest, halves to the even digit, decided on the exact value: what printf does.
double rounded(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 340) return value;
  if (digits < -340) return std::copysign(0.0, value);
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  char text[800];
  std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), value);
  return std::strtod(text, nullptr);
}

int64_t rounded(Runtime& runtime, int64_t value, int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return 0;
  int64_t unit = 1;
  for (int64_t i = 0; i < -digits; ++i) unit *= 10;
  int64_t rest = value % unit;
  if (rest < 0) rest += unit;
  const int64_t below = value - rest;
  const bool up = rest * 2 > unit || (rest * 2 == unit && (below / unit) % 2 != 0);
  const Value out = arithmetic(runtime, Operator::add, Value(below), Value(up ? unit : int64_t{0}));
  return out.integer();
}

Value round(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "round", {"precision", "method"}, arguments);
  const std::string method = bound.text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor")
    runtime.fail("round: the method is '" + method + "'; allowed: common, ceil, floor");
  if (!value.is_number()) runtime.type_error("round needs a number, found", value);
  const int64_t digits = bound.integer(0, 0);
  if (method == "common")
    return value.is_float() ? Value(rounded(value.number(), digits)) : Value(rounded(runtime, value.integer(), digits));
  const Value unit = arithmetic(runtime, Operator::pow, Value(int64_t{10}), Value(digits));
  const double scaled = arithmetic(runtime, Operator::mul, value, unit).number();
  if (!std::isfinite(scaled)) runtime.fail("round needs a finite number");
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit.number();
}

Value sum(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "sum", {"attribute", "start"}, arguments);
  const Getter get(runtime, bound[0]);
  Value out = bound.value(1, Value(int64_t{0}));
  if (out.is_text()) runtime.fail("sum adds no texts", "use join");
  for (const Value& item : iterate(runtime, value)) out = arithmetic(runtime, Operator::add, out, get(item));
  return out;
}

template <bool largest>
Value extreme(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, largest ? "max" : "min", {"case_sensitive", "attribute"}, arguments);
  const Getter get(runtime, bound[1], nullptr, bound.flag(0, false));
  const Value* best = nullptr;
  Value best_key;
  const Values items = iterate(runtime, value);
  for (const Value& item : items) {
    Value key = get(item);
    if (best != nullptr && !(largest ? less(runtime, best_key, key) : less(runtime, key, best_key))) continue;
    best = &item;
    best_key = std::move(key);
  }
  return best == nullptr ? Value() : *best;
}

}  // namespace

const Filters& number_filters() {
  static const Filters filters = {{"abs", absolute}, {"int", to_integer},     {"float", to_float},   {"round", round},
                                  {"sum", sum},      {"min", extreme<false>}, {"max", extreme<true>}};
  return filters;
}

}  // namespace sil::jinja
