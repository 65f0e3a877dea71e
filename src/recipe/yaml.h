// YAML text as a Node: the part of YAML 1.2 that a recipe may use. No anchors, aliases, merge keys, tags or further
// documents, no duplicate or compound keys; every value knows its line and column. The only home of yaml-cpp.
#pragma once

#include <string>
#include <string_view>

#include "sil/node.h"

namespace sil {

// Throws Error(Exit::usage) with every finding of the text, each with its place. `file` is only for places. A quoted or
// block scalar's place is that of its first character of content.
Node parse_yaml(std::string_view text, const std::string& file);

// One value in flow style, as after `=` on a command line: `16`, `[1, 2]`, `{beta: 0.1}`, `some words`. Every node gets
// `place` and `origin`. Throws Error(Exit::usage) at `place`.
Node parse_flow_value(std::string_view text, const Place& place, Origin origin);

}  // namespace sil
