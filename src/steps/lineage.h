// What the units that a step reads descend from, told by the recipe alone: which problems may train, what a gate may be
// measured on, who may read the truth.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "sil/registries.h"
#include "sil/registry.h"

namespace sil {

class Step;  // steps/step.h

struct Lineage {
  std::set<std::string> tasks;  // whose problems
  std::set<std::string> given;  // demonstrate steps: their rollouts were not sampled

  void add(const Lineage& other);
  friend bool operator==(const Lineage&, const Lineage&) = default;
};

// What a step may know of the recipe around it when it is checked.
struct StepSurroundings {
  const Recipe& recipe;
  const Registries& registries;
  const std::vector<StepSpec>& section;  // the steps it stands among
  bool after = false;                    // they are those of `after:`
  Lineage input;
};

// Whether the task's problems never train: split dev or test.
bool held_out(const TaskSpec& task);
bool only_observed(const TaskSpec& task);  // answers: observe

// Findings of every step's check_lineage, and of expressions and controls that read what an `observe` step measured.
// Stores are followed from any round to any later one. Every step must be makeable.
std::vector<Finding> lineage_findings(const Recipe& recipe, const Registries& registries, const Registry<Step>& steps);

}  // namespace sil
