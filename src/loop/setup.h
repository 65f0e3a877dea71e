// The tasks and engines that a recipe names, made.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "recipe/recipe.h"
#include "sil/engine.h"
#include "sil/registries.h"
#include "sil/task.h"

namespace sil {

using Tasks = std::map<std::string, std::unique_ptr<Task>>;  // by name in the recipe

// What a plug-in finds wrong with its options stands where the recipe names it.
Error placed(const Error& error, const Place& place);

Tasks make_tasks(const Recipe& recipe, const Registries& registries);
// `tasks`: all of the recipe's; their characters are the alphabet of a `chars` tokenizer. No weights are loaded.
// Engines of a model's members differ in the key of the initial weights alone; that of member 0 holds them all.
std::unique_ptr<Engine> make_engine(const ModelSpec& spec, const Recipe& recipe, const Tasks& tasks,
                                    const Registries& registries, int threads, int64_t member = 0);

}  // namespace sil
