// Changes to a recipe from the command line, as Hydra writes them, and references within it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/recipe.h"
#include "sil/error.h"
#include "sil/node.h"

namespace sil {

// `a.b=c` sets an option, `~a.b` removes what the file says there, `++a.b=c` sets and makes the maps on the way. Each
// that cannot be applied leaves a finding at "override 'a.b=c'" and the tree as it was.
void apply_overrides(Node& tree, const std::vector<std::string>& overrides, const Shelves& shelves,
                     std::vector<Finding>& findings);

// Replaces ${a.b} by what the recipe says at that path and ${env:NAME}, ${env:NAME,default} by the environment. A
// scalar that is nothing else takes the value with its type, lists and maps included; `$${` stands for `${`. Cycles,
// unset names and texts that grow beyond all measure are findings.
void interpolate(Node& tree, const std::map<std::string, std::string>& environment, std::vector<Finding>& findings);

}  // namespace sil
