#include "recipe/lua_tokens.h"

#include <algorithm>
#include <array>
#include <string>

namespace sil {
namespace {

using Kind = LuaToken::Kind;

// The C locale's classes whatever the process's locale is.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_keyword(std::string_view word) {
  static constexpr std::array<std::string_view, 22> kWords = {
      "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
      "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"};
  return std::ranges::find(kWords, word) != kWords.end();
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<LuaToken> read() {
    while (true) {
      skip_space();
      if (at_ == source_.size()) return std::move(tokens_);
      const size_t begin = at_;
      const Kind kind = read_one();
      tokens_.push_back({kind, source_.substr(begin, at_ - begin), begin});
    }
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void skip_space() {
    while (at_ < source_.size()) {
      if (is_space(source_[at_])) {
        ++at_;
      } else if (source_.substr(at_).starts_with("--")) {
        at_ += 2;
        if (!skip_long_bracket()) at_ = std::min(source_.find('\n', at_), source_.size());
      } else {
        return;
      }
    }
  }

  Kind read_one() {
    const char first = peek();
    if (is_letter(first)) {
      const size_t begin = at_;
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      return is_keyword(source_.substr(begin, at_ - begin)) ? Kind::keyword : Kind::name;
    }
    if (is_digit(first) || (first == '.' && is_digit(peek(1)))) {
      read_number();
      return Kind::number;
    }
    if (first == '"' || first == '\'') {
      read_quoted(first);
      return Kind::string;
    }
    if (first == '[' && skip_long_bracket()) return Kind::string;
    static constexpr std::array<std::string_view, 10> kLong = {
        "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"};
    const std::string_view rest = source_.substr(at_);
    const auto found = std::ranges::find_if(kLong, [&](std::string_view symbol) { return rest.starts_with(symbol); });
    at_ += found == kLong.end() ? 1 : found->size();
    return Kind::symbol;
  }

  // As Lua's own lexer: digits, letters and dots, and a sign after an exponent mark.
  void read_number() {
    const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    while (is_digit(peek()) || is_letter(peek()) || peek() == '.') {
      const char lower = static_cast<char>(peek() | 0x20);
      ++at_;
      if (lower == (hex ? 'p' : 'e') && (peek() == '+' || peek() == '-')) ++at_;
    }
  }

  void read_quoted(char quote) {
    ++at_;
    while (at_ < source_.size() && peek() != quote && peek() != '\n') at_ += peek() == '\\' ? 2 : 1;
    at_ = std::min(at_, source_.size());
    if (peek() == quote) ++at_;
  }

  // [[...]] or [=[...]=] at the cursor.
  bool skip_long_bracket() {
    size_t level = 0;
    if (peek() != '[') return false;
    while (peek(1 + level) == '=') ++level;
    if (peek(1 + level) != '[') return false;
    const std::string close = "]" + std::string(level, '=') + "]";
    const size_t end = source_.find(close, at_ + level + 2);
    at_ = end == std::string_view::npos ? source_.size() : end + close.size();
    return true;
  }

  std::string_view source_;
  size_t at_ = 0;
  std::vector<LuaToken> tokens_;
};

class NameWalk {
 public:
  explicit NameWalk(const std::vector<LuaToken>& tokens) : tokens_(tokens) { blocks_.emplace_back(); }

  std::vector<LuaChain> walk() {
    while (at_ < tokens_.size()) {
      const LuaToken& token = tokens_[at_++];
      if (token.kind == Kind::keyword) {
        read_keyword(token.text);
      } else if (token.kind == Kind::symbol) {
        read_symbol(token.text);
      } else if (token.kind == Kind::name) {
        read_name();
      }
    }
    return std::move(free_);
  }

 private:
  struct Block {
    bool header = false;  // of a `for` whose `do` has not come yet
    std::vector<std::string_view> locals;
  };

  bool next_is(std::string_view word) const { return at_ < tokens_.size() && tokens_[at_].is(word); }
  bool next_is_name() const { return at_ < tokens_.size() && tokens_[at_].kind == Kind::name; }
  void declare_next() { blocks_.back().locals.push_back(tokens_[at_++].text); }
  void open_block(bool header = false) { blocks_.push_back({header, {}}); }
  void close_block() {
    if (blocks_.size() > 1) blocks_.pop_back();
  }

  void read_keyword(std::string_view word) {
    if (word == "local") {
      read_local();
    } else if (word == "function") {
      read_function();
    } else if (word == "for") {
      open_block(true);
      declare_list();
    } else if (word == "do" && blocks_.back().header) {
      blocks_.back().header = false;
    } else if (word == "do" || word == "then") {
      open_block();
    } else if (word == "else") {
      close_block();
      open_block();
    } else if (word == "end" || word == "elseif") {
      close_block();
    } else if (word == "goto" && next_is_name()) {
      ++at_;
    }
  }

  void read_symbol(std::string_view symbol) {
    if (symbol == "{" || symbol == "(" || symbol == "[") brackets_.push_back(symbol[0]);
    if ((symbol == "}" || symbol == ")" || symbol == "]") && !brackets_.empty()) brackets_.pop_back();
    if (symbol == "::" && next_is_name()) at_ += 2;
  }

  void read_local() {
    if (next_is("function")) {
      ++at_;
      if (next_is_name()) declare_next();
      read_parameters();
    } else {
      declare_list();
    }
  }

  // a, b <const>, c
  void declare_list() {
    while (next_is_name()) {
      declare_next();
      if (next_is("<")) at_ += 3;
      if (!next_is(",")) break;
      ++at_;
    }
  }

  void read_function() {
    if (next_is_name()) {
      ++at_;
      read_name();
      while (at_ < tokens_.size() && !next_is("(")) ++at_;
    }
    read_parameters();
  }

  void read_parameters() {
    open_block();
    if (next_is("(")) ++at_;
    declare_list();
    if (next_is("...")) ++at_;
    if (next_is(")")) ++at_;
  }

  // The name before the cursor and the fields after it.
  void read_name() {
    const size_t begin = at_ - 1;
    const LuaToken* before = begin > 0 ? &tokens_[begin - 1] : nullptr;
    if (before != nullptr && (before->is(".") || before->is(":"))) return;
    const bool begins_item = before != nullptr && (before->is("{") || before->is(",") || before->is(";"));
    if (begins_item && !brackets_.empty() && brackets_.back() == '{' && next_is("=")) return;
    LuaChain chain = {tokens_[begin]};
    while (next_is(".") && at_ + 1 < tokens_.size() && tokens_[at_ + 1].kind == Kind::name) {
      chain.push_back(tokens_[at_ + 1]);
      at_ += 2;
    }
    if (!is_local(chain.front().text)) free_.push_back(std::move(chain));
  }

  bool is_local(std::string_view name) const {
    return std::ranges::any_of(
        blocks_, [&](const Block& block) { return std::ranges::find(block.locals, name) != block.locals.end(); });
  }

  const std::vector<LuaToken>& tokens_;
  size_t at_ = 0;
  std::vector<Block> blocks_;
  std::vector<char> brackets_;
  std::vector<LuaChain> free_;
};

}  // namespace

std::vector<LuaToken> lua_tokens(std::string_view source) {
  return Lexer(source).read();
}

std::vector<LuaChain> lua_free_names(const std::vector<LuaToken>& tokens) {
  return NameWalk(tokens).walk();
}

}  // namespace sil
