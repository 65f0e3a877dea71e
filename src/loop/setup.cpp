#include "loop/setup.h"

#include <algorithm>

#include "sil/rng.h"

namespace sil {
namespace {

template <class Interface>
std::unique_ptr<Interface> made(const Registry<Interface>& shelf, const PluginSpec& spec) {
  try {
    return shelf.make(spec);
  } catch (const Error& error) {
    throw placed(error, spec.place);
  }
}

}  // namespace

Error placed(const Error& error, const Place& place) {
  std::vector<Finding> findings = error.findings();
  for (Finding& finding : findings)
    if (finding.place.file.empty()) finding.place = place;
  return {error.code(), std::move(findings)};
}

Tasks make_tasks(const Recipe& recipe, const Registries& registries) {
  Tasks tasks;
  for (const TaskSpec& spec : recipe.tasks) tasks[spec.name] = made(registries.tasks, spec.plugin);
  return tasks;
}

RoundTasks::RoundTasks(const Recipe& recipe, const std::vector<std::pair<std::string, Json>>& values,
                       const Registries& registries, Tasks& tasks)
    : tasks_(tasks) {
  const bool changed =
      std::any_of(values.begin(), values.end(), [](const auto& value) { return value.first.starts_with("tasks."); });
  if (changed) own_ = make_tasks(recipe, registries);
}

std::unique_ptr<Engine> make_engine(const ModelSpec& spec, const Recipe& recipe, const Tasks& tasks,
                                    const Registries& registries, int threads, int64_t member) {
  std::string alphabet;
  for (const auto& [name, task] : tasks) alphabet += task->alphabet();
  EngineSetup setup;
  RandomPath path{recipe.seed, "weights", {spec.name}, {}};
  setup.key = member_key(path.key(), member);
  setup.threads = threads;
  if (spec.tokenizer) setup.codec = registries.tokenizers.make(*spec.tokenizer)->make(alphabet);
  if (spec.adapter) setup.lora = registries.adapters.make(*spec.adapter)->lora();
  return registries.engines.make(spec.engine)->make(setup);
}

Engines make_engines(const Recipe& recipe, const Tasks& tasks, const Registries& registries, int threads) {
  Engines engines;
  for (const ModelSpec& spec : recipe.models)
    engines[spec.name] = make_engine(spec, recipe, tasks, registries, threads);
  return engines;
}

}  // namespace sil
