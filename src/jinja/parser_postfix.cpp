// What stands behind a value: attributes, items, calls, filters, tests.
#include "jinja/builtins.h"
#include "jinja/parser_inl.h"

namespace sil::jinja {
namespace {

bool is_operand_start(const Token& token) {
  using Kind = Token::Kind;
  if (token.kind == Kind::symbol) return token.text == "(" || token.text == "[" || token.text == "{";
  if (token.kind == Kind::name) return token.text != "else" && token.text != "or" && token.text != "and";
  return token.kind == Kind::string || token.kind == Kind::integer || token.kind == Kind::real;
}

}  // namespace

ExpressionPtr ExpressionParser::postfix(ExpressionPtr value) {
  for (;;) {
    if (current().is_symbol(".") || current().is_symbol("[")) {
      value = subscript(std::move(value));
    } else if (current().is_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr value) {
  const Token token = next();
  if (token.text == ".") {
    if (current().kind == Token::Kind::name) {
      ExpressionPtr out = make(Kind::attribute, current().at);
      out->name = next().text;
      add(*out, std::move(value));
      return out;
    }
    if (current().kind != Token::Kind::integer) unexpected("a name or a number");
    ExpressionPtr out = make(Kind::item, current().at);
    add(*out, std::move(value));
    add(*out, number());
    return out;
  }
  ExpressionPtr out = make(Kind::item, token.at);
  add(*out, std::move(value));
  ExpressionPtr keys = make(Kind::tuple, token.at);
  while (!current().is_symbol("]")) {
    if (!keys->operands.empty()) expect_symbol(",");
    add(*keys, subscribed());
  }
  next();
  if (keys->operands.size() == 1) {
    add(*out, std::move(keys->operands.front()));
    return out;
  }
  for (const ExpressionPtr& key : keys->operands)
    if (key->kind == Kind::slice) refuse(where_, key->at, "a slice beside other keys is not supported");
  add(*out, std::move(keys));
  return out;
}

ExpressionPtr ExpressionParser::subscribed() {
  const Position at = current().at;
  ExpressionPtr start;
  if (!current().is_symbol(":")) {
    start = expression();
    if (!current().is_symbol(":")) return start;
  }
  ExpressionPtr out = make(Kind::slice, at);
  add(*out, std::move(start));
  const auto part = [&]() -> ExpressionPtr {
    if (current().is_symbol(":") || current().is_symbol("]") || current().is_symbol(",")) return nullptr;
    return expression();
  };
  next();
  add(*out, part());
  add(*out, skip_symbol(":") ? part() : nullptr);
  return out;
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee) {
  ExpressionPtr out = make(Kind::call, current().at);
  add(*out, std::move(callee));
  out->arguments = arguments(*out);
  return out;
}

std::unique_ptr<CallArguments> ExpressionParser::arguments(Expression& parent) {
  auto out = std::make_unique<CallArguments>();
  const Position begin = current().at;
  expect_symbol("(");
  bool first = true;
  const auto argument = [&] {
    ExpressionPtr value = expression();
    parent.depth = std::max(parent.depth, value->depth + 1);
    if (parent.depth > kSyntaxDepth) too_deep(parent.at);
    return value;
  };
  const auto ensure = [&](bool allowed) {
    if (!allowed)
      refuse(where_, begin, "the arguments of the call are out of order",
             "first values, then name=value, then *list, then **dict");
  };
  while (!current().is_symbol(")")) {
    if (!first) expect_symbol(",");
    if (current().is_symbol(")")) break;
    first = false;
    if (skip_symbol("*")) {
      ensure(!out->more_positional && !out->more_named);
      out->more_positional = argument();
    } else if (skip_symbol("**")) {
      ensure(!out->more_named);
      out->more_named = argument();
    } else if (current().kind == Token::Kind::name && ahead().is_symbol("=")) {
      ensure(!out->more_named);
      const Token key = next();
      next();
      for (const auto& [name, value] : out->named)
        if (name == key.text) refuse(where_, key.at, "the argument " + name + " is given twice", "keep one of them");
      out->named.emplace_back(key.text, argument());
    } else {
      ensure(!out->more_positional && !out->more_named && out->named.empty());
      out->positional.push_back(argument());
    }
  }
  next();
  return out;
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr value) {
  for (;;) {
    if (current().is_symbol("|")) {
      value = filters(std::move(value), false);
    } else if (current().is_name("is")) {
      value = test(std::move(value));
    } else if (current().is_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

std::string ExpressionParser::dotted_name() {
  std::string out = expect(Token::Kind::name, "a name").text;
  while (skip_symbol(".")) out += "." + expect(Token::Kind::name, "a name").text;
  return out;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr value, bool inline_start) {
  while (inline_start || current().is_symbol("|")) {
    if (!inline_start) next();
    inline_start = false;
    ExpressionPtr out = make(Kind::filter, current().at);
    out->name = dotted_name();
    out->filter = find_filter(out->name);
    if (value != nullptr) add(*out, std::move(value));
    if (current().is_symbol("(")) out->arguments = arguments(*out);
    value = std::move(out);
  }
  return value;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr value) {
  next();
  const bool negated = skip_name("not");
  ExpressionPtr out = make(Kind::test, current().at);
  out->name = dotted_name();
  out->test = find_test(out->name);
  add(*out, std::move(value));
  if (current().is_symbol("(")) {
    out->arguments = arguments(*out);
  } else if (is_operand_start(current())) {
    if (current().is_name("is")) unexpected("one test at a time");
    const Nested nested(*this);
    ExpressionPtr argument = postfix(primary(false));
    out->depth = std::max(out->depth, argument->depth + 1);
    if (out->depth > kSyntaxDepth) too_deep(out->at);
    out->arguments = std::make_unique<CallArguments>();
    out->arguments->positional.push_back(std::move(argument));
  }
  if (!negated) return out;
  ExpressionPtr opposite = make(Kind::logical_not, out->at);
  add(*opposite, std::move(out));
  return opposite;
}

}  // namespace sil::jinja
