#include "verifiers/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "verifiers/answers.h"

namespace sil {
namespace {

constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

size_t count_digits(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// Takes the digits before the decimal point off `text`; thousands are separated everywhere or nowhere. False:
// malformed.
bool take_whole(std::string_view& text, std::string& digits) {
  const size_t first = count_digits(text);
  digits.append(text.substr(0, first));
  text.remove_prefix(first);
  if (text.empty() || text[0] != ',') return true;
  if (first < 1 || first > 3) return false;
  while (!text.empty() && text[0] == ',') {
    if (count_digits(text.substr(1)) != 3) return false;
    digits.append(text.substr(1, 3));
    text.remove_prefix(4);
  }
  return true;
}

std::string plain_integer(bool negative, std::string_view digits) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return "0";
  return (negative ? "-" : "") + std::string(digits.substr(first));
}

// A decimal without sign or percent, with separators gone.
std::optional<double> to_double(const std::string& digits) {
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, std::chars_format::general);
  if (error != std::errc() || at != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// [sign] digits[.digits][e[sign]digits]
std::optional<WrittenNumber> read_decimal(std::string_view text) {
  bool negative = false;
  if (text.starts_with(kMinus)) {
    negative = true;
    text.remove_prefix(kMinus.size());
  } else if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || (!is_digit(text[0]) && text[0] != '.')) return std::nullopt;  // from_chars knows inf and nan
  std::string digits;
  if (!take_whole(text, digits)) return std::nullopt;
  WrittenNumber out;
  if (text.empty() || text == ".") out.integer = plain_integer(negative, digits);
  if (text != ".") digits.append(text);
  const std::optional<double> value = to_double(digits);
  if (!value) return std::nullopt;
  out.value = negative ? -*value : *value;
  return out;
}

}  // namespace

std::optional<WrittenNumber> read_number(std::string_view text) {
  text = strip(text);
  if (text.size() > kMaxNumberBytes) return std::nullopt;
  const bool percent = text.ends_with('%');
  if (percent) text = strip(text.substr(0, text.size() - 1));
  const size_t slash = text.find('/');
  std::optional<WrittenNumber> out = read_decimal(strip(text.substr(0, slash)));
  if (!out) return std::nullopt;
  if (slash != std::string_view::npos) {
    const std::optional<WrittenNumber> divisor = read_decimal(strip(text.substr(slash + 1)));
    if (!divisor || divisor->value == 0) return std::nullopt;
    *out = {out->value / divisor->value, {}};
  }
  if (percent) *out = {out->value / 100, {}};
  if (!std::isfinite(out->value)) return std::nullopt;
  return out;
}

}  // namespace sil
