// The parser of expressions (parser_expressions.cpp, parser_postfix.cpp), which that of statements (parser.cpp)
// extends.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "jinja/ast.h"
#include "jinja/lexer.h"

namespace sil::jinja {

// How deep expressions and statements may nest; templates of models stay below 30.
inline constexpr int kSyntaxDepth = 200;

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const Place& where) : tokens_(std::move(tokens)), where_(where) {}

 protected:
  using Kind = Expression::Kind;

  // Counts nesting while it lives.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser) : depth_(parser.depth_) {
      if (++depth_ > kSyntaxDepth) parser.too_deep(parser.current().at);
    }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    int& depth_;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip_symbol(std::string_view symbol) { return current().is_symbol(symbol) && (++at_, true); }
  bool skip_name(std::string_view name) { return current().is_name(name) && (++at_, true); }
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);
  Token expect(Token::Kind kind, const std::string& what);
  [[noreturn]] void unexpected(const std::string& wanted) const;
  [[noreturn]] void too_deep(const Position& at) const;
  const Place& where() const { return where_; }

  static ExpressionPtr make(Kind kind, const Position& at) {
    auto out = std::make_unique<Expression>();
    out->kind = kind;
    out->at = at;
    return out;
  }
  // Every operand goes through here: the tree's depth is what evaluation and destruction recurse by.
  void add(Expression& parent, ExpressionPtr operand) const;

  enum class Items { expressions, conditions, targets };  // with `x if y`, without it, names to assign to

  ExpressionPtr expression() { return conditional(); }
  // One, or a tuple of several.
  ExpressionPtr tuple(Items items, bool in_parentheses = false, bool namespaces = false);
  ExpressionPtr target(bool namespaces = false);
  ExpressionPtr name_target();
  ExpressionPtr filters(ExpressionPtr value, bool inline_start);  // `value` may be nullptr: that of a block

 private:
  ExpressionPtr conditional();
  ExpressionPtr logical_or();
  ExpressionPtr logical_and();
  ExpressionPtr logical_not();
  ExpressionPtr compare();
  bool compare_operator(Operator& op);
  ExpressionPtr sum();
  ExpressionPtr concat();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary(bool namespaces);
  ExpressionPtr number();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr subscript(ExpressionPtr value);
  ExpressionPtr subscribed();
  ExpressionPtr call(ExpressionPtr callee);
  ExpressionPtr filters_and_tests(ExpressionPtr value);
  ExpressionPtr test(ExpressionPtr value);
  std::unique_ptr<CallArguments> arguments(Expression& parent);
  ExpressionPtr binary(Operator op, ExpressionPtr left, ExpressionPtr right, const Position& at) const;
  void check_target(const Expression& target) const;
  std::string dotted_name();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  const Place& where_;
};

}  // namespace sil::jinja
