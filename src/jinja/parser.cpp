#include "jinja/parser.h"

#include "jinja/parser_inl.h"

namespace sil::jinja {
namespace {

using Names = std::initializer_list<std::string_view>;

class Parser final : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body run() {
    Body out = body({});
    if (current().kind != Token::Kind::end) unexpected("a statement");
    return out;
  }

 private:
  using What = Statement::Kind;

  // Up to a tag whose name is one of `ends`, which is the current token then; without any, to the end of the template.
  Body body(Names ends) {
    const Nested nested(*this);
    Body out;
    for (;;) {
      const Token& token = current();
      if (token.kind == Token::Kind::end) {
        if (ends.size() == 0) return out;
        unexpected("{% " + std::string(*(ends.end() - 1)) + " %}");
      }
      if (token.kind == Token::Kind::text) {
        auto text = make_statement(What::text);
        text->text = next().text;
        out.push_back(std::move(text));
      } else if (token.kind == Token::Kind::variable_begin) {
        next();
        auto print = make_statement(What::print);
        print->value = tuple(Items::expressions);
        expect(Token::Kind::variable_end, "}}");
        out.push_back(std::move(print));
      } else {
        next();
        if (std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return current().is_name(end); }))
          return out;
        statement(out);
        expect(Token::Kind::block_end, "%}");
      }
    }
  }

  // What stands between %} and the tag that ends it; that tag's name is taken too where there is but one.
  Body block(Names ends) {
    skip_symbol(":");
    expect(Token::Kind::block_end, "%}");
    Body out = body(ends);
    if (ends.size() == 1) next();
    return out;
  }

  std::unique_ptr<Statement> make_statement(What kind) const {
    auto out = std::make_unique<Statement>();
    out->kind = kind;
    out->at = current().at;
    return out;
  }

  void statement(Body& out) {
    const Token token = expect(Token::Kind::name, "the name of a statement");
    const std::string& name = token.text;
    if (name == "print") return print(out);
    if (name == "for") return out.push_back(loop());
    if (name == "if") return out.push_back(branches());
    if (name == "set") return out.push_back(set());
    if (name == "with") return out.push_back(with());
    if (name == "macro") return out.push_back(macro());
    if (name == "call") return out.push_back(call_block());
    if (name == "filter") return out.push_back(filter_block());
    if (name == "generation") return out.push_back(generation());
    if (name == "break" || name == "continue") {
      if (loops_ == 0) refuse(where(), token.at, "{% " + name + " %} outside a loop", "use it inside {% for %}");
      return out.push_back(make_statement(name == "break" ? What::break_loop : What::continue_loop));
    }
    const std::string near = nearest(name, {"for", "if", "set", "with", "macro", "call", "filter", "generation"});
    refuse(where(), token.at, "the statement '" + name + "' is not supported",
           near.empty() ? "" : "did you mean '" + near + "'?");
  }

  void print(Body& out) {
    while (current().kind != Token::Kind::block_end) {
      if (!out.empty() && current().is_symbol(",")) next();
      auto one = make_statement(What::print);
      one->value = expression();
      out.push_back(std::move(one));
      if (!current().is_symbol(",")) break;
    }
  }

  std::unique_ptr<Statement> loop() {
    auto out = make_statement(What::loop);
    out->target = target();
    expect_name("in");
    out->value = tuple(Items::conditions);
    if (skip_name("if")) out->test = expression();
    out->recursive = skip_name("recursive");
    ++loops_;
    out->body = block({"else", "endfor"});
    --loops_;
    if (next().text == "else") out->otherwise = block({"endfor"});
    return out;
  }

  std::unique_ptr<Statement> branches() {
    auto out = make_statement(What::branches);
    for (;;) {
      Branch branch;
      branch.condition = tuple(Items::conditions);
      branch.body = block({"elif", "else", "endif"});
      out->branches.push_back(std::move(branch));
      const Token token = next();
      if (token.text == "elif") continue;
      if (token.text == "else") out->branches.push_back({nullptr, block({"endif"})});
      return out;
    }
  }

  std::unique_ptr<Statement> set() {
    auto out = make_statement(What::set);
    out->target = target(true);
    if (skip_symbol("=")) {
      out->value = tuple(Items::expressions);
      return out;
    }
    out->kind = What::set_block;
    out->value = filters(nullptr, false);
    out->body = block({"endset"});
    return out;
  }

  std::unique_ptr<Statement> with() {
    auto out = make_statement(What::with);
    while (current().kind != Token::Kind::block_end) {
      if (!out->targets.empty()) expect_symbol(",");
      out->targets.push_back(target());
      expect_symbol("=");
      out->values.push_back(expression());
    }
    out->body = block({"endwith"});
    return out;
  }

  std::unique_ptr<Statement> macro() {
    auto out = make_statement(What::macro);
    out->target = name_target();
    out->function = std::make_unique<Function>();
    out->function->name = out->target->name;
    signature(*out->function);
    function_body(*out->function, {"endmacro"});
    return out;
  }

  std::unique_ptr<Statement> call_block() {
    auto out = make_statement(What::call_block);
    out->function = std::make_unique<Function>();
    if (current().is_symbol("(")) signature(*out->function);
    out->value = expression();
    if (out->value->kind != Expression::Kind::call)
      refuse(where(), out->value->at, "{% call %} needs a call", "write {% call name() %}");
    function_body(*out->function, {"endcall"});
    return out;
  }

  std::unique_ptr<Statement> filter_block() {
    auto out = make_statement(What::filter_block);
    out->value = filters(nullptr, true);
    out->body = block({"endfilter"});
    return out;
  }

  std::unique_ptr<Statement> generation() {
    auto out = make_statement(What::generation);
    out->function = std::make_unique<Function>();
    function_body(*out->function, {"endgeneration"});
    return out;
  }

  void signature(Function& function) {
    expect_symbol("(");
    while (!current().is_symbol(")")) {
      if (!function.parameters.empty()) expect_symbol(",");
      const Position at = current().at;
      Parameter parameter;
      parameter.name = name_target()->name;
      for (const Parameter& other : function.parameters)
        if (other.name == parameter.name) refuse(where(), at, "the parameter " + other.name + " is there twice");
      if (skip_symbol("=")) {
        parameter.otherwise = expression();
      } else if (!function.parameters.empty() && function.parameters.back().otherwise != nullptr) {
        refuse(where(), at, "a parameter without a default behind one that has one", "change their order");
      }
      function.parameters.push_back(std::move(parameter));
    }
    next();
  }

  // A loop around it is not one that its body could break.
  void function_body(Function& function, Names ends) {
    const int loops = std::exchange(loops_, 0);
    function.body = block(ends);
    loops_ = loops;
  }

  int loops_ = 0;
};

}  // namespace

Body parse_body(std::string_view source, const Place& where) {
  return Parser(tokenize(source, where), where).run();
}

}  // namespace sil::jinja
