// Held-out problems must be held out: no prompt may stand in two splits of a recipe's tasks.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "recipe/recipe.h"
#include "sil/task.h"

namespace sil {

// Throws Error(Exit::unreadable) that names the first prompt which a task of one split shares with a task of another,
// both tasks and places, and how many there are. A task with `answers: observe` may show what is held out elsewhere.
// Two procedural tasks are not compared: they part their problems by uid. Nor is one of more than 2^20 problems.
// Linear in the rows; holds 8 bytes of hash and 8 of position for each held-out row.
void refuse_overlap(const Recipe& recipe, const std::map<std::string, std::unique_ptr<Task>>& tasks);

}  // namespace sil
