// What `sil help`, `sil list` and `sil check` print about recipes; all of it from the declarations that readers use.
#pragma once

#include <string>
#include <string_view>

#include "recipe/declarations.h"
#include "recipe/recipe.h"
#include "sil/registry.h"

namespace sil {

// What a plug-in does and a table of its options. Throws Error(Exit::usage) for an unknown name, with the nearest.
std::string help_plugin(const AnyRegistry& registry, std::string_view name);

// The table alone.
std::string help_options(const Declarations& declared);

// The grammar of recipes: sections, their options, the steps, and a short complete recipe.
std::string help_recipe(const Shelves& shelves);
std::string_view example_recipe();

// One line a plug-in.
std::string list_plugins(const AnyRegistry& registry);

// The resolved recipe as YAML, each value with where it came from.
std::string resolved_dump(const Recipe& recipe);

}  // namespace sil
