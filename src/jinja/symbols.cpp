#include "jinja/symbols.h"

#include <algorithm>

#include "sil/error.h"

namespace sil::jinja {
namespace {

using Kind = Expression::Kind;
using What = Statement::Kind;

class Finder {
 public:
  explicit Finder(std::string_view name) : name_(name) {}

  bool in(const Body& body) const {
    return std::any_of(body.begin(), body.end(), [&](const auto& statement) { return in(*statement); });
  }

 private:
  bool in(const Expression* expression) const {
    if (expression == nullptr) return false;
    if (expression->kind == Kind::name && expression->name == name_) return true;
    for (const ExpressionPtr& operand : expression->operands)
      if (in(operand.get())) return true;
    if (expression->arguments == nullptr) return false;
    const CallArguments& arguments = *expression->arguments;
    for (const ExpressionPtr& argument : arguments.positional)
      if (in(argument.get())) return true;
    for (const auto& [key, argument] : arguments.named)
      if (in(argument.get())) return true;
    return in(arguments.more_positional.get()) || in(arguments.more_named.get());
  }

  bool in(const Statement& statement) const {
    if (in(statement.value.get()) || in(statement.test.get())) return true;
    for (const ExpressionPtr& value : statement.values)
      if (in(value.get())) return true;
    for (const Branch& branch : statement.branches)
      if (in(branch.condition.get()) || in(branch.body)) return true;
    if (in(statement.body) || in(statement.otherwise)) return true;
    if (statement.function == nullptr) return false;
    for (const Parameter& parameter : statement.function->parameters)
      if (in(parameter.otherwise.get())) return true;
    return in(statement.function->body);
  }

  std::string_view name_;
};

}  // namespace

bool reads(const Body& body, std::string_view name) {
  return Finder(name).in(body);
}

Symbols Symbols::way_of(const Symbols& frame) {
  Symbols out(frame.parent_);
  out.base_ = &frame;
  return out;
}

bool Symbols::is_own(const std::string& name) const {
  return variables_.contains(name) || (base_ != nullptr && base_->is_own(name));
}

bool Symbols::is_known(const std::string& name) const {
  return is_own(name) || (parent_ != nullptr && parent_->is_known(name));
}

void Symbols::load(const std::string& name) {
  if (!is_known(name)) variables_[name].load = {Load::Kind::resolve, name, {}};
}

void Symbols::store(const std::string& name) {
  stores_.insert(name);
  if (is_own(name)) return;
  variables_[name].load = {is_known(name) ? Load::Kind::alias : Load::Kind::undefined, name, {}};
}

void Symbols::parameter(const std::string& name) {
  stores_.insert(name);
  variables_[name].load = {Load::Kind::parameter, name, {}};
}

void Symbols::merge(const std::vector<Symbols>& ways) {
  const auto stored_before = [&](const std::string& name) {
    for (const Symbols* frame = this; frame != nullptr; frame = frame->base_)
      if (frame->stores_.contains(name)) return true;
    return false;
  };
  std::set<std::string> set_in_some;
  for (const Symbols& way : ways)
    for (const std::string& name : way.stores_)
      if (!stored_before(name)) set_in_some.insert(name);
  for (const Symbols& way : ways) {
    for (const auto& [name, variable] : way.variables_) variables_[name] = variable;
    stores_.insert(way.stores_.begin(), way.stores_.end());
  }
  for (const std::string& name : set_in_some) {
    const bool outer = parent_ != nullptr && parent_->is_known(name);
    variables_[name].load = {outer ? Load::Kind::alias : Load::Kind::resolve, name, {}};
  }
}

Frame Symbols::frame() {
  Frame out;
  for (auto& [name, variable] : variables_) {
    variable.slot = static_cast<int>(out.loads.size());
    out.loads.push_back(variable.load);
    if (variable.load.kind != Load::Kind::alias) continue;
    SIL_CHECK(parent_ != nullptr && parent_->find(name, out.loads.back().outer) != nullptr);
  }
  return out;
}

const Load* Symbols::find(const std::string& name, Slot& slot) const {
  slot.hops = 0;
  for (const Symbols* frame = this; frame != nullptr; frame = frame->parent_, ++slot.hops) {
    const auto found = frame->variables_.find(name);
    if (found == frame->variables_.end()) continue;
    slot.index = found->second.slot;
    return &found->second.load;
  }
  return nullptr;
}

int Symbols::slot_of(const std::string& name) const {
  return variables_.at(name).slot;
}

bool Symbols::sets(const std::string& name) const {
  return stores_.contains(name) || (parent_ != nullptr && parent_->sets(name));
}

void Collector::body(const Body& statements) {
  for (const auto& one : statements) statement(*one);
}

void Collector::read(const Expression* expression) {
  if (expression == nullptr) return;
  if (expression->kind == Kind::name) symbols_->load(expression->name);
  for (const ExpressionPtr& operand : expression->operands) read(operand.get());
  if (expression->arguments == nullptr) return;
  for (const ExpressionPtr& argument : expression->arguments->positional) read(argument.get());
  for (const auto& [name, argument] : expression->arguments->named) read(argument.get());
  read(expression->arguments->more_positional.get());
  read(expression->arguments->more_named.get());
}

void Collector::assign(const Expression& target, bool parameters) {
  if (target.kind == Kind::tuple) {
    for (const ExpressionPtr& item : target.operands) assign(*item, parameters);
  } else if (target.kind == Kind::attribute) {
    read(target.operands.front().get());
  } else if (parameters) {
    symbols_->parameter(target.name);
  } else {
    symbols_->store(target.name);
  }
}

void Collector::statement(const Statement& one) {
  switch (one.kind) {
    case What::branches:
      return branches(one);
    case What::set:
      read(one.value.get());
      return assign(*one.target, false);
    case What::set_block:
      read(one.value.get());
      return assign(*one.target, false);
    case What::macro:
      return symbols_->store(one.target->name);
    case What::with:
      for (const ExpressionPtr& value : one.values) read(value.get());
      return;
    default:  // print, loop, call and filter blocks: what is read outside their own frames
      return read(one.value.get());
  }
}

void Collector::branches(const Statement& one) {
  read(one.branches.front().condition.get());
  Symbols* const before = symbols_;
  std::vector<Symbols> ways;
  ways.reserve(one.branches.size());  // they are pointed to
  for (const Branch& branch : one.branches) {
    ways.push_back(Symbols::way_of(*before));
    symbols_ = &ways.back();
    read(branch.condition.get());
    body(branch.body);
  }
  symbols_ = before;
  symbols_->merge(ways);
}

}  // namespace sil::jinja
