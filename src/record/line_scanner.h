// A cursor over lines of exactly the text that append_rollouts and its like write: fixed keys in fixed order, no
// spaces. One pass, no tree. Whatever differs throws Error(Exit::corrupt) that names the kind of line, its number and
// column.
#pragma once

#include <charconv>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sil/digest.h"
#include "sil/json.h"

namespace sil {

class LineScanner {
 public:
  // `kind` names the segment in messages: "rollouts", "verdicts" ...
  LineScanner(std::string_view kind, std::string_view text) : kind_(kind), rest_(text) {}

  bool next_line();  // false at the end of the text; a last line without its newline is an error
  void end_line();   // the line must end here

  // Templates, so that comparing with a literal is a few instructions and no call.
  template <size_t N>
  bool accept(const char (&literal)[N]) {
    if (left() < N - 1 || std::memcmp(at_, literal, N - 1) != 0) return false;
    at_ += N - 1;
    return true;
  }
  template <size_t N>
  void expect(const char (&literal)[N]) {
    if (!accept(literal)) fail_expected(literal);
  }

  std::string string();  // quotes and escapes undone; must be UTF-8
  // What is not wanted: a string, as it is written between its quotes, and a list of numbers. Only their ends are
  // looked for.
  std::string_view skip_string();
  void skip_numbers();
  uint64_t hex64();  // a quoted uid
  Digest digest();
  bool boolean();
  Json json();  // any value

  template <class T>
  T number() {
    if constexpr (std::is_integral_v<T>) {
      // Most integers are short and positive, and then this is quicker than from_chars.
      const char* at = at_;
      uint32_t small = 0;
      while (at != end_ && *at >= '0' && *at <= '9' && at - at_ < 9)
        small = 10 * small + static_cast<uint32_t>(*at++ - '0');
      const bool whole =
          at != at_ && (*at_ != '0' || at - at_ == 1) && at != end_ && (*at == ',' || *at == ']' || *at == '}');
      if (whole && small <= static_cast<uint64_t>(std::numeric_limits<T>::max())) {
        at_ = at;
        return static_cast<T>(small);
      }
    }
    const char* first = at_ + (at_ != end_ && *at_ == '-' ? 1 : 0);
    // from_chars also takes "inf", "nan", "007" and "1.", which no writer of ours makes.
    if (first == end_ || *first < '0' || *first > '9') fail("a number is missing");
    T value{};
    const auto [end, error] = std::from_chars(at_, end_, value);
    if (error != std::errc{}) fail("a number is out of range");
    const bool padded = *first == '0' && end - first > 1 && first[1] >= '0' && first[1] <= '9';
    if (padded || end[-1] == '.') fail("a number is not written as JSON writes it");
    at_ = end;
    return value;
  }

  template <class T>
  void numbers(std::vector<T>& out, size_t expected = 0) {
    out.reserve(expected);
    list([&] { out.push_back(number<T>()); });
  }

  // [item,item,…]: calls `item` at the start of each.
  template <class Item>
  void list(Item&& item) {
    expect("[");
    if (accept("]")) return;
    do item();
    while (accept(","));
    expect("]");
  }

  // One of the values of an enum, written as its name(); `last` is the highest value.
  template <class E>
  E named(E last) {
    const char* start = at_;
    const std::string text = string();
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (name(static_cast<E>(i)) == text) return static_cast<E>(i);
    }
    at_ = start;
    fail("a word is none of those allowed here");
  }

  [[noreturn]] void fail(std::string_view what) const;

 private:
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  [[noreturn]] void fail_expected(std::string_view literal) const;
  void append_escape(std::string& out);
  unsigned hex4();
  std::string_view json_slice();

  std::string_view kind_;
  std::string_view rest_;
  const char* start_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint64_t line_ = 0;
};

}  // namespace sil
