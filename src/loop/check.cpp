// What only the steps and the shelves can tell of a recipe before anything starts.
#include <algorithm>
#include <filesystem>

#include "loop/loop.h"
#include "loop/setup.h"
#include "steps/descent.h"
#include "steps/lineage.h"
#include "steps/scopes.h"
#include "text/view.h"

namespace sil {
namespace {

void add_findings(const Error& error, const Place& place, std::vector<Finding>& findings) {
  const Error at_place = placed(error, place);
  findings.insert(findings.end(), at_place.findings().begin(), at_place.findings().end());
}

template <class Interface>
void try_on(const Registry<Interface>& shelf, const PluginSpec& spec, std::vector<Finding>& findings) {
  if (spec.kind != shelf.kind()) return;
  try {
    shelf.make(spec);
  } catch (const Error& error) {
    add_findings(error, spec.place, findings);
  }
}

// Makes the plug-in and throws it away: none but tasks starts a process or reads a file before it is used.
void try_plugin(const Registries& registries, const PluginSpec& spec, std::vector<Finding>& findings) {
  try_on(registries.tokenizers, spec, findings);
  try_on(registries.verifiers, spec, findings);
  try_on(registries.filters, spec, findings);
  try_on(registries.credits, spec, findings);
  try_on(registries.shapes, spec, findings);
  try_on(registries.losses, spec, findings);
  try_on(registries.gates, spec, findings);
  try_on(registries.controls, spec, findings);
  try_on(registries.draws, spec, findings);
  try_on(registries.evictions, spec, findings);
}

void try_view(const Recipe& recipe, const Json& view, const Place& place, std::vector<Finding>& findings) {
  try {
    View(view, std::filesystem::path(recipe.source).parent_path().string(), place);
  } catch (const Error& error) {
    add_findings(error, place, findings);
  }
}

}  // namespace

std::vector<Finding> recipe_findings(const Recipe& recipe, const Registries& registries, const Registry<Step>& steps) {
  std::vector<Finding> findings;
  for (const ModelSpec& model : recipe.models) try_on(registries.engines, model.engine, findings);
  for (const PluginSpec& spec : recipe.plugins) try_plugin(registries, spec, findings);
  for (const RoleSpec& role : recipe.roles) try_view(recipe, role.view, role.place, findings);
  std::vector<std::string> names;
  bool makeable = true;
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& spec : *section) {
      names.push_back(spec.name);
      if (const Json* view = spec.options.options.find("view")) try_view(recipe, *view, spec.place, findings);
      try {
        steps.make(spec.options)->check(recipe, spec, findings);
      } catch (const Error& error) {
        findings.insert(findings.end(), error.findings().begin(), error.findings().end());
        makeable = false;
      }
    }
  if (makeable)
    for (Finding& finding : lineage_findings(recipe, registries, steps)) findings.push_back(std::move(finding));
  std::shared_ptr<const Scope> unit = example_scope(names);
  for (const ExpressionUse& use : recipe.expressions) {
    if (use.step.empty()) continue;  // a task's own: it sees no round, and is checked when it is made
    const StepSpec* step = recipe.step(use.step);
    auto joined = std::make_shared<MapScope>();
    if (step && step->verb == "verify")
      for (const std::string& pool : joined_pools(recipe, *step)) joined->set(pool, example_descendants());
    for (Finding& finding : use.expression.check(*layered(joined, unit))) findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<std::string> unconfined_graders(const Recipe& recipe, const Registries& registries,
                                            const Registry<Step>& steps) {
  std::vector<std::string> commands;
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& spec : *section)
      for (std::string& command : steps.make(spec.options)->unconfined(registries))
        if (std::find(commands.begin(), commands.end(), command) == commands.end())
          commands.push_back(std::move(command));
  return commands;
}

}  // namespace sil
