#include "jinja/value.h"

#include "jinja/ast.h"
#include "jinja/builtins.h"
#include "jinja/runtime.h"
#include "sil/error.h"

namespace sil::jinja {

int64_t Value::integer() const {
  if (const bool* flag = std::get_if<bool>(&value_)) return *flag ? 1 : 0;
  SIL_CHECK(is_int());
  return std::get<int64_t>(value_);
}

double Value::number() const {
  return is_float() ? std::get<double>(value_) : static_cast<double>(integer());
}

std::string type_name(const Value& value) {
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "NoneType";
  if (value.is_bool()) return "bool";
  if (value.is_int()) return "int";
  if (value.is_float()) return "float";
  if (const Text* text = value.text()) return text->markup ? "Markup" : "str";
  if (value.dict() != nullptr) return "dict";
  if (const Object* object = value.object()) return object->type();
  constexpr const char* kNames[] = {"list",      "tuple",       "_GroupTuple", "range",
                                    "dict_keys", "dict_values", "dict_items",  "generator"};
  return kNames[static_cast<size_t>(value.sequence()->flavour)];
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_number()) return value.number() != 0;
  if (const Text* text = value.text()) return !text->text.empty();
  if (const Dict* dict = value.dict()) return !dict->members.empty();
  if (const Sequence* sequence = value.sequence())
    return sequence->flavour == Flavour::iterator || !sequence->items.empty();
  return true;
}

bool same_object(const Value& a, const Value& b) {
  if (a.is_none() || a.is_undefined()) return type_name(a) == type_name(b);
  if (a.is_bool()) return b.is_bool() && a.integer() == b.integer();
  if (a.is_int()) return b.is_int() && a.integer() == b.integer();
  if (a.is_text()) return b.is_text() && a.text()->text == b.text()->text;
  if (a.is_float() || b.is_float()) return false;
  return a.sequence() == b.sequence() && a.dict() == b.dict() && a.object() == b.object() && !b.is_text();
}

std::string undefined_message(const Undefined& undefined) {
  const Expression* origin = undefined.origin;
  if (origin == nullptr) return "a value is undefined";
  if (origin->kind == Expression::Kind::conditional) return "an `if` without `else` gave nothing";
  const std::string path = path_of(*origin);
  if (!path.empty()) return "'" + path + "' is undefined";
  return origin->kind == Expression::Kind::attribute ? "there is no attribute '" + origin->name + "'"
                                                     : "there is no such item";
}

std::string path_of(const Expression& expression) {
  using Kind = Expression::Kind;
  if (expression.kind == Kind::name) return expression.name;
  const bool item = expression.kind == Kind::item && expression.operands[1]->kind == Kind::constant &&
                    expression.operands[1]->value.is_text();
  if (expression.kind != Kind::attribute && !item) return {};
  const std::string object = path_of(*expression.operands.front());
  if (object.empty()) return {};
  return object + "." + (item ? expression.operands[1]->value.text()->text : expression.name);
}

}  // namespace sil::jinja
