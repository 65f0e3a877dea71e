#include "jinja/lexer.h"

#include <algorithm>

#include "base/code_point.h"
#include "jinja/text_scan.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

constexpr auto kNowhere = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
// Letters of any script, as in Python.
bool is_name_start(std::string_view text) {
  return text.front() == '_' || is_alphabetic(first_code_point(text));
}

// As Jinja reads a template: \r\n and \r are \n, and one newline at the end is not part of it.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else if (!source.substr(i + 1).starts_with('\n')) {
      out += '\n';
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view source, const Place& where) : text_(normalized(source)), source_(text_), where_(where) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) data();
    push(Token::Kind::end, {});
    return std::move(tokens_);
  }

 private:
  // Text up to the next tag, then what the tag holds.
  void data() {
    const size_t tag = next_tag();
    const std::string_view text = source_.substr(at_, tag - at_);
    if (tag == source_.size()) {
      push_text(text);
      return advance_to(tag);
    }
    const char kind = source_[tag + 1];
    const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    push_text(trimmed(text, kind, mark));
    advance_to(tag);
    const Position begin = position_;
    const size_t inside = tag + (mark == '-' || mark == '+' ? 3 : 2);
    if (kind == '#') return comment(inside, begin);
    if (kind == '%' && raw(inside, begin)) return;
    push(kind == '%' ? Token::Kind::block_begin : Token::Kind::variable_begin, {});
    advance_to(inside);
    expression(kind == '%', begin);
  }

  size_t next_tag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i)
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    return source_.size();
  }

  // What a mark behind the tag's first brace, or lstrip_blocks, leaves of the text before it.
  std::string_view trimmed(std::string_view text, char kind, char mark) const {
    if (mark == '-') return strip_right(text);
    if (mark == '+' || kind == '{') return text;
    const size_t newline = text.rfind('\n');
    const size_t line = newline == kNowhere ? 0 : newline + 1;
    if (line == 0 && !line_starting_) return text;
    return strip_left(text.substr(line)).empty() ? text.substr(0, line) : text;
  }

  // The end of a tag at `at`, or 0: its length and what it swallows behind it.
  size_t closing(size_t at, std::string_view close, bool plus_allowed) const {
    const std::string_view rest = source_.substr(at);
    if (rest.starts_with('-') && rest.substr(1).starts_with(close)) {
      const std::string_view behind = rest.substr(1 + close.size());
      return rest.size() - strip_left(behind).size();
    }
    if (plus_allowed && rest.starts_with('+') && rest.substr(1).starts_with(close)) return 1 + close.size();
    if (!rest.starts_with(close)) return 0;
    return close.size() + (plus_allowed && rest.substr(close.size()).starts_with('\n') ? 1 : 0);
  }

  void comment(size_t inside, const Position& begin) {
    for (size_t i = inside; i < source_.size(); ++i) {
      if (const size_t length = closing(i, "#}", true); length > 0) return advance_past(i + length);
    }
    refuse(where_, begin, "the comment is not closed", "write #} behind it");
  }

  // {% raw %} ... {% endraw %}; false when the tag is another one.
  bool raw(size_t inside, const Position& begin) {
    size_t at = skip_space(inside);
    if (!source_.substr(at).starts_with("raw")) return false;
    at = skip_space(at + 3);
    const size_t length = closing(at, "%}", false);
    if (length == 0) return false;
    const size_t text = at + length;
    for (size_t tag = source_.find("{%", text); tag != kNowhere; tag = source_.find("{%", tag + 1)) {
      const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      at = skip_space(tag + (mark == '-' || mark == '+' ? 3 : 2));
      if (!source_.substr(at).starts_with("endraw")) continue;
      at = skip_space(at + 6);
      const size_t end = closing(at, "%}", true);
      if (end == 0) continue;
      line_starting_ = source_[text - 1] == '\n';
      advance_to(text);
      push_text(trimmed(source_.substr(text, tag - text), '%', mark));
      advance_past(at + end);
      return true;
    }
    refuse(where_, begin, "{% raw %} is not closed", "write {% endraw %} behind it");
  }

  size_t skip_space(size_t at) const { return source_.size() - strip_left(source_.substr(at)).size(); }

  void expression(bool block, const Position& begin) {
    const std::string_view close = block ? "%}" : "}}";
    open_.clear();
    while (at_ < source_.size()) {
      if (open_.empty()) {
        if (const size_t length = closing(at_, close, block); length > 0) {
          push(block ? Token::Kind::block_end : Token::Kind::variable_end, {});
          return advance_past(at_ + length);
        }
      }
      token();
    }
    refuse(where_, begin, std::string(block ? "{%" : "{{") + " is not closed",
           "write " + std::string(close) + " behind it");
  }

  void token() {
    const std::string_view rest = source_.substr(at_);
    const char c = rest.front();
    if (is_space(first_code_point(rest))) return advance_to(skip_space(at_));
    if (is_digit(c)) return number();
    if (is_name_start(rest)) {
      size_t length = 0;
      while (length < rest.size() && (is_digit(rest[length]) || is_name_start(rest.substr(length))))
        length += character_length(rest.substr(length));
      return take(Token::Kind::name, std::string(rest.substr(0, length)), length);
    }
    if (c == '\'' || c == '"') return string(c);
    symbol();
  }

  void symbol() {
    const std::string_view rest = source_.substr(at_);
    const char c = rest.front();
    for (const std::string_view two : {"//", "**", "==", "!=", ">=", "<="})
      if (rest.starts_with(two)) return take(Token::Kind::symbol, std::string(two), 2);
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == kNowhere)
      refuse(where_, position_, "unexpected character '" + std::string(rest.substr(0, character_length(rest))) + "'");
    if (c == '(' || c == '[' || c == '{') open_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open_.empty()) refuse(where_, position_, std::string("unexpected '") + c + "'");
      if (open_.back() != c)
        refuse(where_, position_, std::string("unexpected '") + c + "', expected '" + open_.back() + "'");
      open_.pop_back();
    }
    take(Token::Kind::symbol, std::string(1, c), 1);
  }

  // Digits with single underscores between them, from `at` on: where they end.
  static size_t digits(std::string_view text, size_t at, std::string_view allowed) {
    const auto fits = [&](size_t i) { return i < text.size() && allowed.find(text[i]) != kNowhere; };
    while (fits(at) || (at < text.size() && text[at] == '_' && fits(at + 1))) ++at;
    return at;
  }

  void number() {
    constexpr std::string_view kDecimal = "0123456789";
    const std::string_view rest = source_.substr(at_);
    for (const auto& [prefix, allowed] : {std::pair{"bB", "01"}, {"oO", "01234567"}, {"xX", "0123456789abcdefABCDEF"}})
      if (rest.front() == '0' && rest.size() > 1 && std::string_view(prefix).find(rest[1]) != kNowhere)
        if (const size_t end = digits(rest, 2, allowed); end > 2) return take_number(Token::Kind::integer, end);
    size_t end = digits(rest, 0, kDecimal);
    const size_t whole = end;
    // No fraction behind a dot: `x.0.1` reads items.
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_dot && end + 1 < rest.size() && rest[end] == '.' && is_digit(rest[end + 1]))
      end = digits(rest, end + 1, kDecimal);
    if (!after_dot && end < rest.size() && (rest[end] == 'e' || rest[end] == 'E')) {
      const size_t sign = end + 1 < rest.size() && (rest[end + 1] == '+' || rest[end + 1] == '-') ? 1 : 0;
      if (end + 1 + sign < rest.size() && is_digit(rest[end + 1 + sign])) end = digits(rest, end + 1 + sign, kDecimal);
    }
    if (end > whole) return take_number(Token::Kind::real, end);
    // As in Python, a decimal integer does not begin with 0: `012` is two tokens, which nothing can parse.
    take_number(Token::Kind::integer, rest.front() == '0' ? digits(rest, 0, "0") : whole);
  }

  void take_number(Token::Kind kind, size_t length) {
    std::string text(source_.substr(at_, length));
    std::erase(text, '_');
    take(kind, std::move(text), length);
  }

  void string(char quote) {
    const Position begin = position_;
    size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) at += source_[at] == '\\' ? 2 : 1;
    if (at >= source_.size()) refuse(where_, begin, "the string is not closed", std::string("write ") + quote);
    take(Token::Kind::string, unescaped(source_.substr(at_ + 1, at - at_ - 1), begin), at + 1 - at_);
  }

  // Python's escapes. What is no escape stays as it is, its backslash included.
  std::string unescaped(std::string_view text, const Position& begin) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      const size_t known = std::string_view("abfnrtv\\'\"").find(c);
      if (known != kNowhere) {
        out += "\a\b\f\n\r\t\v\\'\""[known];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_escape(out, text.substr(i + 1, length), length, 16, begin);
        i += length;
      } else if (c >= '0' && c <= '7') {
        size_t length = 1;
        while (length < 3 && i + length < text.size() && text[i + length] >= '0' && text[i + length] <= '7') ++length;
        append_escape(out, text.substr(i, length), length, 8, begin);
        i += length - 1;
      } else if (c == 'N') {
        refuse(where_, begin, "the escape \\N in a string is not supported", "write the character itself");
      } else if (c != '\n') {
        (out += '\\') += c;
      }
    }
    return out;
  }

  void append_escape(std::string& out, std::string_view digits, size_t length, int base, const Position& begin) const {
    char32_t point = 0;
    bool good = digits.size() == length;
    for (char c : digits) {
      const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(is_digit(c) ? c : c | 0x20));
      good = good && digit < static_cast<size_t>(base);
      point = point * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    }
    if (!good || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
      refuse(where_, begin, "'" + std::string(digits) + "' in a string's escape is no character");
    append_utf8(out, point);
  }

  void take(Token::Kind kind, std::string text, size_t length) {
    push(kind, std::move(text));
    advance_to(at_ + length);
  }
  void push(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), position_}); }
  void push_text(std::string_view text) {
    if (!text.empty()) push(Token::Kind::text, std::string(text));
  }

  void advance_to(size_t end) {
    for (; at_ < end; ++at_) {
      if (source_[at_] == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<unsigned char>(source_[at_]) & 0xC0) != 0x80) {
        ++position_.column;
      }
    }
  }
  // Past the end of a tag: whether a line starts there decides what lstrip_blocks does to the next one.
  void advance_past(size_t end) {
    advance_to(end);
    line_starting_ = source_[end - 1] == '\n';
  }

  std::string text_;
  std::string_view source_;
  const Place& where_;
  size_t at_ = 0;
  Position position_{1, 1};
  bool line_starting_ = true;
  std::string open_;  // the brackets that must be closed, innermost last
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const Place& where) {
  return Lexer(source, where).run();
}

void refuse(const Place& where, const Position& at, std::string message, std::string hint) {
  throw Error(Exit::unreadable, std::move(message), std::move(hint), {where.file, at.line, at.column});
}

}  // namespace sil::jinja
