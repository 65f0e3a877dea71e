// Dotted paths into a recipe: `generate.samples`, `tasks.train.digits`, `filter.keep.per_problem.n`, `round.0.verify`.
// The first part is a top-level key or the name of a step, which stands for the options below its verb (and for its
// common keys); list entries are meant by index, or by name where they are plug-ins.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/recipe.h"
#include "sil/node.h"

namespace sil {

using Path = std::vector<std::string>;

// With step names replaced by where the step stands. Throws Error(Exit::usage) at `place` when the first part names
// nothing, with the nearest spelling. `whole_step`: a step's name alone means the step, not its options.
Path tree_path(const Node& tree, std::string_view path, const Place& place, bool whole_step);

// The value under `path`, or nullptr.
const Node* find_value(const Node& tree, const Path& path);

enum class Missing { refuse, create };  // what to do where a part before the last does not exist

// Sets a value; short forms on the way (`verify: exact`, `per_problem: 2`) are spelled out. Throws Error(Exit::usage)
// at the value's place.
void set_value(Node& tree, std::string_view path, Node value, Missing missing, const Shelves& shelves);
void delete_value(Node& tree, std::string_view path, const Place& place);

// What a path means in a read recipe, defaults included; nullopt when nothing is declared there.
std::optional<Json> option_value(const Recipe& recipe, std::string_view path);

}  // namespace sil
