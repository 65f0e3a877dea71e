// Whether an answer says the same as a reference.
//
// Equality is exact: a decimal is not equal to the irrational number or the fraction that it approximates. A percentage
// is the number divided by 100. A unit or a currency sign does not matter where the reference has none, a degree sign
// nowhere. A number before a fraction is a mixed number; i is the imaginary unit, e is Euler's number. A set has no
// order, a tuple has one; the brackets of an interval matter. `x = value` equals the value; two equations or
// inequalities are equal when one is the other times a constant. What cannot be read equals nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mathematics/expression.h"
#include "mathematics/tokens.h"

namespace sil::mathematics {

// An answer that was read, or why it could not be.
class Answer {
 public:
  explicit Answer(std::string_view text);  // any bytes

  bool readable() const { return statement_.has_value(); }
  const std::string& fault() const { return fault_; }           // why it is not readable
  const Statement& statement() const { return *statement_; }    // of a readable one
  const std::vector<Token>& tokens() const { return tokens_; }  // empty where there is not even that
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string fault_;
  std::vector<Token> tokens_;
  std::optional<Statement> statement_;
};

struct Equality {
  bool equal = false;
  std::string why;  // says more than that they differ, or empty
};

// Takes about 30 ms at most, whatever the texts. Pure, and the same on every machine.
Equality compare(const Answer& reference, const Answer& answer);

}  // namespace sil::mathematics
