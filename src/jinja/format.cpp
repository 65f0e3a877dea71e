#include "jinja/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "jinja/operations.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

constexpr int64_t kMostDigits = 500;  // behind a point; a double has fewer than 1,100

std::string padded(Runtime& runtime, std::string sign, std::string body, const FormatSpec& spec, char align) {
  const size_t length = code_points(sign) + code_points(body);
  if (spec.width <= static_cast<int64_t>(length)) return sign + body;
  runtime.grow(static_cast<size_t>(spec.width) * 4);
  const size_t missing = static_cast<size_t>(spec.width) - length;
  const auto fill = [&](size_t count) {
    std::string out;
    while (count-- > 0) out += spec.fill;
    return out;
  };
  if (align == '<') return sign + body + fill(missing);
  if (align == '^') return fill(missing / 2) + sign + body + fill(missing - missing / 2);
  if (align == '=') return sign + fill(missing) + body;
  return fill(missing) + sign + body;
}

std::string grouped(const std::string& digits, char separator, size_t group) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string out;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % group == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(whole);
}

std::string in_base(uint64_t value, unsigned base, bool capital) {
  std::string out;
  do out += (capital ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
  while ((value /= base) > 0);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string printed(const char* format, int precision, double value) {
  std::string out(static_cast<size_t>(precision) + 400, '\0');
  const int length = std::snprintf(out.data(), out.size(), format, precision, value);
  out.resize(static_cast<size_t>(length));
  return out;
}

// Of a value that is not negative.
std::string float_digits(Runtime& runtime, double value, const FormatSpec& spec) {
  char type = spec.type;
  const bool capital = type == 'F' || type == 'E' || type == 'G';
  if (std::isnan(value)) return capital ? "NAN" : "nan";
  if (std::isinf(value)) return capital ? "INF" : "inf";
  if (type == '\0' && !spec.precision) return repr(value);
  const int64_t precision = spec.precision.value_or(6);
  if (precision > kMostDigits) runtime.fail("a precision beyond " + std::to_string(kMostDigits) + " digits");
  const bool percent = type == '%', plain = type == '\0' || type == 'n';
  if (percent) value *= 100;
  if (percent || type == 'F') type = 'f';
  if (plain) type = 'g';
  const char format[] = {'%',
                         spec.alternate ? '#' : '.',
                         spec.alternate ? '.' : '*',
                         spec.alternate ? '*' : type,
                         spec.alternate ? type : '\0',
                         '\0'};
  std::string out = printed(format, static_cast<int>(precision), value);
  // Without a type a whole number keeps one digit behind its point.
  if (plain && spec.type == '\0' && out.find_first_of(".e") == std::string::npos) out += ".0";
  return percent ? out + "%" : out;
}

std::string integer_digits(uint64_t value, const FormatSpec& spec) {
  std::string out;
  if (spec.type == 'x' || spec.type == 'X') {
    out = in_base(value, 16, spec.type == 'X');
  } else if (spec.type == 'o') {
    out = in_base(value, 8, false);
  } else if (spec.type == 'b') {
    out = in_base(value, 2, false);
  } else {
    out = std::to_string(value);
  }
  if (spec.precision && static_cast<int64_t>(out.size()) < *spec.precision)
    out.insert(0, static_cast<size_t>(*spec.precision) - out.size(), '0');
  return out;
}

bool is_integer_type(char type) {
  return type == '\0' || type == 'd' || type == 'x' || type == 'X' || type == 'o' || type == 'b' || type == 'n';
}

}  // namespace

std::string format_number(Runtime& runtime, const Value& value, const FormatSpec& spec) {
  std::string sign, digits;
  if (spec.precision) runtime.grow(static_cast<size_t>(*spec.precision));
  if (value.is_integral() && is_integer_type(spec.type)) {
    const int64_t integer = value.integer();
    if (integer < 0) sign = "-";
    digits = integer_digits(integer < 0 ? uint64_t{0} - static_cast<uint64_t>(integer) : static_cast<uint64_t>(integer),
                            spec);
    if (spec.grouping != '\0') digits = grouped(digits, spec.grouping, spec.type == 'x' || spec.type == 'b' ? 4 : 3);
  } else {
    if (is_integer_type(spec.type) && spec.type != '\0' && spec.type != 'n')
      runtime.type_error(std::string("the format ") + spec.type + " needs an integer, found", value);
    const double number = value.number();
    if (std::signbit(number) && !std::isnan(number)) sign = "-";
    digits = float_digits(runtime, std::abs(number), spec);
    if (spec.grouping != '\0') digits = grouped(digits, spec.grouping, 3);
  }
  if (sign.empty() && spec.sign != '-') sign = spec.sign;
  if (spec.alternate && (spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || spec.type == 'b'))
    sign += std::string("0") + spec.type;
  return padded(runtime, std::move(sign), std::move(digits), spec, spec.align == '\0' ? '>' : spec.align);
}

std::string format_text(Runtime& runtime, const std::string& text, const FormatSpec& spec) {
  runtime.read(text);
  const size_t kept = spec.precision ? bytes_of(text, static_cast<size_t>(*spec.precision)) : text.size();
  return padded(runtime, {}, text.substr(0, kept), spec, spec.align == '\0' ? '<' : spec.align);
}

std::string ascii_repr(Runtime& runtime, const Value& value) {
  const std::string text = repr(runtime, value);
  std::string out;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(character_length(rest))) {
    const char32_t point = first_code_point(rest);
    if (point < 0x80) {
      out += rest.front();
      continue;
    }
    const int digits = point < 0x100 ? 2 : point < 0x10000 ? 4 : 8;
    const std::string hex = in_base(point, 16, false);
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    out.append(static_cast<size_t>(digits) - hex.size(), '0') += hex;
  }
  return out;
}

}  // namespace sil::jinja
