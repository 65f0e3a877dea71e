#include "mathematics/reader.h"

#include <algorithm>

#include "mathematics/formula_reader.h"

namespace sil::mathematics {
namespace {

using Kind = Statement::Kind;
using TokenKind = Token::Kind;

bool is_relation(const Token& token) {
  if (token.kind != TokenKind::mark) return false;
  for (std::string_view mark : {"=", "!=", "<", "<=", ">", ">="})
    if (token.text == mark) return true;
  return false;
}

bool opens(const Token& token) {
  for (std::string_view mark : {"(", "[", "\\{", "{", "floor(", "ceil(", "|("})
    if (token.is(mark)) return true;
  return false;
}
bool closes(const Token& token) {
  for (std::string_view mark : {")", "]", "\\}", "}", "floor)", "ceil)", "|)"})
    if (token.is(mark)) return true;
  return false;
}

Statement of_kind(Kind kind) {
  Statement out;
  out.kind = kind;
  return out;
}

Statement of_value(Expression value) {
  Statement out = of_kind(Kind::value);
  out.value = std::move(value);
  return out;
}

class StatementReader {
 public:
  explicit StatementReader(const std::vector<Token>& tokens) : tokens_(tokens) {}

  Statement whole() {
    if (tokens_.at_end()) throw Unreadable("it is empty");
    Statement out = list();
    if (!tokens_.at_end()) throw Unreadable("`" + tokens_.peek().text + "` does not belong there");
    return out;
  }

 private:
  // Items between commas, without brackets; one alone is itself.
  Statement list() {
    const Nesting nesting(depth_, kMaxDepth / 4);
    Statement out = of_kind(Kind::list);
    do {
      if (tokens_.peek().is(",")) continue;  // "1, 2, and 3"
      append(out, item());
      if (tokens_.peek().is("or")) out.text = "or";
    } while (tokens_.take(",") || tokens_.take("or"));
    if (out.parts.empty()) throw Unreadable("nothing stands between its commas");
    return out.parts.size() == 1 ? Statement(out.parts.front()) : out;
  }

  // ± gives an item twice.
  void append(Statement& out, Statement item) {
    if (item.kind == Kind::list) {
      for (Statement& part : item.parts) out.parts.push_back(std::move(part));
    } else {
      out.parts.push_back(std::move(item));
    }
  }

  Statement item() {
    const size_t begin = tokens_.position();
    plus_ = true;
    met_either_sign_ = false;
    Statement out = united();
    if (!met_either_sign_) return out;
    const size_t end = tokens_.position();
    Statement both = of_kind(Kind::list);
    both.parts.push_back(std::move(out));
    tokens_.return_to(begin);
    plus_ = false;
    both.parts.push_back(united());
    plus_ = true;
    if (tokens_.position() != end) throw Unreadable("± is not clear");
    return both;
  }

  Statement united() {
    Statement first = related();
    if (tokens_.peek().is("union")) {
      Statement all = of_kind(Kind::together);
      all.parts.push_back(std::move(first));
      while (tokens_.take("union")) all.parts.push_back(related());
      first = std::move(all);
    }
    if (!tokens_.take("minus")) return first;
    Statement rest = of_kind(Kind::without);
    rest.parts.push_back(std::move(first));
    rest.parts.push_back(related());
    return rest;
  }

  Statement related() {
    Statement first = operand();
    if (tokens_.take("in")) return operand();  // x in S is S
    if (!is_relation(tokens_.peek())) return first;
    Statement out = of_kind(Kind::relation);
    out.parts.push_back(std::move(first));
    while (is_relation(tokens_.peek())) {
      out.operators.push_back(tokens_.next().text);
      out.parts.push_back(operand());
    }
    return out;
  }

  Statement operand() {
    const Token& token = tokens_.peek();
    if (token.is("\\{")) return set();
    if (tokens_.take("empty")) return of_kind(Kind::set);
    if (token.is("begin")) return matrix();
    if (token.is("]") || ((token.is("(") || token.is("[")) && comma_inside())) return sequence();
    if (token.kind == TokenKind::word) return words();
    FormulaReader formula(tokens_, plus_);
    Statement out = of_value(formula.sum());
    met_either_sign_ |= formula.met_either_sign();
    if (tokens_.peek().is(":")) return ratio(std::move(out));
    out.unit = unit();
    return out;
  }

  // 3:4, or 12:30
  Statement ratio(Statement first) {
    Statement out = of_kind(Kind::sequence);
    out.open = out.close = ':';
    out.parts.push_back(std::move(first));
    while (tokens_.take(":")) out.parts.push_back(of_value(FormulaReader(tokens_, plus_).sum()));
    return out;
  }

  // Whether the bracket that opens here holds a comma of its own.
  bool comma_inside() const {
    int depth = 0;
    for (size_t i = 0; tokens_.peek(i).kind != TokenKind::end; ++i) {
      const Token& token = tokens_.peek(i);
      if (opens(token)) ++depth;
      if (i > 0 && depth == 1 && token.is(",")) return true;
      if (closes(token) && --depth <= 0) return false;
    }
    return false;
  }

  // (1, 2), [0, 1), ]0, 1[: French brackets turned outward are open.
  Statement sequence() {
    Statement out = of_kind(Kind::sequence);
    const Token& open = tokens_.next();
    out.open = open.text == "[" ? '[' : '(';
    Statement items = list();
    if (items.kind == Kind::list)
      out.parts = std::move(items.parts);
    else
      out.parts.push_back(std::move(items));
    const Token& close = tokens_.next();
    if (!close.is(")") && !close.is("]") && !close.is("[")) throw Unreadable("a bracket is not closed");
    out.close = close.text == "]" ? ']' : ')';
    return out;
  }

  Statement set() {
    tokens_.expect("\\{");
    Statement out = of_kind(Kind::set);
    if (tokens_.take("\\}")) return out;
    if (tokens_.peek(1).is("|") || tokens_.peek(1).is(":")) {  // {x | x > 3}: what the condition says
      if (tokens_.next().kind != TokenKind::symbol) throw Unreadable("the members of a set have no name");
      tokens_.next();
      Statement condition = list();
      tokens_.expect("\\}");
      return condition;
    }
    Statement items = list();
    if (items.kind == Kind::list)
      out.parts = std::move(items.parts);
    else
      out.parts.push_back(std::move(items));
    tokens_.expect("\\}");
    return out;
  }

  Statement matrix() {
    environment();
    Statement out = of_kind(Kind::matrix);
    for (bool more = true; more;) {
      Statement row = of_kind(Kind::list);
      do row.parts.push_back(united());
      while (tokens_.take("&"));
      out.parts.push_back(std::move(row));
      more = tokens_.take("\\\\") && !tokens_.peek().is("end");
    }
    if (!tokens_.take("end")) throw Unreadable("a matrix is not closed");
    skip_name();
    return out;
  }

  void environment() {
    tokens_.expect("begin");
    skip_name();
  }

  void skip_name() {
    tokens_.expect("{");
    while (!tokens_.at_end() && !tokens_.peek().is("}")) tokens_.next();
    tokens_.expect("}");
  }

  // Words alone are an answer; words before a number stand around it.
  Statement words() {
    Statement out = of_kind(Kind::words);
    while (tokens_.peek().kind == TokenKind::word) {
      const std::string& word = tokens_.next().text;
      out.text += (out.text.empty() ? "" : " ") + word;
    }
    const Token& token = tokens_.peek();
    const bool value = token.kind == TokenKind::number || token.kind == TokenKind::function || token.is("-");
    return value ? operand() : out;
  }

  // What stands after a number: apples, km/h, eggs per day, m^2, m^{2}.
  std::string unit() {
    std::string out;
    for (;;) {
      const Token& token = tokens_.peek();
      const bool letters = token.kind == TokenKind::word || token.kind == TokenKind::symbol;
      const bool exponent = token.kind == TokenKind::number && out.ends_with('^');
      const bool sign = !out.empty() && (token.is("/") || token.is("^") || token.is("*"));
      if (!letters && !exponent && !sign) return out;
      const bool apart = letters && token.spaced && !out.empty() && !out.ends_with('/');
      out += (apart ? " " : "") + token.text;
      tokens_.next();
      if (!out.ends_with('^') || !tokens_.take("{")) continue;
      out += tokens_.next().text;
      tokens_.expect("}");
    }
  }

  TokenStream tokens_;
  int depth_ = 0;
  bool plus_ = true;
  bool met_either_sign_ = false;
};

}  // namespace

Statement read_statement(const std::vector<Token>& tokens) {
  return StatementReader(tokens).whole();
}

}  // namespace sil::mathematics
