// Every plug-in that the program comes with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "recipe/recipe.h"
#include "sil/engine.h"
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

// The engine of a model's folder or GGUF file; no weights are read yet. 0 threads = all cores.
std::unique_ptr<Engine> open_model(const std::string& path, int64_t threads);

}  // namespace sil
