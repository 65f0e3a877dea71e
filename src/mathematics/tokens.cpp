#include "mathematics/tokens.h"

#include <algorithm>

#include "mathematics/vocabulary.h"

namespace sil::mathematics {
namespace {

using Kind = Token::Kind;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) step();
    add(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  size_t count(bool (*is)(char), size_t from) const {
    const std::string_view tail = text_.substr(std::min(from, text_.size()));
    return static_cast<size_t>(std::find_if_not(tail.begin(), tail.end(), is) - tail.begin());
  }

  void add(Kind kind, std::string_view text) {
    if (tokens_.size() >= kMaxTokens) throw Unreadable("it is too long");
    tokens_.push_back({kind, std::string(text), spaced_});
    spaced_ = false;
  }

  void add(const Meaning& meaning) {
    if (meaning.kind == Kind::end) {
      spaced_ = true;
      return;
    }
    if (meaning.kind == Kind::mark) track_brackets(meaning.text);
    add(meaning.kind, meaning.text);
  }

  void track_brackets(std::string_view mark) {
    if (mark == "(" || mark == "[" || mark == "\\{") ++brackets_;
    if (mark == ")" || mark == "]" || mark == "\\}") --brackets_;
  }

  void step() {
    const char c = text_[at_];
    if (is_blank(c)) {
      spaced_ = true;
      ++at_;
    } else if (is_digit(c) || (c == '.' && is_digit(at_ + 1 < text_.size() ? text_[at_ + 1] : ' '))) {
      number();
    } else if (is_letter(c)) {
      letters();
    } else if (c == '\\') {
      command();
    } else {
      sign();
    }
  }

  void sign() {
    for (const auto& [written, exponent] : {std::pair{"\xC2\xB2", "2"}, std::pair{"\xC2\xB3", "3"}}) {  // x² x³
      if (!rest().starts_with(written)) continue;
      at_ += 2;
      add(Kind::mark, "^");
      return add(Kind::number, exponent);
    }
    size_t length = 0;
    const Meaning* meaning = meaning_of_sign(rest(), length);
    if (meaning == nullptr && text_[at_] == '.' && tokens_.size() > 0) {
      spaced_ = true;  // the full stop of a sentence, or the invisible bracket of \left.
      ++at_;
      return;
    }
    if (meaning == nullptr) throw Unreadable("it holds a character that is no mathematics");
    at_ += length;
    add(*meaning);
  }

  // How long a separator of thousands stands at `from`; 0: none, or no three digits follow it.
  size_t separator(size_t from) const {
    for (std::string_view written :
         {"{,}", ",\\!", "\\,", "\\!", ",", " ", "\xC2\xA0", "\xE2\x80\x89", "\xE2\x80\xAF"}) {
      if (written == "," && brackets_ > 0) continue;  // (1,200) is a pair
      if (text_.substr(from).starts_with(written) && count(is_digit, from + written.size()) == 3) return written.size();
    }
    return 0;
  }

  void take(std::string& out, size_t length) {
    out.append(text_, at_, length);
    at_ += length;
  }

  void number() {
    std::string out;
    const size_t leading = count(is_digit, at_);
    take(out, leading);
    if (leading >= 1 && leading <= 3)
      for (size_t length; (length = separator(at_)) > 0;) {
        at_ += length;
        take(out, 3);
      }
    if (at_ < text_.size() && text_[at_] == '.') decimals(out);
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      const bool sign = at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+');
      const size_t digits = count(is_digit, at_ + (sign ? 2 : 1));
      if (digits > 0) take(out, digits + (sign ? 2 : 1));
    }
    add(Kind::number, out);
  }

  // A point with what follows it: .25, .1\overline{6}, or nothing as in "7.".
  void decimals(std::string& out) {
    constexpr std::string_view kRepeats = "\\overline{";
    const size_t digits = count(is_digit, at_ + 1);
    const size_t after = at_ + 1 + digits;
    const bool repeats = text_.substr(after).starts_with(kRepeats);
    const size_t repeated = repeats ? count(is_digit, after + kRepeats.size()) : 0;
    const size_t close = after + kRepeats.size() + repeated;
    if (repeated > 0 && close < text_.size() && text_[close] == '}') {
      take(out, digits + 1);
      out.append("(").append(text_, after + kRepeats.size(), repeated).append(")");
      at_ = close + 1;
    } else if (digits > 0) {
      take(out, digits + 1);
    } else {
      ++at_;
    }
  }

  // One word, one symbol or, of at most three letters, their product.
  void letters() {
    const size_t length = count(is_letter, at_);
    const std::string_view run = text_.substr(at_, length);
    at_ += length;
    if (const Meaning* meaning = meaning_of_letters(run)) return add(*meaning);
    if (length > 3) return add(Kind::word, run);
    for (size_t i = 0; i < length; ++i) add(Kind::symbol, run.substr(i, 1));
  }

  void command() {
    const size_t letters = count(is_letter, at_ + 1);
    const std::string_view name = text_.substr(at_ + 1, std::max<size_t>(letters, 1));
    at_ += 1 + name.size();
    if (name.empty()) throw Unreadable("it ends in a backslash");
    if (is_type_face(name)) return type_face(name);
    if (name == "left" || name == "right") bar(name == "left");
    const Meaning* meaning = meaning_of_command(name);
    if (meaning == nullptr) throw Unreadable("\\" + std::string(name) + " is not known");
    add(*meaning);
  }

  // The bar of \left| and \right| tells which side it is on.
  void bar(bool left) {
    if (at_ >= text_.size() || text_[at_] != '|') return;
    ++at_;
    add(Kind::mark, left ? "|(" : "|)");
  }

  // The argument of \text{...}: words as a whole, other content as if it stood there by itself.
  void type_face(std::string_view name) {
    const size_t close = text_.find('}', at_);
    if (at_ >= text_.size() || text_[at_] != '{' || close == std::string_view::npos) return;
    const std::string_view content = text_.substr(at_ + 1, close - at_ - 1);
    const bool words = std::none_of(content.begin(), content.end(), is_digit);
    const size_t first = content.find_first_not_of(" ~");
    if (first == std::string_view::npos || content.find_first_of("\\{") != std::string_view::npos)
      return;  // braces group
    if (!words) {
      at_ = close + 1;
      for (Token& token : Tokenizer(content).run())
        if (token.kind != Kind::end) add(token.kind, token.text);
      return;
    }
    std::string_view inner = content.substr(first, content.find_last_not_of(" ~") - first + 1);
    at_ = close + 1;
    spaced_ = true;
    if (inner.starts_with('(') && inner.ends_with(')') && inner.size() > 2) inner = inner.substr(1, inner.size() - 2);
    const Meaning* meaning = meaning_of_letters(inner);
    if (name == "mathbb" || inner.size() == 1) return add(is_unit_letter(inner) ? Kind::word : Kind::symbol, inner);
    if (meaning != nullptr && meaning->kind != Kind::word) return add(*meaning);
    add(Kind::word, inner);
  }

  std::string_view text_;
  size_t at_ = 0;
  int brackets_ = 0;  // how many (, [ and \{ are open
  bool spaced_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  return Tokenizer(text).run();
}

}  // namespace sil::mathematics
