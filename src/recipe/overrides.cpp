#include "recipe/overrides.h"

#include "recipe/paths.h"
#include "recipe/scalars.h"
#include "recipe/yaml.h"

namespace sil {
namespace {

constexpr size_t kShownBytes = 120;

Node value_of(std::string_view text, const Place& place) {
  if (!text.starts_with("${")) return parse_flow_value(text, place, Origin::override_);
  Node reference = Node::text(std::string(text), place, Origin::override_);  // braces are no flow map here
  reference.quoted = false;
  return reference;
}

void apply(Node& tree, std::string_view text, const Place& place, const Shelves& shelves) {
  if (text.starts_with('~')) return delete_value(tree, text.substr(1), place);
  const bool create = text.starts_with("++");
  if (create) text.remove_prefix(2);
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Error(Exit::usage, "this is no override", "write a.b=c to set, ~a.b to remove, ++a.b=c to add", place);
  Node changed = tree;  // all or nothing
  set_value(changed, text.substr(0, equals), value_of(text.substr(equals + 1), place),
            create ? Missing::create : Missing::refuse, shelves);
  tree = std::move(changed);
}

}  // namespace

void apply_overrides(Node& tree, const std::vector<std::string>& overrides, const Shelves& shelves,
                     std::vector<Finding>& findings) {
  for (const std::string& text : overrides) {
    const std::string shown = printable(text.size() > kShownBytes ? text.substr(0, kShownBytes) + "…" : text);
    try {
      apply(tree, text, {"override '" + shown + "'", 0, 0}, shelves);
    } catch (const Error& error) {
      if (error.code() != Exit::usage) throw;
      findings.insert(findings.end(), error.findings().begin(), error.findings().end());
    }
  }
}

}  // namespace sil
