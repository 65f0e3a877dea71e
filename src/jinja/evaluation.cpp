// Expressions.
#include "jinja/interpreter.h"
#include "jinja/operations.h"

namespace sil::jinja {

using Kind = Expression::Kind;

Value Interpreter::evaluate(const Expression& expression, Activation& frame) {
  if (expression.kind == Kind::constant) return expression.value;
  const Nested nested(*this);
  step();
  return evaluate_kind(expression, frame);
}

Value Interpreter::evaluate_kind(const Expression& expression, Activation& frame) {
  const auto operand = [&](size_t i) { return evaluate(*expression.operands[i], frame); };
  const auto all = [&] {
    Values out;
    for (const ExpressionPtr& one : expression.operands) out.push_back(evaluate(*one, frame));
    return out;
  };
  switch (expression.kind) {
    case Kind::constant:
      return expression.value;
    case Kind::name:
      return evaluate_name(expression, frame);
    case Kind::list:
      return list(all());
    case Kind::tuple:
      return list(all(), Flavour::tuple);
    case Kind::dict:
      return evaluate_dict(expression, frame);
    case Kind::attribute: {
      const Value object = operand(0);
      at_ = expression.at;
      return attribute(*this, object, expression.name, &expression);
    }
    case Kind::item:
      return evaluate_item(expression, frame);
    case Kind::call:
      return evaluate_call(expression, frame, nullptr);
    case Kind::filter:
      return apply_filter(expression, frame, nullptr);
    case Kind::test:
      return apply_test(expression, frame);
    case Kind::binary: {
      const Value left = operand(0), right = operand(1);
      at_ = expression.at;
      return arithmetic(*this, expression.operators.front(), left, right);
    }
    case Kind::compare:
      return evaluate_compare(expression, frame);
    case Kind::concat:
      return evaluate_concat(expression, frame);
    case Kind::conditional:
    case Kind::logical_and:
    case Kind::logical_or:
    case Kind::logical_not:
      return evaluate_choice(expression, frame);
    case Kind::minus:
    case Kind::plus:
      return evaluate_sign(expression, frame);
    case Kind::slice:
      break;
  }
  SIL_CHECK(!"a slice stands alone");
  return {};
}

// Operators that may leave an operand unread.
Value Interpreter::evaluate_choice(const Expression& expression, Activation& frame) {
  Value first = evaluate(*expression.operands[0], frame);
  const bool holds = truth(first);
  const auto operand = [&](size_t i) { return evaluate(*expression.operands[i], frame); };
  if (expression.kind == Kind::logical_not) return !holds;
  if (expression.kind == Kind::logical_and) return holds ? operand(1) : first;
  if (expression.kind == Kind::logical_or) return holds ? first : operand(1);
  if (holds) return operand(1);
  return expression.operands[2] == nullptr ? Value(Undefined{&expression}) : operand(2);
}

Value Interpreter::evaluate_name(const Expression& expression, Activation& frame) {
  const Value& held = slot(expression.slot, frame);
  const bool unset = held.is_undefined() && held.undefined()->origin == nullptr;
  return unset ? Value(Undefined{&expression}) : held;
}

Value Interpreter::evaluate_dict(const Expression& expression, Activation& frame) {
  Members members;
  for (size_t i = 0; i < expression.operands.size(); i += 2) {
    Value key = evaluate(*expression.operands[i], frame);
    Value value = evaluate(*expression.operands[i + 1], frame);
    at_ = expression.at;
    set_member(*this, members, std::move(key), std::move(value));
  }
  return dict(std::move(members));
}

Value Interpreter::evaluate_item(const Expression& expression, Activation& frame) {
  const Value object = evaluate(*expression.operands[0], frame);
  const Expression& key = *expression.operands[1];
  if (key.kind != Kind::slice) {
    const Value index = evaluate(key, frame);
    at_ = expression.at;
    return item(*this, object, index, &expression);
  }
  const auto part = [&](size_t i) {
    return key.operands[i] == nullptr ? Value(None{}) : evaluate(*key.operands[i], frame);
  };
  const Value start = part(0), stop = part(1), stride = part(2);
  at_ = expression.at;
  return slice(*this, object, start, stop, stride);
}

Arguments Interpreter::arguments(const CallArguments* arguments, Activation& frame) {
  Arguments out;
  if (arguments == nullptr) return out;
  for (const ExpressionPtr& one : arguments->positional) out.positional.push_back(evaluate(*one, frame));
  for (const auto& [name, one] : arguments->named) out.named.emplace_back(name, evaluate(*one, frame));
  if (arguments->more_positional != nullptr) {
    const Value more = evaluate(*arguments->more_positional, frame);
    if (more.is_undefined()) undefined_error(more);
    for (Value& one : iterate(*this, more)) out.positional.push_back(std::move(one));
  }
  if (arguments->more_named == nullptr) return out;
  const Value more = evaluate(*arguments->more_named, frame);
  if (more.dict() == nullptr) type_error("** needs a dict, found", more);
  for (const auto& [name, one] : more.dict()->members) {
    if (!name.is_text()) type_error("keywords must be text, found", name);
    for (const auto& [other, value] : out.named)
      if (other == name.text()->text) fail("got two values for the argument '" + other + "'");
    out.named.emplace_back(name.text()->text, one);
  }
  return out;
}

// A method is called on its object without making a value of it first.
Value Interpreter::evaluate_call(const Expression& expression, Activation& frame, const Value* caller) {
  const Expression& callee = *expression.operands.front();
  const bool may_be_method = callee.kind == Kind::attribute;
  const Value object = evaluate(may_be_method ? *callee.operands.front() : callee, frame);
  const MethodEntry* method = may_be_method && object.object() == nullptr ? find_method(object, callee.name) : nullptr;
  Value function = object;
  if (may_be_method && method == nullptr) {
    at_ = callee.at;
    function = attribute(*this, object, callee.name, &callee);
  }
  Arguments given = arguments(expression.arguments.get(), frame);
  if (caller != nullptr) given.named.emplace_back("caller", *caller);
  at_ = expression.at;
  if (method == nullptr) return call(function, std::move(given));
  return call_method(*this, *method, object, given);
}

Value Interpreter::evaluate_compare(const Expression& expression, Activation& frame) {
  Value left = evaluate(*expression.operands.front(), frame);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.operands[i + 1], frame);
    at_ = expression.at;
    if (!compares(*this, expression.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_concat(const Expression& expression, Activation& frame) {
  std::string out;
  for (const ExpressionPtr& one : expression.operands) {
    const Value value = evaluate(*one, frame);
    at_ = expression.at;
    if (settings().strict && value.is_undefined()) undefined_error(value);
    append_text(*this, out, value);
  }
  return text(std::move(out));
}

Value Interpreter::evaluate_sign(const Expression& expression, Activation& frame) {
  const Value value = evaluate(*expression.operands.front(), frame);
  at_ = expression.at;
  if (!value.is_number()) type_error("no sign can stand before a", value);
  if (value.is_float()) return expression.kind == Kind::minus ? -value.number() : value.number();
  return expression.kind == Kind::plus ? Value(value.integer())
                                       : arithmetic(*this, Operator::sub, Value(int64_t{0}), value);
}

// `block`: what the innermost filter of a block's chain is applied to.
Value Interpreter::apply_filter(const Expression& expression, Activation& frame, const Value* block) {
  const Nested nested(*this);
  Value value;
  if (expression.operands.empty()) {
    value = *block;
  } else if (block != nullptr && expression.operands.front()->kind == Kind::filter) {
    value = apply_filter(*expression.operands.front(), frame, block);
  } else {
    value = evaluate(*expression.operands.front(), frame);
  }
  Arguments given = arguments(expression.arguments.get(), frame);
  at_ = expression.at;
  if (expression.filter == nullptr) fail("the filter '" + expression.name + "' is not supported");
  return expression.filter->apply(*this, value, given);
}

bool Interpreter::apply_test(const Expression& expression, Activation& frame) {
  const Value value = evaluate(*expression.operands.front(), frame);
  Arguments given = arguments(expression.arguments.get(), frame);
  at_ = expression.at;
  if (expression.test == nullptr) fail("the test '" + expression.name + "' is not supported");
  return expression.test->apply(*this, value, given);
}

}  // namespace sil::jinja
