// Every plug-in that the program comes with.
#pragma once

#include "recipe/recipe.h"
#include "sil/registries.h"
#include "steps/step.h"

namespace sil {

void fill_registries(Registries& registries);

// The shelves of plug-ins and steps, filled. Costs a few milliseconds, so made only by commands that read recipes.
struct Builtins {
  Builtins();
  Registries registries;
  Registry<Step> steps{"step"};
  Shelves shelves() const;  // all of them, "step" last
};

}  // namespace sil
