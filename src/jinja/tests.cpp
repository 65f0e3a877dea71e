// Tests: what stands behind `is`.
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/operations.h"
#include "jinja/text_scan.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

template <Operator op>
bool compared(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "the test", {"other"}, arguments, 1);
  return compares(runtime, op, value, *bound[0]);
}

template <bool (*test)(const Value&)>
bool of_value(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "the test", {}, arguments);
  return test(value);
}

int64_t modulo(Runtime& runtime, const Value& value, int64_t by) {
  const Value out = arithmetic(runtime, Operator::mod, value, Value(by));
  if (!out.is_number()) runtime.type_error("a number is needed, found", value);
  return out.is_float() && out.number() != static_cast<double>(static_cast<int64_t>(out.number()))
             ? -1
             : static_cast<int64_t>(out.number());
}

bool divisible(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "divisibleby", {"num"}, arguments, 1);
  return equal(runtime, arithmetic(runtime, Operator::mod, value, *bound[0]), Value(int64_t{0}));
}

// str.isupper and str.islower: one cased character at least, and all of them so.
bool all_cased(Runtime& runtime, const Value& value, bool (*wanted)(char32_t)) {
  const std::string text = text_of(runtime, value);
  runtime.read(text);
  bool any = false;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(character_length(rest))) {
    const char32_t point = first_code_point(rest);
    if (wanted(point)) {
      any = true;
    } else if (is_cased(point)) {
      return false;
    }
  }
  return any;
}

bool is_iterable(Runtime& runtime, const Value& value, Arguments&) {
  return value.is_undefined() || value.is_text() || value.sequence() != nullptr || value.dict() != nullptr ||
         (value.object() != nullptr && value.object()->iterate(runtime) != nullptr);
}

// What has a length and items.
bool is_sequence(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.is_undefined() || value.is_text() || value.dict() != nullptr ||
         (sequence != nullptr && sequence->flavour <= Flavour::range);
}

constexpr TestEntry kTests[] = {
    {"defined", of_value<+[](const Value& v) { return !v.is_undefined(); }>},
    {"undefined", of_value<+[](const Value& v) { return v.is_undefined(); }>},
    {"none", of_value<+[](const Value& v) { return v.is_none(); }>},
    {"boolean", of_value<+[](const Value& v) { return v.is_bool(); }>},
    {"true", of_value<+[](const Value& v) { return v.is_bool() && v.integer() == 1; }>},
    {"false", of_value<+[](const Value& v) { return v.is_bool() && v.integer() == 0; }>},
    {"integer", of_value<+[](const Value& v) { return v.is_int(); }>},
    {"float", of_value<+[](const Value& v) { return v.is_float(); }>},
    {"number", of_value<+[](const Value& v) { return v.is_number(); }>},
    {"string", of_value<+[](const Value& v) { return v.is_text(); }>},
    {"mapping", of_value<+[](const Value& v) { return v.dict() != nullptr; }>},
    {"sequence", of_value<is_sequence>},
    {"iterable", is_iterable},
    {"callable",
     of_value<+[](const Value& v) { return v.is_undefined() || (v.object() != nullptr && v.object()->callable()); }>},
    {"escaped", of_value<+[](const Value& v) { return v.is_text() && v.text()->markup; }>},
    {"odd", [](Runtime& r, const Value& v, Arguments&) { return modulo(r, v, 2) == 1; }},
    {"even", [](Runtime& r, const Value& v, Arguments&) { return modulo(r, v, 2) == 0; }},
    {"divisibleby", divisible},
    {"lower", [](Runtime& r, const Value& v, Arguments&) { return all_cased(r, v, is_lower); }},
    {"upper", [](Runtime& r, const Value& v, Arguments&) { return all_cased(r, v, is_upper); }},
    {"sameas",
     [](Runtime& r, const Value& v, Arguments& a) { return same_object(v, *Bound(r, "sameas", {"other"}, a, 1)[0]); }},
    {"in", compared<Operator::in>},
    {"==", compared<Operator::eq>},
    {"eq", compared<Operator::eq>},
    {"equalto", compared<Operator::eq>},
    {"!=", compared<Operator::ne>},
    {"ne", compared<Operator::ne>},
    {">", compared<Operator::gt>},
    {"gt", compared<Operator::gt>},
    {"greaterthan", compared<Operator::gt>},
    {"ge", compared<Operator::ge>},
    {">=", compared<Operator::ge>},
    {"<", compared<Operator::lt>},
    {"lt", compared<Operator::lt>},
    {"lessthan", compared<Operator::lt>},
    {"<=", compared<Operator::le>},
    {"le", compared<Operator::le>},
    {"filter",
     [](Runtime&, const Value& v, Arguments&) { return v.is_text() && find_filter(v.text()->text) != nullptr; }},
    {"test", [](Runtime&, const Value& v, Arguments&) { return v.is_text() && find_test(v.text()->text) != nullptr; }},
};

}  // namespace

const TestEntry* find_test(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kTests), std::end(kTests), [&](const TestEntry& entry) { return entry.name == name; });
  return found == std::end(kTests) ? nullptr : found;
}

std::vector<std::string> test_names() {
  std::vector<std::string> out;
  for (const TestEntry& entry : kTests) out.emplace_back(entry.name);
  return out;
}

}  // namespace sil::jinja
