#include "app/builtins.h"

#include "app/commands.h"
#include "controls/controls.h"
#include "credits/credits.h"
#include "engines/engines.h"
#include "filters/filters.h"
#include "gates/gates.h"
#include "losses/losses.h"
#include "nn/engines.h"
#include "recipe/option_reader.h"
#include "shapes/shapes.h"
#include "steps/steps.h"
#include "stores/stores.h"
#include "tasks/tasks.h"
#include "text/codecs.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

void fill_sources(Registries& registries) {
  register_addition(registries.tasks);
  register_multiplication(registries.tasks);
  register_neighbour(registries.tasks);
  register_copy(registries.tasks);
  register_countdown(registries.tasks);
  register_jsonl(registries.tasks);
  register_lua(registries.tasks);
  register_program(registries.tasks);
  register_chars(registries.tokenizers);
  register_bytes(registries.tokenizers);
  register_table(registries.engines);
  register_scripted(registries.engines);
  nn::register_llama(registries.engines);
  nn::register_path(registries.engines);
  nn::register_lora(registries.adapters);
}

void fill_judging(Registries& registries) {
  register_exact(registries.verifiers);
  register_numeric(registries.verifiers);
  register_math(registries.verifiers);
  register_contains(registries.verifiers);
  register_regex(registries.verifiers);
  register_majority(registries.verifiers);
  register_score(registries.verifiers);
  register_program(registries.verifiers);
  register_task_rule(registries.verifiers);
  register_unit_rules(registries.filters);
  register_best_rules(registries.filters);
  register_group_rules(registries.filters);
  register_dedupe(registries.filters);
  register_length(registries.filters);
  register_rollout_credits(registries.credits);
  register_group_credits(registries.credits);
  register_batch_zscore(registries.credits);
}

void fill_training(Registries& registries) {
  register_target(registries.shapes);
  register_pair(registries.shapes);
  register_nll(registries.losses);
  register_pg(registries.losses);
  register_margin(registries.losses);
  register_match(registries.losses);
  register_always(registries.gates);
  register_at_least(registries.gates);
  register_schedule(registries.controls);
  register_mastery(registries.controls);
  register_draws(registries.draws);
  register_mix(registries.draws);
  register_evictions(registries.evictions);
}

}  // namespace

void fill_registries(Registries& registries) {
  fill_sources(registries);
  fill_judging(registries);
  fill_training(registries);
}

Builtins::Builtins() {
  fill_registries(registries);
  register_steps(steps);
}

Shelves Builtins::shelves() const {
  Shelves shelves = registries.all();
  shelves.push_back(&steps);
  return shelves;
}

std::unique_ptr<Engine> open_model(const std::string& path, int64_t threads) {
  const Builtins builtins;
  const PluginSpec spec = parse_plugin("{path: {folder: " + dump(Json(path)) + "}}", "engine", builtins.shelves(), {});
  EngineSetup setup;
  setup.threads = thread_count(threads);
  return builtins.registries.engines.make(spec)->make(setup);
}

}  // namespace sil
