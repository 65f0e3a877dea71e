#include "jinja/scopes.h"

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/lexer.h"
#include "jinja/symbols.h"
#include "sil/error.h"

namespace sil::jinja {
namespace {

using Kind = Expression::Kind;
using What = Statement::Kind;

// Targets are names, fields of namespaces and tuples of these.
ExpressionPtr copy_of(const Expression& target) {
  auto out = std::make_unique<Expression>();
  out->kind = target.kind;
  out->at = target.at;
  out->depth = target.depth;
  out->name = target.name;
  for (const ExpressionPtr& operand : target.operands) out->operands.push_back(copy_of(*operand));
  return out;
}

class Resolver {
 public:
  explicit Resolver(const Place& where) : where_(where) {}

  Tree run(Body body) {
    Symbols symbols(nullptr);
    Collector(symbols).body(body);
    Tree out;
    out.frame = symbols.frame();
    statements(body, symbols);
    out.body = std::move(body);
    out.references = std::move(references_);
    return out;
  }

 private:
  // While it lives, what is looked at stands directly in an `if` or does not.
  class Conditional {
   public:
    Conditional(Resolver& resolver, bool conditional) : resolver_(resolver), before_(resolver.conditional_) {
      resolver.conditional_ = conditional;
    }
    ~Conditional() { resolver_.conditional_ = before_; }
    Conditional(const Conditional&) = delete;
    Conditional& operator=(const Conditional&) = delete;

   private:
    Resolver& resolver_;
    bool before_;
  };

  void statements(Body& body, const Symbols& symbols) {
    for (auto& one : body) statement(*one, symbols);
  }

  void statement(Statement& one, const Symbols& symbols) {
    switch (one.kind) {
      case What::loop:
        return loop(one, symbols);
      case What::branches: {
        const Conditional conditional(*this, true);
        for (Branch& branch : one.branches) {
          expression(branch.condition.get(), symbols);
          statements(branch.body, symbols);
        }
        return;
      }
      case What::with:
        return with(one, symbols);
      case What::filter_block:
        return filter_block(one, symbols);
      case What::set_block:
        target(*one.target, symbols);
        return set_block(one, symbols);
      default:
        expression(one.value.get(), symbols);
        if (one.target != nullptr) target(*one.target, symbols);
        if (one.function != nullptr) function(*one.function, symbols);
    }
  }

  void set_block(Statement& one, const Symbols& outer) {
    const Conditional own(*this, false);
    expression(one.value.get(), outer);
    Symbols symbols(&outer);
    Collector(symbols).body(one.body);
    one.frame = symbols.frame();
    statements(one.body, symbols);
  }

  void filter_block(Statement& one, const Symbols& outer) {
    const Conditional own(*this, false);
    Symbols symbols(&outer);
    Collector collector(symbols);
    collector.body(one.body);
    collector.read(one.value.get());
    one.frame = symbols.frame();
    statements(one.body, symbols);
    expression(one.value.get(), symbols);
  }

  void with(Statement& one, const Symbols& outer) {
    for (ExpressionPtr& value : one.values) expression(value.get(), outer);
    const Conditional own(*this, false);
    Symbols symbols(&outer);
    Collector collector(symbols);
    for (const ExpressionPtr& name : one.targets) collector.assign(*name, true);
    collector.body(one.body);
    one.frame = symbols.frame();
    for (ExpressionPtr& name : one.targets) target(*name, symbols);
    statements(one.body, symbols);
  }

  void loop(Statement& one, const Symbols& outer) {
    ++loops_;
    expression(one.value.get(), outer);
    const Conditional own(*this, false);
    if (one.test != nullptr) loop_test(one, outer);
    Symbols symbols(&outer);
    symbols.parameter("loop");
    Collector collector(symbols);
    collector.assign(*one.target, true);
    collector.body(one.body);
    one.frame = symbols.frame();
    one.loop_slot = symbols.slot_of("loop");
    target(*one.target, symbols);
    statements(one.body, symbols);
    Symbols otherwise(&outer);
    Collector(otherwise).body(one.otherwise);
    one.otherwise_frame = otherwise.frame();
    statements(one.otherwise, otherwise);
    --loops_;
  }

  void loop_test(Statement& one, const Symbols& outer) {
    one.test_target = copy_of(*one.target);
    Symbols symbols(&outer);
    Collector collector(symbols);
    collector.assign(*one.target, true);
    collector.read(one.test.get());
    one.test_frame = symbols.frame();
    target(*one.test_target, symbols);
    expression(one.test.get(), symbols);
  }

  void function(Function& function, const Symbols& outer) {
    const Conditional frame(*this, false);
    Symbols symbols(&outer);
    Collector collector(symbols);
    bool own_caller = false, own_kwargs = false, own_varargs = false;
    for (const Parameter& parameter : function.parameters) {
      symbols.parameter(parameter.name);
      own_caller = own_caller || parameter.name == "caller";
      own_kwargs = own_kwargs || parameter.name == "kwargs";
      own_varargs = own_varargs || parameter.name == "varargs";
    }
    for (const Parameter& parameter : function.parameters) collector.read(parameter.otherwise.get());
    collector.body(function.body);
    const auto special = [&](const char* name, bool own) {
      const bool read = !own && reads(function.body, name);
      if (read) symbols.parameter(name);
      return read;
    };
    const bool caller = special("caller", own_caller), kwargs = special("kwargs", own_kwargs),
               varargs = special("varargs", own_varargs);
    function.frame = symbols.frame();
    if (caller) function.caller = symbols.slot_of("caller");
    if (kwargs) function.kwargs = symbols.slot_of("kwargs");
    if (varargs) function.varargs = symbols.slot_of("varargs");
    for (Parameter& parameter : function.parameters) {
      parameter.slot = {0, symbols.slot_of(parameter.name)};
      expression(parameter.otherwise.get(), symbols);
    }
    const int loops = std::exchange(loops_, 0);
    statements(function.body, symbols);
    loops_ = loops;
  }

  void target(Expression& target, const Symbols& symbols) {
    if (target.kind == Kind::name && target.name == "loop" && loops_ > 0)
      refuse(where_, target.at, "cannot assign to the special variable `loop`", "choose another name");
    if (target.kind == Kind::name) {
      symbols.find(target.name, target.slot);
    } else if (target.kind == Kind::attribute) {
      expression(target.operands.front().get(), symbols);
    } else {
      for (const ExpressionPtr& item : target.operands) this->target(*item, symbols);
    }
  }

  void expression(Expression* one, const Symbols& symbols) {
    if (one == nullptr) return;
    note_reference(*one, symbols);
    check_built_in(*one);
    const Conditional inside(*this, conditional_ || one->kind == Kind::conditional);
    if (one->kind == Kind::name) SIL_CHECK(symbols.find(one->name, one->slot) != nullptr);
    // A method's name is no field of what it is called on.
    const bool method = one->kind == Kind::call && one->operands.front()->kind == Kind::attribute;
    Expression& above = method ? *one->operands.front() : *one;
    const bool noted = is_path(above) && !method;
    for (const ExpressionPtr& operand : above.operands) {
      noted_ = noted;
      expression(operand.get(), symbols);
    }
    noted_ = false;
    if (one->arguments == nullptr) return;
    for (const ExpressionPtr& argument : one->arguments->positional) expression(argument.get(), symbols);
    for (const auto& [name, argument] : one->arguments->named) expression(argument.get(), symbols);
    expression(one->arguments->more_positional.get(), symbols);
    expression(one->arguments->more_named.get(), symbols);
  }

  // Jinja refuses unknown filters and tests at once, but for those that stand directly in an `if`: these may be there
  // for programs that have them. What Jinja has and we do not is refused everywhere.
  void check_built_in(const Expression& one) const {
    if (one.kind != Kind::filter && one.kind != Kind::test) return;
    const bool filter = one.kind == Kind::filter;
    if (filter ? one.filter != nullptr : one.test != nullptr) return;
    constexpr std::string_view kLeftOut[] = {"filesizeformat", "pprint",   "random", "striptags",
                                             "urlize",         "wordwrap", "xmlattr"};
    const bool left_out = filter && std::find(std::begin(kLeftOut), std::end(kLeftOut), one.name) != std::end(kLeftOut);
    if (conditional_ && !left_out) return;
    const std::string near = nearest(one.name, filter ? filter_names() : test_names());
    refuse(where_, one.at, std::string("the ") + (filter ? "filter" : "test") + " '" + one.name + "' is not supported",
           near.empty() ? "" : "did you mean '" + near + "'?");
  }

  // a, a.b, a['b'].c
  static bool is_path(const Expression& one) {
    if (one.kind == Kind::name) return true;
    const bool item =
        one.kind == Kind::item && one.operands[1]->kind == Kind::constant && one.operands[1]->value.is_text();
    return (one.kind == Kind::attribute || item) && is_path(*one.operands.front());
  }

  // Notes a whole path once: its parts are looked at with `noted_` set.
  void note_reference(const Expression& one, const Symbols& symbols) {
    if (std::exchange(noted_, false) || !is_path(one)) return;
    Reference out;
    const Expression* part = &one;
    for (; part->kind != Kind::name; part = part->operands.front().get())
      out.path.push_back(part->kind == Kind::item ? part->operands[1]->value.text()->text : part->name);
    Slot slot;
    const Load* load = symbols.find(part->name, slot);
    if (load == nullptr || load->kind != Load::Kind::resolve || symbols.sets(part->name)) return;
    if (find_function(part->name) != nullptr) return;
    out.path.push_back(part->name);
    std::reverse(out.path.begin(), out.path.end());
    out.line = part->at.line;
    out.column = part->at.column;
    references_.push_back(std::move(out));
  }

  const Place& where_;
  int loops_ = 0;
  bool conditional_ = false;
  bool noted_ = false;  // the next expression is a part of a path that was noted as a whole
  std::vector<Reference> references_;
};

}  // namespace

Tree resolve_names(Body body, const Place& where) {
  return Resolver(where).run(std::move(body));
}

}  // namespace sil::jinja
