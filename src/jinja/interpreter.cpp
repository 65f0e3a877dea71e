// Statements.
#include "jinja/interpreter.h"

#include "jinja/loop.h"
#include "jinja/operations.h"

namespace sil::jinja {
namespace {

class Macro final : public Object {
 public:
  Macro(Interpreter& interpreter, const Function& function, Activation* around)
      : interpreter_(interpreter), function_(function), around_(around) {}

  std::string type() const override { return "Macro"; }
  std::string shown() const override {
    return "<Macro " + (function_.name.empty() ? std::string("anonymous") : "'" + function_.name + "'") + ">";
  }
  const Value* attribute(Runtime& runtime, std::string_view name) override {
    if (name != "name") return nullptr;
    name_ = function_.name.empty() ? Value(None{}) : runtime.text(function_.name);
    return &name_;
  }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override {
    return runtime.text(interpreter_.call_function(function_, around_, arguments));
  }

 private:
  Interpreter& interpreter_;
  const Function& function_;
  Activation* around_;
  Value name_;
};

}  // namespace

Interpreter::Scope::Scope(Interpreter& interpreter, Activation* outer)
    : interpreter_(interpreter), before_(interpreter.frames_.size()), functions_(interpreter.functions_made_) {
  interpreter.grow(64);
  frame_ = &interpreter.frames_.emplace_back();
  frame_->outer = outer;
}

Interpreter::Scope::~Scope() {
  if (interpreter_.functions_made_ != functions_) return;
  while (interpreter_.frames_.size() > before_) interpreter_.frames_.pop_back();
}

void Interpreter::enter(const Frame& layout, Activation& frame) {
  step(1 + static_cast<int64_t>(layout.loads.size() / 8));
  if (frame.slots.size() < layout.loads.size()) grow(layout.loads.size() * sizeof(Value));
  frame.slots.assign(layout.loads.size(), Value());
  for (size_t i = 0; i < layout.loads.size(); ++i) {
    const Load& load = layout.loads[i];
    if (load.kind == Load::Kind::resolve) frame.slots[i] = resolve(load.name);
    if (load.kind == Load::Kind::alias) frame.slots[i] = slot(load.outer, *frame.outer);
  }
}

Value Interpreter::resolve(const std::string& name) {
  const Members& members = variables_.dict()->members;
  step(1 + static_cast<int64_t>(members.size() / 16));
  for (const auto& [key, value] : members)
    if (key.text()->text == name) return value;
  Object* function = find_function(name);
  return function == nullptr ? Value() : Value(function);
}

Value& Interpreter::slot(const Slot& slot, Activation& frame) const {
  Activation* at = &frame;
  for (int i = 0; i < slot.hops; ++i) at = at->outer;
  return at->slots[static_cast<size_t>(slot.index)];
}

Rendered Interpreter::run(const Tree& tree) {
  Scope scope(*this, nullptr);
  enter(tree.frame, scope.frame());
  run_body(tree.body, scope.frame());
  return {std::move(text_), std::move(generation_)};
}

Interpreter::Flow Interpreter::run_body(const Body& body, Activation& frame) {
  for (const auto& statement : body) {
    const Flow flow = run_statement(*statement, frame);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement, Activation& frame) {
  using What = Statement::Kind;
  const Nested nested(*this);
  at_ = statement.at;
  step();
  switch (statement.kind) {
    case What::text:
      print(statement.text);
      return Flow::normal;
    case What::print: {
      const Value value = evaluate(*statement.value, frame);
      at_ = statement.value->at;
      if (settings().strict) check_strictly(*statement.value, value);
      print(value);
      return Flow::normal;
    }
    case What::branches:
      return run_branches(statement, frame);
    case What::loop:
      return statement.recursive
                 ? (print(recurse(statement, frame, evaluate(*statement.value, frame), 0)), Flow::normal)
                 : run_loop(statement, frame, evaluate(*statement.value, frame), 0);
    case What::set:
      assign(*statement.target, evaluate(*statement.value, frame), frame);
      return Flow::normal;
    case What::set_block:
    case What::filter_block:
      return run_captured(statement, frame);
    case What::macro:
      ++functions_made_;
      slot(statement.target->slot, frame) =
          Value(static_cast<Object*>(make<Macro>(*this, *statement.function, &frame)));
      return Flow::normal;
    case What::call_block:
      run_call_block(statement, frame);
      return Flow::normal;
    case What::with:
      return run_with(statement, frame);
    case What::generation:
      run_generation(statement, frame);
      return Flow::normal;
    case What::break_loop:
      return Flow::broke;
    case What::continue_loop:
      return Flow::continued;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_branches(const Statement& statement, Activation& frame) {
  for (const Branch& branch : statement.branches)
    if (branch.condition == nullptr || truth(evaluate(*branch.condition, frame))) return run_body(branch.body, frame);
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement, Activation& around, const Value& items, int depth) {
  at_ = statement.value->at;
  Values all = iterate(*this, items);
  Scope test(*this, &around);
  if (statement.test != nullptr) enter(statement.test_frame, test.frame());
  Scope scope(*this, &around);
  Activation& frame = scope.frame();
  Loop* loop =
      make<Loop>(*this, statement, around, statement.test == nullptr ? nullptr : &test.frame(), std::move(all), depth);
  bool completed = false;  // an iteration: one that is broken or continued does not count, as in Jinja
  for (Value item; loop->next(item);) {
    enter(statement.frame, frame);
    frame.slots[static_cast<size_t>(statement.loop_slot)] = Value(static_cast<Object*>(loop));
    at_ = statement.target->at;
    assign(*statement.target, item, frame);
    const Flow flow = run_body(statement.body, frame);
    if (flow == Flow::broke) break;
    completed = completed || flow == Flow::normal;
  }
  if (completed || statement.otherwise.empty()) return Flow::normal;
  Scope otherwise(*this, &around);
  enter(statement.otherwise_frame, otherwise.frame());
  return run_body(statement.otherwise, otherwise.frame());
}

std::string Interpreter::recurse(const Statement& statement, Activation& around, const Value& items, int depth) {
  const Nested nested(*this);
  Capture capture(*this);
  run_loop(statement, around, items, depth);
  return capture.take();
}

bool Interpreter::passes(const Statement& loop, Activation& frame, const Value& item) {
  assign(*loop.test_target, item, frame);
  return truth(evaluate(*loop.test, frame));
}

Interpreter::Flow Interpreter::run_with(const Statement& statement, Activation& around) {
  Scope scope(*this, &around);
  enter(statement.frame, scope.frame());
  for (size_t i = 0; i < statement.targets.size(); ++i)
    assign(*statement.targets[i], evaluate(*statement.values[i], around), scope.frame());
  return run_body(statement.body, scope.frame());
}

Interpreter::Flow Interpreter::run_captured(const Statement& statement, Activation& around) {
  const bool filter = statement.kind == Statement::Kind::filter_block;
  Scope scope(*this, &around);
  enter(statement.frame, scope.frame());
  Value value;
  {
    Capture capture(*this);
    const Flow flow = run_body(statement.body, scope.frame());
    if (flow != Flow::normal) return flow;  // what was captured is lost, as in Jinja
    value = text(capture.take());
  }
  if (statement.value != nullptr) value = apply_filter(*statement.value, filter ? scope.frame() : around, &value);
  if (filter) {
    print(value);
  } else {
    assign(*statement.target, value, around);
  }
  return Flow::normal;
}

void Interpreter::run_call_block(const Statement& statement, Activation& frame) {
  ++functions_made_;
  const Value caller(static_cast<Object*>(make<Macro>(*this, *statement.function, &frame)));
  const Value value = evaluate_call(*statement.value, frame, &caller);
  if (!value.is_text()) type_error("what {% call %} calls must give text, found", value);
  print(value);
}

void Interpreter::run_generation(const Statement& statement, Activation& frame) {
  Arguments none;
  const bool outermost = out_ == &text_;
  const size_t begin = text_.size();
  print(call_function(*statement.function, &frame, none));
  if (outermost) generation_.push_back({begin, text_.size()});
}

void Interpreter::print(std::string_view text) {
  grow(text.size());
  out_->append(text);
}

// What is no scalar is rather a mistake of the template than meant to be shown as Python shows it.
void Interpreter::check_strictly(const Expression& expression, const Value& value) const {
  if (value.is_undefined()) undefined_error(value);
  if (value.is_text() || value.is_number()) return;
  const std::string path = path_of(expression);
  const std::string found = value.is_none()    ? "null"
                            : value.dict()     ? "a map"
                            : value.sequence() ? "a list"
                                               : "an object";
  fail((path.empty() ? "what is printed" : "'" + path + "'") + " is " + found + ", not text",
       "print a part of it, or write |tojson behind it");
}

void Interpreter::print(const Value& value) {
  append_text(*this, *out_, value);
}

void Interpreter::assign(const Expression& target, const Value& value, Activation& frame) {
  if (target.kind == Expression::Kind::name) {
    slot(target.slot, frame) = value;
  } else if (target.kind == Expression::Kind::tuple) {
    unpack(target, value, frame);
  } else {
    const Value held = evaluate(*target.operands.front(), frame);
    at_ = target.at;
    auto* space = dynamic_cast<Namespace*>(held.object());
    if (space == nullptr) fail("only a namespace's attributes can be set", "make one with namespace()");
    space->set(*this, target.name, value);
  }
}

void Interpreter::unpack(const Expression& target, const Value& value, Activation& frame) {
  at_ = target.at;
  if (value.is_undefined()) fail("not enough values to unpack: " + undefined_message(*value.undefined()));
  const Values items = iterate(*this, value);
  if (items.size() != target.operands.size())
    fail("expected " + std::to_string(target.operands.size()) + " values to unpack, found " +
         std::to_string(items.size()));
  for (size_t i = 0; i < items.size(); ++i) assign(*target.operands[i], items[i], frame);
}

std::string Interpreter::call_function(const Function& function, Activation* around, Arguments& arguments) {
  const Nested nested(*this);
  Scope scope(*this, around);
  Activation& frame = scope.frame();
  enter(function.frame, frame);
  const auto named = [&](std::string_view name) {
    for (auto it = arguments.named.begin(); it != arguments.named.end(); ++it) {
      if (it->first != name) continue;
      Value out = std::move(it->second);
      arguments.named.erase(it);
      return std::optional<Value>(std::move(out));
    }
    return std::optional<Value>();
  };
  std::vector<const Parameter*> missing;
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const Parameter& parameter = function.parameters[i];
    if (i < arguments.positional.size()) {
      slot(parameter.slot, frame) = arguments.positional[i];
    } else if (std::optional<Value> given = named(parameter.name)) {
      slot(parameter.slot, frame) = *std::move(given);
    } else {
      missing.push_back(&parameter);
    }
  }
  if (function.caller >= 0)
    if (std::optional<Value> caller = named("caller")) frame.slots[static_cast<size_t>(function.caller)] = *caller;
  take_rest(function, frame, arguments);
  for (const Parameter* parameter : missing)
    if (parameter->otherwise != nullptr) slot(parameter->slot, frame) = evaluate(*parameter->otherwise, frame);
  Capture capture(*this);
  run_body(function.body, frame);
  return capture.take();
}

// What no parameter took goes to `kwargs` and `varargs`, or is one too many.
void Interpreter::take_rest(const Function& function, Activation& frame, Arguments& arguments) {
  const std::string shown = "the macro '" + function.name + "' takes ";
  if (function.kwargs >= 0) {
    Members members;
    for (auto& [name, value] : arguments.named) members.emplace_back(text(name), std::move(value));
    frame.slots[static_cast<size_t>(function.kwargs)] = dict(std::move(members));
  } else if (!arguments.named.empty()) {
    fail(shown + "no argument '" + arguments.named.front().first + "'");
  }
  const size_t count = std::min(function.parameters.size(), arguments.positional.size());
  if (function.varargs >= 0) {
    Values rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(count), arguments.positional.end());
    frame.slots[static_cast<size_t>(function.varargs)] = list(std::move(rest), Flavour::tuple);
  } else if (arguments.positional.size() > count) {
    fail(shown + "not more than " + std::to_string(function.parameters.size()) + " arguments");
  }
}

}  // namespace sil::jinja
