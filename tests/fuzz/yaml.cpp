#include "recipe/yaml.h"

#include <algorithm>

#include "fuzz/must.h"
#include "fuzz/targets.h"

namespace sil::fuzz {
namespace {

void check_places(const Node& node, int last_line) {
  must(node.place.line >= 1 && node.place.line <= last_line, "a place outside the text: " + node.place.text());
  must(node.place.column >= 1, "a column before the line: " + node.place.text());
  for (const Node& item : node.items) check_places(item, last_line);
  for (const Node::Member& member : node.members) check_places(member.value, last_line);
}

}  // namespace

void yaml(std::string_view input) {
  const int lines = static_cast<int>(std::count(input.begin(), input.end(), '\n')) + 1;
  refused_well(Exit::usage, [&] { check_places(parse_yaml(input, "recipe.yaml"), lines); });
  refused_well(Exit::usage, [&] { parse_flow_value(input, {"override", 0, 0}, Origin::override_); });
}

}  // namespace sil::fuzz
