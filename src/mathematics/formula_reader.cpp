#include "mathematics/formula_reader.h"

#include <algorithm>
#include <utility>

#include "mathematics/vocabulary.h"

namespace sil::mathematics {
namespace {

using Kind = Expression::Kind;
using TokenKind = Token::Kind;

Expression make(Kind kind, Expression part) {
  Expression out{kind, {}, {}};
  out.parts.push_back(std::move(part));
  return out;
}

Expression make(Kind kind, Expression first, Expression second) {
  Expression out = make(kind, std::move(first));
  out.parts.push_back(std::move(second));
  return out;
}

Expression literal(std::string text) {
  return {Kind::number, std::move(text), {}};
}

constexpr size_t kMaxUnit = 16;  // tokens

bool is_integer(const Token& token) {
  return token.kind == TokenKind::number && token.text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_trigonometric(std::string_view name) {
  for (std::string_view known : {"sin", "cos", "tan", "cot", "sec", "csc"})
    if (name == known) return true;
  return false;
}

}  // namespace

Expression FormulaReader::sum() {
  const Nesting nesting(depth_, kMaxDepth / 2);  // each level adds two to the tree: a sum and a product, for instance
  Expression out{Kind::add, {}, {}};
  bool negative = false;
  if (tokens_.take("-"))
    negative = true;
  else if (tokens_.take("+-")) {
    met_either_sign_ = true;
    negative = !plus_;
  } else {
    tokens_.take("+");
  }
  for (;;) {
    Expression term = product();
    out.parts.push_back(negative ? make(Kind::negate, std::move(term)) : std::move(term));
    if (tokens_.take("+-")) {
      met_either_sign_ = true;
      negative = !plus_;
    } else if (tokens_.take("-")) {
      negative = true;
    } else if (tokens_.take("+")) {
      negative = false;
    } else {
      break;
    }
  }
  return out.parts.size() == 1 ? std::move(out.parts.front()) : out;
}

Expression FormulaReader::product() {
  Expression out{Kind::multiply, {}, {}};
  out.parts.push_back(signed_power());
  for (;;) {
    if (tokens_.take("*")) {
      out.parts.push_back(signed_power());
    } else if (tokens_.take("/")) {
      out.parts.push_back(make(Kind::reciprocal, signed_power()));
    } else if (tokens_.take("mod")) {
      Expression dividend = out.parts.size() == 1 ? std::move(out.parts.front()) : std::move(out);
      out = {Kind::multiply, {}, {}};
      out.parts.push_back(make(Kind::modulo, std::move(dividend), signed_power()));
      return std::move(out.parts.front());
    } else if (factor_follows()) {
      out.parts.push_back(power());
    } else {
      break;
    }
  }
  return out.parts.size() == 1 ? std::move(out.parts.front()) : out;
}

Expression FormulaReader::signed_power() {
  bool negative = false;
  while (tokens_.peek().is("-") || tokens_.peek().is("+")) negative ^= tokens_.next().text == "-";
  Expression out = power();
  return negative ? make(Kind::negate, std::move(out)) : out;
}

Expression FormulaReader::power() {
  const Nesting nesting(depth_, kMaxDepth / 2);
  return power_of(postfix(primary()));
}

Expression FormulaReader::power_of(Expression base) {
  if (!tokens_.take("^")) return base;
  if (tokens_.peek().is("degree") || (tokens_.peek().is("{") && tokens_.peek(1).is("degree"))) {
    const bool braced = tokens_.take("{");
    base = postfix(std::move(base));
    if (braced) tokens_.expect("}");
    return power_of(std::move(base));
  }
  const Nesting nesting(depth_, kMaxDepth / 2);
  bool negative = false;
  while (tokens_.peek().is("-") || tokens_.peek().is("+")) negative ^= tokens_.next().text == "-";
  Expression exponent = power_of(group());
  if (negative) exponent = make(Kind::negate, std::move(exponent));
  return postfix(make(Kind::power, std::move(base), std::move(exponent)));
}

Expression FormulaReader::postfix(Expression operand) {
  for (int marks = 0;; ++marks) {
    if (marks > 4) throw Unreadable("it has too many marks in a row");
    if (tokens_.take("!")) {
      operand = make(Kind::factorial, std::move(operand));
    } else if (tokens_.take("%")) {
      operand = make(Kind::multiply, std::move(operand), literal("0.01"));
    } else if (tokens_.take("degree")) {
      // sin 30° is of an angle; an angle that is the answer is its number
      if (angles_ == 0) continue;
      Expression turn = make(Kind::multiply, {Kind::symbol, "pi", {}}, make(Kind::reciprocal, literal("180")));
      operand = make(Kind::multiply, std::move(operand), std::move(turn));
    } else {
      return operand;
    }
  }
}

// Whether what stands here is a factor of a product that has no sign.
bool FormulaReader::factor_follows() const {
  const Token& token = tokens_.peek();
  if (token.kind == TokenKind::symbol) return !unit_follows();
  if (token.kind == TokenKind::function) return true;
  if (token.is("|")) return bars_ == 0;
  return token.is("(") || token.is("{") || token.is("|(") || token.is("floor(") || token.is("ceil(");
}

// A letter apart after which nothing but a unit stands: 5 m, 3 m/s, 9.8 m/s^2.
bool FormulaReader::unit_follows() const {
  const Token& first = tokens_.peek();
  if (!first.spaced || !is_unit_letter(first.text) || tokens_.position() == 0) return false;
  for (size_t i = 1; i < kMaxUnit; ++i) {
    const Token& token = tokens_.peek(i);
    if (token.kind == TokenKind::end || token.is(",") || token.kind == TokenKind::word) return true;
    const bool letter = token.kind == TokenKind::symbol && is_unit_letter(token.text);
    const bool exponent = token.kind == TokenKind::number && tokens_.peek(i - 1).is("^");
    if (!letter && !exponent && !token.is("/") && !token.is("^")) return false;
  }
  return false;
}

Expression FormulaReader::primary() {
  const Token& token = tokens_.peek();
  if (token.kind == TokenKind::number) return number();
  if (token.kind == TokenKind::symbol) return symbol();
  if (token.kind == TokenKind::function) return function();
  if (tokens_.take("(")) return bracketed(")");
  if (tokens_.take("{")) return bracketed("}");
  if (tokens_.take("[")) return bracketed("]");
  if (tokens_.take("floor(")) return make(Kind::floor, bracketed("floor)"));
  if (tokens_.take("ceil(")) return make(Kind::ceiling, bracketed("ceil)"));
  if (tokens_.take("|(")) return make(Kind::absolute, bracketed("|)"));
  if (bars_ == 0 && tokens_.take("|")) {
    ++bars_;
    Expression inside = sum();
    --bars_;
    tokens_.expect("|");
    return make(Kind::absolute, std::move(inside));
  }
  throw Unreadable(token.kind == TokenKind::end ? "it ends where a number should follow"
                                                : "`" + token.text + "` stands where a number should");
}

Expression FormulaReader::bracketed(std::string_view close) {
  const int bars = std::exchange(bars_, 0);
  Expression out = sum();
  bars_ = bars;
  tokens_.expect(close);
  return out;
}

Expression FormulaReader::number() {
  const bool whole = is_integer(tokens_.peek());
  Expression out = literal(tokens_.next().text);
  return whole && mixed_fraction_follows() ? fraction_after(std::move(out)) : out;
}

// 3\frac{1}{2} and 3 1/2, of integers alone.
bool FormulaReader::mixed_fraction_follows() const {
  const Token& token = tokens_.peek();
  if (is_integer(token)) return token.spaced && tokens_.peek(1).is("/") && is_integer(tokens_.peek(2));
  if (token.kind != TokenKind::function || token.text != "frac") return false;
  if (is_integer(tokens_.peek(1))) return true;
  return tokens_.peek(1).is("{") && is_integer(tokens_.peek(2)) && tokens_.peek(3).is("}") && tokens_.peek(4).is("{") &&
         is_integer(tokens_.peek(5)) && tokens_.peek(6).is("}");
}

Expression FormulaReader::fraction_after(Expression whole) {
  if (tokens_.peek().kind == TokenKind::function) return make(Kind::add, std::move(whole), function());
  Expression numerator = literal(tokens_.next().text);
  tokens_.expect("/");
  Expression fraction =
      make(Kind::multiply, std::move(numerator), make(Kind::reciprocal, literal(tokens_.next().text)));
  return make(Kind::add, std::move(whole), std::move(fraction));
}

// A letter with its primes and its subscript: x', x_1, a_{n+1}.
Expression FormulaReader::symbol() {
  Expression out{Kind::symbol, tokens_.next().text, {}};
  while (tokens_.peek().kind == TokenKind::symbol && tokens_.peek().text == "'") out.text += tokens_.next().text;
  if (!tokens_.take("_")) return out;
  out.text += "_";
  if (!tokens_.take("{")) {
    out.text += tokens_.next().text;
    return out;
  }
  while (!tokens_.peek().is("}")) {
    if (tokens_.at_end()) throw Unreadable("a subscript is not closed");
    out.text += tokens_.next().text;
  }
  tokens_.next();
  return out;
}

Expression FormulaReader::group() {
  const Token& token = tokens_.peek();
  if (token.kind == TokenKind::number) return literal(tokens_.next().text);
  if (token.kind == TokenKind::symbol) return symbol();
  return primary();
}

Expression FormulaReader::function() {
  const Nesting nesting(depth_, kMaxDepth / 2);
  const std::string name = tokens_.next().text;
  if (name == "sqrt") return root();
  if (name == "log") return logarithm();
  if (name != "frac" && name != "binom") return applied(name);
  // \frac12 is 1/2: the digits of one token are two arguments
  const Token& token = tokens_.peek();
  Expression first, second;
  if (is_integer(token) && token.text.size() > 1) {
    first = literal(token.text.substr(0, 1));
    second = literal(tokens_.next().text.substr(1));
  } else {
    first = group();
    second = group();
  }
  if (name == "binom") return make(Kind::binomial, std::move(first), std::move(second));
  return make(Kind::multiply, std::move(first), make(Kind::reciprocal, std::move(second)));
}

Expression FormulaReader::root() {
  Expression index = literal("2");
  if (tokens_.take("[")) index = bracketed("]");
  Expression radicand = group();
  return make(Kind::root, std::move(radicand), std::move(index));
}

// log without a base is the natural one.
Expression FormulaReader::logarithm() {
  if (!tokens_.take("_")) return applied("ln");
  Expression base = group();
  return make(Kind::log, application_argument(), std::move(base));
}

// sin x, sin^2 x (a power of the value), sin^{-1} x (the inverse).
Expression FormulaReader::applied(std::string name) {
  std::vector<Expression> exponent;
  if (tokens_.take("^")) {
    exponent.push_back(group());
    const Expression& power = exponent.front();
    const bool inverse = power.kind == Kind::negate && power.parts.front().text == "1";
    if (inverse && (name == "sin" || name == "cos" || name == "tan")) {
      name = "arc" + name;
      exponent.clear();
    }
  }
  const int angle = is_trigonometric(name) ? 1 : 0;
  angles_ += angle;
  Expression argument = application_argument();
  angles_ -= angle;
  Expression out = make(Kind::function, std::move(argument));
  out.text = name;
  return exponent.empty() ? out : make(Kind::power, std::move(out), std::move(exponent.front()));
}

// A bracket, or the factors up to the next sign or function: sin 2x cos x is sin(2x) cos(x).
Expression FormulaReader::application_argument() {
  const Token& token = tokens_.peek();
  if (token.is("(") || token.is("{")) return postfix(primary());
  if (tokens_.take("-")) return make(Kind::negate, power());
  Expression out{Kind::multiply, {}, {}};
  do {
    out.parts.push_back(power());
  } while (factor_follows() && (tokens_.peek().kind != TokenKind::function || tokens_.peek().text == "sqrt" ||
                                tokens_.peek().text == "frac"));
  return out.parts.size() == 1 ? std::move(out.parts.front()) : out;
}

}  // namespace sil::mathematics
