// Operators, constants, lists and targets; what stands behind a value is in parser_postfix.cpp.
#include <charconv>
#include <cmath>

#include "jinja/parser_inl.h"
#include "jinja/text_value.h"

namespace sil::jinja {
namespace {

std::string shown(const Token& token) {
  switch (token.kind) {
    case Token::Kind::text:
    case Token::Kind::end:
      return "the end of the template";
    case Token::Kind::variable_begin:
      return "{{";
    case Token::Kind::variable_end:
      return "}}";
    case Token::Kind::block_begin:
      return "{%";
    case Token::Kind::block_end:
      return "%}";
    default:
      return "'" + token.text.substr(0, 40) + "'";
  }
}

}  // namespace

void ExpressionParser::unexpected(const std::string& wanted) const {
  refuse(where_, current().at, "unexpected " + shown(current()), wanted.empty() ? "" : "expected " + wanted);
}

void ExpressionParser::too_deep(const Position& at) const {
  refuse(where_, at, "nested deeper than the allowed " + std::to_string(kSyntaxDepth) + " levels",
         "give parts of it names with {% set %}");
}

void ExpressionParser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) unexpected("'" + std::string(symbol) + "'");
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!skip_name(name)) unexpected("'" + std::string(name) + "'");
}

Token ExpressionParser::expect(Token::Kind kind, const std::string& what) {
  if (current().kind != kind) unexpected(what);
  return next();
}

void ExpressionParser::add(Expression& parent, ExpressionPtr operand) const {
  if (operand != nullptr) {
    parent.depth = std::max(parent.depth, operand->depth + 1);
    if (parent.depth > kSyntaxDepth) too_deep(parent.at);
  }
  parent.operands.push_back(std::move(operand));
}

ExpressionPtr ExpressionParser::binary(Operator op, ExpressionPtr left, ExpressionPtr right, const Position& at) const {
  ExpressionPtr out = make(Kind::binary, at);
  add(*out, std::move(left));
  add(*out, std::move(right));
  out->operators = {op};
  return out;
}

ExpressionPtr ExpressionParser::conditional() {
  const Nested nested(*this);
  ExpressionPtr value = logical_or();
  while (current().is_name("if")) {
    ExpressionPtr out = make(Kind::conditional, next().at);
    add(*out, logical_or());
    add(*out, std::move(value));
    add(*out, skip_name("else") ? conditional() : nullptr);
    value = std::move(out);
  }
  return value;
}

ExpressionPtr ExpressionParser::logical_or() {
  ExpressionPtr left = logical_and();
  while (current().is_name("or")) {
    ExpressionPtr out = make(Kind::logical_or, next().at);
    add(*out, std::move(left));
    add(*out, logical_and());
    left = std::move(out);
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_and() {
  ExpressionPtr left = logical_not();
  while (current().is_name("and")) {
    ExpressionPtr out = make(Kind::logical_and, next().at);
    add(*out, std::move(left));
    add(*out, logical_not());
    left = std::move(out);
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_not() {
  if (!current().is_name("not")) return compare();
  const Nested nested(*this);
  ExpressionPtr out = make(Kind::logical_not, next().at);
  add(*out, logical_not());
  return out;
}

bool ExpressionParser::compare_operator(Operator& op) {
  constexpr std::pair<std::string_view, Operator> kSymbols[] = {{"==", Operator::eq}, {"!=", Operator::ne},
                                                                {"<", Operator::lt},  {"<=", Operator::le},
                                                                {">", Operator::gt},  {">=", Operator::ge}};
  for (const auto& [symbol, meant] : kSymbols)
    if (skip_symbol(symbol)) return op = meant, true;
  if (skip_name("in")) return op = Operator::in, true;
  if (!current().is_name("not") || !ahead().is_name("in")) return false;
  next();
  next();
  return op = Operator::not_in, true;
}

ExpressionPtr ExpressionParser::compare() {
  ExpressionPtr first = sum();
  const Position at = current().at;
  Operator op{};
  if (!compare_operator(op)) return first;
  ExpressionPtr out = make(Kind::compare, at);
  add(*out, std::move(first));
  do {
    out->operators.push_back(op);
    add(*out, sum());
  } while (compare_operator(op));
  return out;
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concat();
  while (current().is_symbol("+") || current().is_symbol("-")) {
    const Token token = next();
    left = binary(token.text == "+" ? Operator::add : Operator::sub, std::move(left), concat(), token.at);
  }
  return left;
}

ExpressionPtr ExpressionParser::concat() {
  ExpressionPtr first = product();
  if (!current().is_symbol("~")) return first;
  ExpressionPtr out = make(Kind::concat, current().at);
  add(*out, std::move(first));
  while (skip_symbol("~")) add(*out, product());
  return out;
}

ExpressionPtr ExpressionParser::product() {
  constexpr std::pair<std::string_view, Operator> kSymbols[] = {
      {"*", Operator::mul}, {"/", Operator::div}, {"//", Operator::floordiv}, {"%", Operator::mod}};
  ExpressionPtr left = power();
  for (;;) {
    const auto found = std::find_if(std::begin(kSymbols), std::end(kSymbols),
                                    [&](const auto& entry) { return current().is_symbol(entry.first); });
    if (found == std::end(kSymbols)) return left;
    const Position at = next().at;
    left = binary(found->second, std::move(left), power(), at);
  }
}

// Left to right and binding less than a sign, unlike Python's: so does Jinja.
ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = unary(true);
  while (current().is_symbol("**")) {
    const Position at = next().at;
    left = binary(Operator::pow, std::move(left), unary(true), at);
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Nested nested(*this);
  ExpressionPtr out;
  if (current().is_symbol("-") || current().is_symbol("+")) {
    const Token token = next();
    out = make(token.text == "-" ? Kind::minus : Kind::plus, token.at);
    add(*out, unary(false));
  } else {
    out = primary(false);
  }
  out = postfix(std::move(out));
  return with_filters ? filters_and_tests(std::move(out)) : std::move(out);
}

ExpressionPtr ExpressionParser::primary(bool namespaces) {
  const Token token = current();
  if (token.kind == Token::Kind::integer || token.kind == Token::Kind::real) return number();
  if (token.is_symbol("(")) {
    next();
    ExpressionPtr out = tuple(Items::expressions, true);
    expect_symbol(")");
    return out;
  }
  if (token.is_symbol("[")) return list();
  if (token.is_symbol("{")) return dict();
  ExpressionPtr out = make(Kind::constant, token.at);
  if (token.kind == Token::Kind::string) {
    std::string text;
    while (current().kind == Token::Kind::string) text += next().text;  // adjacent strings are one
    out->value = text_value(std::move(text));
    return out;
  }
  if (token.kind != Token::Kind::name) unexpected("an expression");
  next();
  if (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False") {
    out->value = Value(token.text == "true" || token.text == "True");
  } else if (token.text == "none" || token.text == "None") {
    out->value = Value(None{});
  } else {
    out->kind = Kind::name;
    out->name = token.text;
    if (!namespaces || !skip_symbol(".")) return out;
    ExpressionPtr attribute = make(Kind::attribute, token.at);
    attribute->name = expect(Token::Kind::name, "a name").text;
    add(*attribute, std::move(out));
    return attribute;
  }
  return out;
}

ExpressionPtr ExpressionParser::number() {
  const Token token = next();
  ExpressionPtr out = make(Kind::constant, token.at);
  std::string_view digits = token.text;
  if (token.kind == Token::Kind::real) {
    double value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // Python reads what is too large as infinity and what is too small as 0.
    if (result.ec == std::errc::result_out_of_range) value = digits.find("e-") == std::string_view::npos ? HUGE_VAL : 0;
    out->value = Value(value);
    return out;
  }
  int base = 10;
  if (digits.size() > 1 && (digits[1] < '0' || digits[1] > '9')) {
    base = (digits[1] | 0x20) == 'x' ? 16 : (digits[1] | 0x20) == 'o' ? 8 : 2;
    digits.remove_prefix(2);
  }
  int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec != std::errc())
    refuse(where_, token.at, "the integer " + token.text.substr(0, 40) + " does not fit in 64 bits");
  out->value = Value(value);
  return out;
}

ExpressionPtr ExpressionParser::list() {
  ExpressionPtr out = make(Kind::list, next().at);
  while (!current().is_symbol("]")) {
    if (!out->operands.empty()) expect_symbol(",");
    if (current().is_symbol("]")) break;
    add(*out, expression());
  }
  next();
  return out;
}

ExpressionPtr ExpressionParser::dict() {
  ExpressionPtr out = make(Kind::dict, next().at);
  while (!current().is_symbol("}")) {
    if (!out->operands.empty()) expect_symbol(",");
    if (current().is_symbol("}")) break;
    add(*out, expression());
    expect_symbol(":");
    add(*out, expression());
  }
  next();
  return out;
}

ExpressionPtr ExpressionParser::tuple(Items items, bool in_parentheses, bool namespaces) {
  const Nested nested(*this);
  ExpressionPtr out = make(Kind::tuple, current().at);
  bool several = false;
  for (;;) {
    if (!out->operands.empty()) expect_symbol(",");
    const Token& token = current();
    if (token.kind == Token::Kind::variable_end || token.kind == Token::Kind::block_end || token.is_symbol(")")) break;
    add(*out, items == Items::targets       ? primary(namespaces)
              : items == Items::expressions ? expression()
                                            : logical_or());
    if (!current().is_symbol(",")) break;
    several = true;
  }
  if (several) return out;
  if (!out->operands.empty()) return std::move(out->operands.front());
  if (!in_parentheses) unexpected("an expression");
  return out;
}

ExpressionPtr ExpressionParser::target(bool namespaces) {
  ExpressionPtr out = tuple(Items::targets, false, namespaces);
  check_target(*out);
  return out;
}

ExpressionPtr ExpressionParser::name_target() {
  const Token token = expect(Token::Kind::name, "a name");
  ExpressionPtr out = make(Kind::name, token.at);
  out->name = token.text;
  check_target(*out);
  return out;
}

void ExpressionParser::check_target(const Expression& target) const {
  if (target.kind == Kind::tuple) {
    for (const ExpressionPtr& item : target.operands) check_target(*item);
    return;
  }
  const std::string& name = target.name;
  const bool reserved = name == "true" || name == "false" || name == "none";
  // Only `primary` makes an attribute here: one of a namespace.
  const bool assignable = target.kind == Kind::name || (target.kind == Kind::attribute && target.depth == 2);
  if (reserved || !assignable) refuse(where_, target.at, "cannot assign to this", "name a variable");
}

}  // namespace sil::jinja
