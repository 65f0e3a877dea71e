// JSON as a value. Parsing is strict (depth, duplicate keys, UTF-8, numbers in range); printing is canonical enough to
// be hashed: members keep their order, floats are the shortest text that reads back to the same bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sil/error.h"

namespace sil {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool v) : value_(v) {}
  Json(int v) : value_(int64_t{v}) {}
  Json(int64_t v) : value_(v) {}
  Json(uint32_t v) : value_(int64_t{v}) {}
  Json(uint64_t v) : value_(static_cast<int64_t>(v)) {}
  Json(double v) : value_(v) {}
  Json(const char* v) : value_(std::string(v)) {}
  Json(std::string v) : value_(std::move(v)) {}
  Json(std::string_view v) : value_(std::string(v)) {}
  Json(Array v) : value_(std::move(v)) {}
  Json(Object v) : value_(std::move(v)) {}

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  const char* kind() const;  // "null", "a boolean", "an integer", "a number", "a string", "a list", "a map"

  // Typed access; a mismatch throws Error(Exit::unreadable) that names both kinds.
  bool as_bool() const;
  int64_t as_int() const;
  double as_double() const;  // integers too
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& as_array();
  Object& as_object();

  const Json* find(std::string_view key) const;  // nullptr when absent or not an object
  const Json& at(std::string_view key) const;    // throws when absent
  Json& set(std::string_view key, Json value);   // replaces or appends; makes null an object
  void push(Json value);                         // makes null an array

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

struct JsonLimits {
  int depth = 64;
  size_t bytes = size_t{64} << 20;
};

// Throws Error(Exit::unreadable) with `where` advanced to line and column of the fault. Refuses duplicate keys, NaN,
// numbers beyond int64/double range, invalid UTF-8 and trailing text.
Json parse_json(std::string_view text, const Place& where = {}, const JsonLimits& limits = {});

std::string dump(const Json& value);            // one line, no spaces
std::string dump_pretty(const Json& value);     // two-space indent, for people
std::string dump_canonical(const Json& value);  // one line, members sorted by key: what digests are made of

// Building blocks for hot writers. Invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
void append_json_number(std::string& out, double value);  // shortest round-trip; non-finite becomes null
void append_json_number(std::string& out, float value);
void append_json_number(std::string& out, int64_t value);

}  // namespace sil
