// == < in, as Python compares: by value, across the types of numbers, and by kind.
#include "jinja/operations.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

// Wide enough for every int64 and every double (the significand has at least 64 bits).
long double exact(const Value& value) {
  return value.is_float() ? static_cast<long double>(value.number()) : static_cast<long double>(value.integer());
}

bool alike(Flavour a, Flavour b) {
  const auto plain = [](Flavour flavour) { return flavour == Flavour::group ? Flavour::tuple : flavour; };
  return plain(a) == plain(b);
}

bool equal_items(Runtime& runtime, const Sequence& left, const Sequence& right) {
  if (&left == &right) return true;
  const Flavour flavour = left.flavour;
  if (!alike(flavour, right.flavour) || flavour == Flavour::values || flavour == Flavour::iterator) return false;
  if (left.items.size() != right.items.size()) return false;
  for (size_t i = 0; i < left.items.size(); ++i)
    if (!equal(runtime, left.items[i], right.items[i])) return false;
  return true;
}

bool equal_members(Runtime& runtime, const Dict& left, const Dict& right) {
  if (&left == &right) return true;
  if (left.members.size() != right.members.size()) return false;
  for (const auto& [key, value] : left.members) {
    const Value* other = find_member(runtime, right, key);
    if (other == nullptr || !equal(runtime, value, *other)) return false;
  }
  return true;
}

[[noreturn]] void no_order(Runtime& runtime, const char* symbol, const Value& left, const Value& right) {
  for (const Value* value : {&left, &right})
    if (value->is_undefined()) runtime.undefined_error(*value);
  runtime.fail(std::string("'") + symbol + "' is not supported between '" + type_name(left) + "' and '" +
               type_name(right) + "'");
}

// The first items that differ decide, then the lengths.
bool ordered_items(Runtime& runtime, Operator op, const Sequence& left, const Sequence& right) {
  const size_t common = std::min(left.items.size(), right.items.size());
  for (size_t i = 0; i < common; ++i)
    if (!equal(runtime, left.items[i], right.items[i])) return compares(runtime, op, left.items[i], right.items[i]);
  return compares(runtime, op, Value(static_cast<int64_t>(left.items.size())),
                  Value(static_cast<int64_t>(right.items.size())));
}

template <class T>
bool ordered(Operator op, const T& left, const T& right) {
  if (op == Operator::lt) return left < right;
  if (op == Operator::le) return left <= right;
  return op == Operator::gt ? left > right : left >= right;
}

bool order(Runtime& runtime, Operator op, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return ordered(op, exact(left), exact(right));
  // The order of UTF-8's bytes is that of its code points.
  if (left.is_text() && right.is_text()) return ordered(op, left.text()->text, right.text()->text);
  const Sequence *a = left.sequence(), *b = right.sequence();
  if (a != nullptr && b != nullptr && alike(a->flavour, b->flavour) &&
      (a->flavour == Flavour::list || alike(a->flavour, Flavour::tuple))) {
    const Runtime::Nested nested(runtime);
    return ordered_items(runtime, op, *a, *b);
  }
  constexpr const char* kSymbols[] = {"<", "<=", ">", ">="};
  no_order(runtime, kSymbols[static_cast<size_t>(op) - static_cast<size_t>(Operator::lt)], left, right);
}

}  // namespace

bool equal(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  if (left.is_number() && right.is_number()) return exact(left) == exact(right);
  if (left.is_text() && right.is_text()) {
    const std::string &a = left.text()->text, &b = right.text()->text;
    if (a.size() != b.size()) return false;
    runtime.read(a);
    return a == b;
  }
  if (left.is_undefined() || left.is_none()) return type_name(left) == type_name(right);
  const Runtime::Nested nested(runtime);
  if (left.sequence() != nullptr && right.sequence() != nullptr)
    return equal_items(runtime, *left.sequence(), *right.sequence());
  if (left.dict() != nullptr && right.dict() != nullptr) return equal_members(runtime, *left.dict(), *right.dict());
  return left.object() != nullptr && left.object() == right.object();
}

bool less(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  return order(runtime, Operator::lt, left, right);
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  if (const Text* text = container.text()) {
    if (!item.is_text()) runtime.type_error("'in <string>' requires text on its left, found", item);
    runtime.read(text->text);
    return find_text(text->text, item.text()->text) != std::string_view::npos;
  }
  if (const Dict* dict = container.dict()) return find_member(runtime, *dict, item) != nullptr;
  for (const Value& one : iterate(runtime, container))
    if (equal(runtime, one, item)) return true;
  return false;
}

bool compares(Runtime& runtime, Operator op, const Value& left, const Value& right) {
  runtime.step();
  if (op == Operator::eq) return equal(runtime, left, right);
  if (op == Operator::ne) return !equal(runtime, left, right);
  if (op == Operator::in) return contains(runtime, right, left);
  if (op == Operator::not_in) return !contains(runtime, right, left);
  return order(runtime, op, left, right);
}

}  // namespace sil::jinja
