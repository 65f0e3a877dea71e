// Reads formulas: the grammar below collections and relations.
#pragma once

#include "mathematics/expression.h"
#include "mathematics/token_stream.h"

namespace sil::mathematics {

// Reads a formula with the precedence of school: + and -, products written or not, signs, powers, postfix marks.
// A reader remembers whether it met a ±, which it reads as `sign` says.
class FormulaReader {
 public:
  FormulaReader(TokenStream& tokens, bool plus) : tokens_(tokens), plus_(plus) {}

  // The longest formula that begins here. Throws Unreadable where none does.
  Expression sum();
  bool met_either_sign() const { return met_either_sign_; }

 private:
  Expression product();
  Expression signed_power();
  Expression power();
  Expression power_of(Expression base);
  Expression postfix(Expression operand);
  Expression primary();
  Expression number();
  Expression fraction_after(Expression whole);
  Expression symbol();
  Expression function();
  Expression root();
  Expression logarithm();
  Expression applied(std::string name);
  Expression application_argument();
  Expression group();  // {...} or one token, as arguments of commands are written
  Expression bracketed(std::string_view close);
  bool factor_follows() const;
  bool unit_follows() const;
  bool mixed_fraction_follows() const;

  TokenStream& tokens_;
  bool plus_;
  bool met_either_sign_ = false;
  int depth_ = 0;
  int bars_ = 0;    // | that are open: the next one closes
  int angles_ = 0;  // arguments of trigonometric functions that are open: there degrees matter
};

}  // namespace sil::mathematics
