// Parsing JSON: nlohmann's lexer and grammar, our own values and limits. Nothing else in the program sees nlohmann.
#include "sil/json.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/wide_json.h"

namespace sil {
namespace {

// Reads the text and tells how far the lexer has come: its callbacks do not say where they are.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** reached) : at_(at), reached_(reached) {}
  const char& operator*() const { return *at_; }
  Cursor& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor old = *this;
    ++*this;
    return old;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** reached_;
};

Place place_of(std::string_view text, size_t offset, Place where) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::string_view last = before.substr(before.rfind('\n') + 1);  // npos + 1 == 0
  const auto characters =
      std::count_if(last.begin(), last.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  where.column = static_cast<int>(characters) + (lines == 0 ? std::max(where.column, 1) : 1);
  where.line = std::max(where.line, 1) + static_cast<int>(lines);
  return where;
}

// How many characters before the lexer's position the fault begins. A whole token that is out of place begins at its
// first character; else the last character is at fault. The lexer's token text is fresh only for numbers and strings.
size_t fault_length(std::string_view why, std::string_view token) {
  if (why.starts_with("unexpected number") || why.starts_with("unexpected string")) return token.size();
  if (why.starts_with("unexpected true") || why.starts_with("unexpected null")) return 4;
  if (why.starts_with("unexpected false")) return 5;
  return 1;
}

// Builds a value from the parser's events; refuses what our values cannot hold.
class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  Builder(std::string_view text, const Place& where, int depth, bool wide)
      : text_(text), where_(where), depth_(depth), wide_(wide) {}

  const char** reached() { return &reached_; }
  Json take() { return std::move(root_); }

  bool null() { return put(Json()); }
  bool boolean(bool value) { return put(Json(value)); }
  // The lexer reads a number with a sign as this one and all others as unsigned, so 0 here was "-0": a float's zero.
  bool number_integer(number_integer_t value) { return put(value == 0 ? Json(-0.0) : Json(int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) {
    if (value <= static_cast<uint64_t>(INT64_MAX)) return put(Json(static_cast<int64_t>(value)));
    if (!wide_) fail_integer(std::to_string(value));
    return put(Json(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t& written) {
    if (!wide_ && written.find_first_of(".eE") == std::string::npos) fail_integer(written);
    return put(Json(value));
  }
  bool string(string_t& value) { return put(Json(std::move(value))); }
  bool binary(binary_t&) { return false; }  // JSON text has none

  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_array() {
    open_.pop_back();
    return true;
  }
  bool key(string_t& name);
  bool end_object();
  bool parse_error(size_t position, const std::string& token, const nlohmann::json::exception& error);

 private:
  struct Level {
    Json* value;
    std::vector<size_t> keys;  // where each key ends
  };
  // Up to this many members a key is compared with all before it; larger maps are sorted once at their end.
  static constexpr size_t kFewMembers = 24;

  bool put(Json value) {
    slot() = std::move(value);
    return true;
  }
  Json& slot() {
    if (open_.empty()) return root_;
    Json& parent = *open_.back().value;
    if (parent.is_object()) return parent.as_object().back().second;
    return parent.as_array().emplace_back();
  }
  bool open(Json value) {
    if (static_cast<int>(open_.size()) >= depth_)
      fail(offset() - 1, "nested deeper than " + std::to_string(depth_) + " levels");
    Json& place = slot();
    place = std::move(value);
    open_.push_back({&place, {}});
    return true;
  }

  size_t offset() const { return static_cast<size_t>(reached_ - text_.data()); }
  [[noreturn]] void fail(size_t at, const std::string& what) const {
    throw Error(Exit::unreadable, "not valid JSON: " + what, {}, place_of(text_, at, where_));
  }
  [[noreturn]] void fail_integer(const std::string& written) const {
    std::string shown = written.substr(0, 40) + (written.size() > 40 ? "..." : "");
    const size_t at = text_.rfind(written, offset() - written.size());
    fail(at, "the integer " + shown + " is beyond 64 bits (allowed: -9223372036854775808 to 9223372036854775807)");
  }
  [[noreturn]] void fail_duplicate(const std::string& name, size_t end) const;

  std::string_view text_;
  const Place& where_;
  int depth_;
  bool wide_;  // integers may be beyond 64 bits
  const char* reached_ = text_.data();
  Json root_;
  std::vector<Level> open_;
};

bool Builder::key(string_t& name) {
  Level& level = open_.back();
  Json::Object& members = level.value->as_object();
  if (members.size() <= kFewMembers)
    for (const auto& member : members)
      if (member.first == name) fail_duplicate(name, offset());
  level.keys.push_back(offset());
  members.emplace_back(std::move(name), Json());
  return true;
}

bool Builder::end_object() {
  const Level& level = open_.back();
  const Json::Object& members = level.value->as_object();
  if (members.size() > kFewMembers) {
    std::vector<size_t> order(members.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return members[a].first < members[b].first; });
    const auto twice = std::adjacent_find(order.begin(), order.end(),
                                          [&](size_t a, size_t b) { return members[a].first == members[b].first; });
    if (twice != order.end()) fail_duplicate(members[twice[1]].first, level.keys[twice[1]]);
  }
  open_.pop_back();
  return true;
}

void Builder::fail_duplicate(const std::string& name, size_t end) const {
  // Back from the closing quote to the opening one: inside, a quote follows an odd number of backslashes.
  size_t begin = end - 1;
  for (bool escaped = true; escaped;) {
    begin = text_.rfind('"', begin - 1);
    const size_t other = text_.find_last_not_of('\\', begin - 1);
    escaped = (begin - 1 - other) % 2 == 1;
  }
  std::string shown;
  append_json_string(shown, std::string_view(name).substr(0, 80));
  fail(begin, "the key " + shown + " is there twice");
}

bool Builder::parse_error(size_t position, const std::string& token, const nlohmann::json::exception& error) {
  // "[json.exception…] parse error at line 1, column 2: syntax error while parsing value - WHY; last read: '…';
  // expected …"
  std::string why = error.what();
  if (const size_t dash = why.find(" - "); dash != std::string::npos) {
    why.erase(0, dash + 3);
  } else if (const size_t bracket = why.find("] "); bracket != std::string::npos) {
    why.erase(0, bracket + 2);
  }
  if (const size_t last = why.find("; last read:"); last != std::string::npos) {
    const size_t expected = why.rfind("; expected ");
    const bool cut = expected == std::string::npos || expected < last;
    why = why.substr(0, last) + (cut ? "" : why.substr(expected));
  }
  const size_t back = std::min(position, fault_length(why, token));
  const size_t at = std::min(position - back, text_.size());
  if (at < text_.size()) {
    why += ", at ";
    append_json_string(why, text_.substr(at, 20));
  }
  fail(at, why);
}

Json parse(std::string_view text, const Place& where, const JsonLimits& limits, bool wide) {
  if (text.size() > limits.bytes)
    throw Error(Exit::unreadable,
                "JSON text of " + std::to_string(text.size()) + " bytes is larger than the allowed " +
                    std::to_string(limits.bytes),
                {}, where);
  // The lexer takes a NUL for the end of the text and would ignore what follows it.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw Error(Exit::unreadable, "not valid JSON: a NUL byte", {}, place_of(text, nul, where));
  if (text.data() == nullptr) text = "";
  Builder builder(text, where, limits.depth, wide);
  const char* end = text.data() + text.size();
  nlohmann::json::sax_parse(Cursor(text.data(), builder.reached()), Cursor(end, builder.reached()), &builder);
  return builder.take();
}

}  // namespace

Json parse_json(std::string_view text, const Place& where, const JsonLimits& limits) {
  return parse(text, where, limits, false);
}

Json parse_wide_json(std::string_view text, const Place& where) {
  return parse(text, where, {}, true);
}

}  // namespace sil
