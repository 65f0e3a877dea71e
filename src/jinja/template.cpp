#include "jinja/template.h"

#include "jinja/ast.h"
#include "jinja/interpreter.h"
#include "jinja/parser.h"
#include "jinja/scopes.h"

namespace sil::jinja {
namespace {

// A tree takes some hundred times the memory of its text.
constexpr size_t kLargestTemplate = size_t{1} << 20;

Value value_of(Runtime& runtime, const Json& json) {
  runtime.step();
  if (json.is_null()) return None{};
  if (json.is_bool()) return json.as_bool();
  if (json.is_int()) return json.as_int();
  if (json.is_number()) return json.as_double();
  if (json.is_string()) return runtime.text(json.as_string());
  if (json.is_array()) {
    Values items;
    for (const Json& item : json.as_array()) items.push_back(value_of(runtime, item));
    return runtime.list(std::move(items));
  }
  Members members;
  for (const auto& [key, value] : json.as_object()) members.emplace_back(runtime.text(key), value_of(runtime, value));
  return runtime.dict(std::move(members));
}

// Reads the caller's variables within the limits of a rendering, on meters of its own.
class Reader final : public Runtime {
 public:
  using Runtime::Runtime;
  Value read(const Json& variables) { return value_of(*this, variables); }
};

}  // namespace

Template Template::parse(std::string_view source, const Place& where) {
  if (source.size() > kLargestTemplate)
    throw Error(
        Exit::unreadable,
        "the template has " + std::to_string(source.size()) + " bytes; allowed are " + std::to_string(kLargestTemplate),
        "no chat template is so large", where);
  auto tree = std::make_shared<Tree>(resolve_names(parse_body(source, where), where));
  return {std::move(tree), where.file};
}

Rendered Template::render(const Json& variables, const Settings& settings) const {
  SIL_CHECK(variables.is_object());
  return Interpreter(settings, file_, Reader(settings, file_).read(variables)).run(*tree_);
}

const std::vector<Reference>& Template::references() const {
  return tree_->references;
}

}  // namespace sil::jinja
