// The tasks and engines that a recipe names, made.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipe/recipe.h"
#include "sil/engine.h"
#include "sil/registries.h"
#include "sil/task.h"

namespace sil {

using Tasks = std::map<std::string, std::unique_ptr<Task>>;  // by name in the recipe

// What a plug-in finds wrong with its options stands where the recipe names it.
Error placed(const Error& error, const Place& place);

Tasks make_tasks(const Recipe& recipe, const Registries& registries);

// The tasks of one round: those of the run, or made anew where a control sets an option of one.
class RoundTasks {
 public:
  // `recipe` and `values`: of the round. `tasks` outlives it.
  RoundTasks(const Recipe& recipe, const std::vector<std::pair<std::string, Json>>& values,
             const Registries& registries, Tasks& tasks);
  Tasks& get() { return own_ ? *own_ : tasks_; }

 private:
  Tasks& tasks_;
  std::optional<Tasks> own_;
};

using Engines = std::map<std::string, std::unique_ptr<Engine>>;  // by model

// `tasks`: all of the recipe's; their characters are the alphabet of a `chars` tokenizer. No weights are loaded.
// Engines of a model's members differ in the key of the initial weights alone; that of member 0 holds them all.
std::unique_ptr<Engine> make_engine(const ModelSpec& spec, const Recipe& recipe, const Tasks& tasks,
                                    const Registries& registries, int threads, int64_t member = 0);
Engines make_engines(const Recipe& recipe, const Tasks& tasks, const Registries& registries, int threads);

}  // namespace sil
