#include "recipe/scope_fields.h"

#include <algorithm>

namespace sil {
namespace {

constexpr std::string_view kAt = "_at_";
constexpr size_t kShownFields = 12;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string identifier_of(std::string_view field) {
  return replaced(std::string(field), "@", kAt);
}

Value field_of(const Scope& scope, std::string_view name) {
  Value value = scope.get(name);
  if (std::holds_alternative<std::monostate>(value) && name.find(kAt) != std::string_view::npos) {
    value = scope.get(replaced(std::string(name), kAt, "@"));
  }
  const auto* inner = std::get_if<std::shared_ptr<const Scope>>(&value);
  return inner != nullptr && *inner == nullptr ? Value{} : value;
}

bool may_have_field(const Scope& scope, std::string_view name) {
  if (scope.open()) return true;
  const std::string identifier = identifier_of(name);
  const std::vector<std::string> fields = scope.fields();
  return std::ranges::any_of(fields, [&](const std::string& field) { return identifier_of(field) == identifier; });
}

std::string field_hint(const Scope& scope, std::string_view name) {
  std::vector<std::string> names = scope.fields();
  for (std::string& field : names) field = identifier_of(field);
  const std::string near = nearest(name, names);
  if (!near.empty()) return "did you mean `" + near + "`?";
  if (names.empty()) return "there are no fields here";
  std::ranges::sort(names);
  std::string hint = "there are";
  for (size_t i = 0; i < std::min(names.size(), kShownFields); ++i) hint += (i == 0 ? " " : ", ") + names[i];
  return names.size() > kShownFields ? hint + " ..." : hint;
}

}  // namespace sil
