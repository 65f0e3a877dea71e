// A recipe's file as the commands read it.
#pragma once

#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace sil {

// With this process's environment. Throws Error(Exit::usage) for what is no file of a recipe.
RecipeInput read_input(const std::string& file, std::vector<std::string> overrides);

}  // namespace sil
