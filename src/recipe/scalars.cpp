#include "recipe/scalars.h"

#include <algorithm>
#include <cmath>

#include "sil/error.h"

namespace sil {
namespace {

constexpr size_t kShownBytes = 60;
constexpr size_t kMostListed = 30;
constexpr size_t kMostKnown = 1000;
constexpr double kTwoTo63 = 9223372036854775808.0;

std::string_view unsigned_part(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// 0123 is 83 in YAML 1.1 and 123 in YAML 1.2.
bool has_leading_zero(std::string_view text) {
  text = unsigned_part(text);
  return text.size() > 1 && text[0] == '0' && is_digit(text[1]);
}

bool is_plain_scalar(const Node& node) {
  return node.kind == Node::Kind::scalar && !node.quoted;
}

}  // namespace

std::optional<int64_t> integer_of(const Node& node) {
  if (!is_plain_scalar(node) || has_leading_zero(node.scalar)) return std::nullopt;
  const Json value = scalar_value(node);
  if (value.is_int()) return value.as_int();
  if (!value.is_number()) return std::nullopt;
  const double number = value.as_double();
  const bool fits = std::trunc(number) == number && number >= -kTwoTo63 && number < kTwoTo63;
  return fits ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
}

std::optional<double> number_of(const Node& node) {
  if (!is_plain_scalar(node) || has_leading_zero(node.scalar)) return std::nullopt;
  const Json value = scalar_value(node);
  if (!value.is_number() || !std::isfinite(value.as_double())) return std::nullopt;
  return value.as_double();
}

std::optional<bool> boolean_of(const Node& node) {
  if (!is_plain_scalar(node)) return std::nullopt;
  if (node.scalar == "true") return true;
  if (node.scalar == "false") return false;
  return std::nullopt;
}

std::optional<std::string> string_of(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  return node.scalar;
}

bool in_range(double value, const OptionInfo& about) {
  return (about.above_low ? value > about.low : value >= about.low) && value <= about.high;
}

std::string value_seen(const Node& node) {
  if (node.kind != Node::Kind::scalar) return node.kind_name();
  std::string shown = node.scalar.substr(0, kShownBytes);
  while (!shown.empty() && shown.size() < node.scalar.size() &&
         (static_cast<unsigned char>(node.scalar[shown.size()]) & 0xC0) == 0x80)
    shown.pop_back();  // never half a character
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  if (shown.size() < node.scalar.size()) shown += "…";
  return node.quoted ? "the text '" + shown + "'" : "'" + shown + "'";
}

std::string number_hint(const Node& node) {
  if (node.kind != Node::Kind::scalar) return {};
  const std::string& text = node.scalar;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  if (!node.quoted && has_leading_zero(text)) return "a leading zero is ambiguous; leave it out";
  Node plain = node;
  plain.quoted = false;
  if (node.quoted && scalar_value(plain).is_number()) return "remove the quotes";
  if (digits && !integer_of(node)) return "it does not fit into 64 bits";
  return {};
}

std::string printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; });
}

std::string nearest_hint(std::string_view name, const std::vector<std::string>& known) {
  if (known.size() > kMostKnown) return {};  // a text made to take long
  if (const std::string near = nearest(name.substr(0, kShownBytes), known); !near.empty())
    return "did you mean '" + near + "'?";
  if (known.empty()) return {};
  std::string out = "known:";
  for (size_t i = 0; i < std::min(known.size(), kMostListed); ++i) out += (i == 0 ? " " : ", ") + known[i];
  if (known.size() > kMostListed) out += " …";
  return out;
}

}  // namespace sil
