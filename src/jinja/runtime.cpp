#include "jinja/runtime.h"

#include <algorithm>

#include "jinja/text_value.h"

namespace sil::jinja {
namespace {

int depth_of(const Value& value) {
  if (const Sequence* sequence = value.sequence()) return sequence->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  return 0;
}

}  // namespace

void Runtime::fail(const std::string& message, const std::string& hint) const {
  throw Error(Exit::unreadable, message, hint, place());
}

void Runtime::type_error(const std::string& what, const Value& value) const {
  if (value.is_undefined()) undefined_error(value);
  fail(what + " '" + type_name(value) + "'");
}

void Runtime::undefined_error(const Value& undefined) const {
  fail(undefined_message(*undefined.undefined()));
}

void Runtime::out_of_steps() const {
  fail("the template takes more than the allowed " + std::to_string(settings_.steps) + " steps",
       "it may loop over its own output");
}

void Runtime::out_of_memory() const {
  fail("the template makes more than the allowed " + std::to_string(settings_.bytes) + " bytes of text and lists",
       "it may loop over its own output");
}

void Runtime::too_deep() const {
  fail("evaluation nests deeper than the allowed " + std::to_string(kEvaluationDepth) + " levels",
       "a macro or a recursive loop may call itself without an end");
}

Value Runtime::text(std::string text, bool markup) {
  grow(text.size() + 64);
  return text_value(std::move(text), markup);
}

Value Runtime::list(Values items, Flavour flavour) {
  grow(items.size() * sizeof(Value) + 64);
  auto out = std::make_shared<Sequence>();
  for (const Value& item : items) out->depth = std::max(out->depth, depth_of(item) + 1);
  if (out->depth > kValueDepth) fail("a list nests deeper than the allowed " + std::to_string(kValueDepth) + " levels");
  out->flavour = flavour;
  out->items = std::move(items);
  return Value(std::move(out));
}

Value Runtime::dict(Members members) {
  grow(members.size() * sizeof(Members::value_type) + 64);
  auto out = std::make_shared<Dict>();
  for (const auto& [key, value] : members) out->depth = std::max({out->depth, depth_of(key) + 1, depth_of(value) + 1});
  if (out->depth > kValueDepth) fail("a dict nests deeper than the allowed " + std::to_string(kValueDepth) + " levels");
  out->members = std::move(members);
  return Value(std::shared_ptr<const Dict>(std::move(out)));
}

Value Runtime::call(const Value& callee, Arguments arguments) {
  if (callee.is_undefined()) undefined_error(callee);
  if (callee.object() == nullptr) fail("'" + type_name(callee) + "' object is not callable");
  const Nested nested(*this);
  return callee.object()->call(*this, arguments);
}

Value Object::call(Runtime& runtime, Arguments&) {
  runtime.fail("'" + type() + "' object is not callable");
}

Bound::Bound(Runtime& runtime, std::string_view function, std::vector<std::string_view> names, Arguments& arguments,
             size_t required)
    : runtime_(runtime), function_(function), names_(std::move(names)), values_(names_.size()), given_(names_.size()) {
  if (arguments.positional.size() > names_.size())
    runtime.fail(function_ + "() takes at most " + std::to_string(names_.size()) + " arguments, found " +
                 std::to_string(arguments.positional.size()));
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = arguments.positional[i];
    given_[i] = true;
  }
  for (const auto& [name, value] : arguments.named) {
    const size_t i = static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    if (i == names_.size()) runtime.fail(function_ + "() has no argument '" + name + "'");
    if (given_[i]) runtime.fail(function_ + "() got two values for the argument '" + name + "'");
    values_[i] = value;
    given_[i] = true;
  }
  for (size_t i = 0; i < required; ++i)
    if (!given_[i]) runtime.fail(function_ + "() needs the argument '" + std::string(names_[i]) + "'");
}

int64_t Bound::integer(size_t i, int64_t otherwise) const {
  if (!given_[i]) return otherwise;
  if (!values_[i].is_integral())
    runtime_.type_error(function_ + "(): " + std::string(names_[i]) + " must be an integer, found", values_[i]);
  return values_[i].integer();
}

bool Bound::flag(size_t i, bool otherwise) const {
  return given_[i] ? truth(values_[i]) : otherwise;
}

std::string Bound::text(size_t i, std::string otherwise) const {
  if (!given_[i]) return otherwise;
  if (!values_[i].is_text())
    runtime_.type_error(function_ + "(): " + std::string(names_[i]) + " must be text, found", values_[i]);
  return values_[i].text()->text;
}

}  // namespace sil::jinja
