// Mathematics as models write it, LaTeX or plain, to tokens.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sil::mathematics {

// A text that is no mathematics. Caught where an answer is read.
class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Token {
  enum class Kind {
    number,    // digits, a point, more digits, digits that repeat, an exponent: "1234.5e-3", "0.1(6)"; thousands
               // separators are taken out
    symbol,    // a variable or a constant: "x", "alpha", "pi", "infinity"
    function,  // "sin", "log", "sqrt", "frac" ...
    word,      // a unit or other text: "apples", "cm", "Yes"
    mark,      // an operator, a separator or a bracket, one spelling each: "*", "<=", "union", "\{", "|(" ...
    end
  };
  Kind kind = Kind::end;
  std::string text;
  bool spaced = false;  // white space stands before it

  bool is(std::string_view mark) const { return kind == Kind::mark && text == mark; }
  friend bool operator==(const Token& a, const Token& b) { return a.kind == b.kind && a.text == b.text; }
};

inline constexpr size_t kMaxTokens = 4096;

// Ends with a token `end`. Dollar signs, other currency signs, \left, \right and spacing are left out; the content of
// \text{} is read as the rest is. Throws Unreadable for control characters, unknown characters and too many tokens.
std::vector<Token> tokenize(std::string_view text);

}  // namespace sil::mathematics
