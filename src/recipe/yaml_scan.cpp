#include "recipe/yaml_scan.h"

#include <algorithm>

#include "base/utf8.h"
#include "sil/error.h"

namespace sil {
namespace {

[[noreturn]] void refuse(std::string message, std::string hint, Place place) {
  throw Error(Exit::usage, std::move(message), std::move(hint), std::move(place));
}

std::string hex_byte(unsigned char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

void check_encoding(std::string_view text, const std::string& file) {
  const bool wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
                    text.starts_with(std::string_view("\0\0\xFE\xFF", 4));
  if (wide) refuse("the text is UTF-16 or UTF-32", "save the file as UTF-8", {file, 1, 1});
}

// Follows tokens closely enough to tell brackets that nest from brackets inside text.
class ShapeScan {
 public:
  ShapeScan(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  void run() {
    start_line();
    while (!done()) step();
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n'; }
  Place place() const {
    const std::string_view before = text_.substr(line_begin_, at_ - line_begin_);
    const auto characters = std::count_if(before.begin(), before.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return {file_, line_, static_cast<int>(characters) + 1};
  }
  static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

  void count() {
    if (++values_ > kYamlValues)
      refuse("more than " + std::to_string(kYamlValues) + " lines and values", "put data into a file of its own",
             place());
  }

  void next_line() {  // stands on '\n'
    ++at_;
    ++line_;
    line_begin_ = at_;
    count();
  }

  size_t indentation() {  // moves past it
    while (!done() && peek() == ' ') ++at_;
    return at_ - line_begin_;
  }

  void start_line() {
    indentation();
    token_may_start_ = true;
    if (peek() != '\t' || flow_ > 0) return;
    const size_t content = text_.find_first_not_of(" \t", at_);
    if (content == std::string_view::npos || text_[content] == '\n' || text_[content] == '#') return;
    refuse("a tab is used as indentation", "indent with spaces", place());
  }

  void step() {
    const char c = peek();
    if (c == '\n') {
      next_line();
      start_line();
    } else if (c == ' ' || c == '\t') {
      ++at_;
    } else if (c == '#' && (at_ == line_begin_ || blank(text_[at_ - 1]))) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '[' || c == '{') {
      open();
    } else if (flow_ > 0 && (c == ']' || c == '}' || c == ',')) {
      if (c != ',') --flow_;
      count();
      token_may_start_ = true;
      ++at_;
    } else {
      token(c);
    }
  }

  void open() {
    if (!token_may_start_ && flow_ == 0) {
      ++at_;
      return;
    }
    if (++flow_ > kYamlDepth)
      refuse("brackets are nested deeper than " + std::to_string(kYamlDepth), "no recipe needs that", place());
    count();
    ++at_;
  }

  void token(char c) {
    if (c == ':' || ((c == '-' || c == '?') && token_may_start_ && blank(peek(1)))) {
      token_may_start_ = true;
      ++at_;
      if (blank(peek()) || flow_ > 0) return;
    }
    if (!token_may_start_) {
      ++at_;
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if ((c == '|' || c == '>') && flow_ == 0) {
      block_scalar();
    } else if (c == '&' || c == '*' || c == '!') {
      count();
      while (!blank(peek())) ++at_;
    } else {
      plain();
    }
  }

  void quoted(char quote) {
    token_may_start_ = false;
    for (++at_; !done() && peek() != quote; ++at_) {
      if (quote == '"' && peek() == '\\') ++at_;
      if (!done() && peek() == '\n') {
        next_line();
        --at_;
      }
    }
    ++at_;
  }

  void plain() {
    token_may_start_ = false;
    for (; peek() != '\n'; ++at_) {
      const char c = peek();
      if (c == ':' && (blank(peek(1)) || (flow_ > 0 && is_flow_indicator(peek(1))))) return;
      if (c == '#' && blank(text_[at_ - 1])) return;
      if (flow_ > 0 && is_flow_indicator(c)) return;
    }
  }

  static bool is_flow_indicator(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

  // Lines indented deeper than the key (or dash) that the scalar belongs to.
  void block_scalar() {
    const size_t parent = parent_column();
    at_ = std::min(text_.find('\n', at_), text_.size());
    while (!done()) {
      next_line();
      const size_t indent = indentation();
      if (peek() == '\n' || done()) continue;
      if (indent <= parent) break;
      at_ = std::min(text_.find('\n', at_), text_.size());
    }
    start_line();
  }

  // The last dash or key that started on this line before the scalar itself.
  size_t parent_column() const {
    size_t column = 0;
    bool start = true;
    for (size_t i = line_begin_; i < at_; ++i) {
      const bool dash = start && text_[i] == '-' && blank(text_[i + 1]);
      if (start && text_[i] != ' ') column = i - line_begin_;
      if (text_[i] != ' ') start = dash;
    }
    return column;
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  int line_ = 1;
  int flow_ = 0;
  int values_ = 0;
  bool token_may_start_ = true;
};

}  // namespace

void check_yaml_bytes(std::string_view text, const std::string& file) {
  if (text.size() > kYamlBytes)
    refuse("the text has " + std::to_string(text.size()) + " bytes; at most 4 MiB are read",
           "put data into a file of its own", {file, 0, 0});
  check_encoding(text, file);
  Place place{file, 1, 1};
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    const Utf8Step step = utf8_step(text.substr(i));
    if (!step.valid) refuse("invalid UTF-8: byte " + hex_byte(byte), "save the file as UTF-8", place);
    if (byte == 0) refuse("NUL byte (0x00)", "a recipe is plain text in UTF-8", place);
    const bool line_end = byte == '\n' || (byte == '\r' && text.substr(i + 1).starts_with('\n'));
    if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7F)
      refuse("control character " + hex_byte(byte), "remove it, or write it as an escape within double quotes", place);
    i += step.length;
    if (byte == '\n') place = {file, place.line + 1, 1};
    if (byte != '\n') ++place.column;
  }
}

void check_yaml_shape(std::string_view text, const std::string& file) {
  ShapeScan(text, file).run();
}

}  // namespace sil
