#include "sil/node.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace sil {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (std::string_view word : words)
    if (text == word) return true;
  return false;
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

size_t count_digits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  return n;
}

// [-+]? ( \. digits | digits ( \. digit* )? ) ( [eE] [-+]? digits )?     (YAML 1.2.2, section 10.3.2)
bool is_float(std::string_view text) {
  text = without_sign(text);
  size_t digits = count_digits(text);
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const size_t fraction = count_digits(text);
    text.remove_prefix(fraction);
    digits += fraction;
  }
  if (digits == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text = without_sign(text.substr(1));
  return !text.empty() && count_digits(text) == text.size();
}

// All digits of the given base that fit into 64 bits with a sign.
std::optional<int64_t> whole_number(std::string_view text, int base) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Json> integer(std::string_view text) {
  for (const auto& [prefix, base] : {std::pair{"0x", 16}, std::pair{"0o", 8}}) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view digits = text.substr(2);
    if (digits.starts_with('-') || digits.starts_with('+')) return std::nullopt;
    const auto value = whole_number(digits, base);
    return value ? std::optional<Json>(*value) : std::nullopt;
  }
  const std::string_view digits = without_sign(text);
  if (digits.empty() || count_digits(digits) != digits.size()) return std::nullopt;
  const auto value = whole_number(text.starts_with('+') ? digits : text, 10);
  return value ? std::optional<Json>(*value) : std::nullopt;
}

// Integers beyond 64 bits end up here too. Beyond the range of doubles it is nobody's number: nullopt.
std::optional<Json> floating(std::string_view text) {
  const std::string_view unsigned_text = without_sign(text);
  if (is_one_of(unsigned_text, {".inf", ".Inf", ".INF"})) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(text.starts_with('-') ? -infinity : infinity);
  }
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return Json(std::numeric_limits<double>::quiet_NaN());
  if (!is_float(text)) return std::nullopt;
  const double value = std::strtod(std::string(text).c_str(), nullptr);  // underflow gives 0, unlike from_chars
  return std::isfinite(value) ? std::optional<Json>(value) : std::nullopt;
}

std::string yaml_number(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  std::string text;
  append_json_number(text, value);
  return text;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

const char* Node::kind_name() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return "a scalar";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
  }
  SIL_CHECK(!"a kind of node");
}

Node Node::text(std::string value, Place place, Origin origin) {
  Node node;
  node.kind = Kind::scalar;
  node.place = std::move(place);
  node.origin = origin;
  node.scalar = std::move(value);
  node.quoted = true;
  return node;
}

Node Node::from_json(const Json& value, Place place, Origin origin) {
  Node node;
  node.place = place;
  node.origin = origin;
  if (value.is_null()) return node;
  if (value.is_array()) {
    node.kind = Kind::list;
    for (const Json& item : value.as_array()) node.items.push_back(from_json(item, place, origin));
  } else if (value.is_object()) {
    node.kind = Kind::map;
    for (const auto& [key, member] : value.as_object())
      node.members.push_back({key, place, from_json(member, place, origin)});
  } else if (value.is_string()) {
    return text(value.as_string(), std::move(place), origin);
  } else {
    node.kind = Kind::scalar;
    node.scalar = value.is_number() && !value.is_int() ? yaml_number(value.as_double()) : dump(value);
  }
  return node;
}

Json Node::to_json() const {
  switch (kind) {
    case Kind::null:
      return {};
    case Kind::scalar:
      return scalar_value(*this);
    case Kind::list: {
      Json list = Json::array();
      for (const Node& item : items) list.push(item.to_json());
      return list;
    }
    case Kind::map: {
      Json::Object map;  // keys are unique already
      for (const Member& member : members) map.emplace_back(member.key, member.value.to_json());
      return map;
    }
  }
  SIL_CHECK(!"a kind of node");
}

Json scalar_value(const Node& scalar) {
  if (scalar.kind == Node::Kind::null) return {};
  SIL_CHECK(scalar.kind == Node::Kind::scalar);
  const std::string& text = scalar.scalar;
  if (scalar.quoted) return text;
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return {};
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  if (const auto number = integer(text)) return *number;
  if (const auto number = floating(text)) return *number;
  return text;
}

}  // namespace sil
