// What can be said only once everything is read: names that mean two things, name nothing or are never used.
#include <algorithm>
#include <map>
#include <set>

#include "recipe/grammar.h"
#include "recipe/scalars.h"
#include "recipe/sections.h"

namespace sil {
namespace {

constexpr size_t kMostFindings = 200;  // enough to know that nothing is right

struct Named {
  std::string kind;
  std::string name;
  Place place;
};

std::vector<const StepSpec*> all_steps(const Recipe& recipe) {
  std::vector<const StepSpec*> out;
  for (const auto* steps : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *steps) out.push_back(&step);
  return out;
}

// Roles that a recipe declares; those that models are come with the models.
std::vector<const RoleSpec*> declared_roles(const Recipe& recipe) {
  std::vector<const RoleSpec*> out;
  for (size_t i = recipe.models.size(); i < recipe.roles.size(); ++i) out.push_back(&recipe.roles[i]);
  return out;
}

std::vector<Named> named_things(const Recipe& recipe) {
  std::vector<Named> out;
  for (const ModelSpec& model : recipe.models) out.push_back({"model", model.name, model.place});
  for (const RoleSpec* role : declared_roles(recipe)) out.push_back({"role", role->name, role->place});
  for (const TaskSpec& task : recipe.tasks) out.push_back({"task", task.name, task.plugin.place});
  for (const StoreSpec& store : recipe.stores) out.push_back({"store", store.name, store.place});
  for (const StepSpec* step : all_steps(recipe)) out.push_back({"step", step->name, step->place});
  return out;
}

void check_unique(const std::vector<Named>& things, Reading& reading) {
  std::map<std::string, const Named*> first;
  for (const Named& thing : things) {
    if (is_one_of(thing.name, kReserved))
      reading.find(thing.place, "the name '" + thing.name + "' is reserved",
                   "call the " + thing.kind + " something else");
    const auto [it, fresh] = first.emplace(thing.name, &thing);
    if (fresh) continue;
    const Named& other = *it->second;
    reading.find(thing.place, "the name '" + thing.name + "' of a " + thing.kind + " is taken by a " + other.kind,
                 "it stands at " + other.place.text() + "; models, roles, tasks, stores and steps share one namespace");
  }
}

std::map<std::string, std::set<std::string>> names_by_kind(const Recipe& recipe) {
  std::map<std::string, std::set<std::string>> out;
  for (const RoleSpec& role : recipe.roles) out["role"].insert(role.name);
  for (const Named& thing : named_things(recipe)) out[thing.kind].insert(thing.name);
  return out;
}

void check_resolved(const Recipe& recipe, Reading& reading) {
  std::map<std::string, std::set<std::string>> names = names_by_kind(recipe);
  for (const Reference& reference : reading.references) {
    const std::set<std::string>& known = names[reference.kind];
    if (known.count(reference.name)) continue;
    if (reading.findings.size() > kMostFindings) return;
    std::string hint =
        known.empty() ? "the recipe has none" : nearest_hint(reference.name, {known.begin(), known.end()});
    reading.find(reference.place, "there is no " + reference.kind + " '" + reference.name.substr(0, 60) + "'",
                 std::move(hint));
  }
}

bool is_test(const TaskSpec& task) {
  const Json* split = task.plugin.options.find("split");
  if (!split) return false;
  const Json* name = split->is_object() ? split->find("name") : split;
  return name && name->is_string() && name->as_string() == "test";
}

void check_splits(const Recipe& recipe, Reading& reading) {
  std::set<std::string> tests;
  for (const TaskSpec& task : recipe.tasks)
    if (is_test(task)) tests.insert(task.name);
  for (const Reference& reference : reading.references) {
    if (reference.kind != "task" || reference.section == Section::after || !tests.count(reference.name)) continue;
    reading.find(reference.place, "only `after:` may read the split test; task '" + reference.name + "' is read here",
                 "move the step to `after:`, or measure on a dev split");
  }
}

// Every word that an expression or a free-form option may mean a name by.
std::set<std::string> words_of(const Reading& reading) {
  std::set<std::string> out(reading.words.begin(), reading.words.end());
  for (const ExpressionUse& use : reading.expressions) {
    std::string word;
    for (char c : use.expression.source() + " ") {
      const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      if (part) word += c;
      if (part || word.empty()) continue;
      out.insert(std::move(word));
      word.clear();
    }
  }
  return out;
}

void check_used(const Recipe& recipe, Reading& reading) {
  std::set<std::string> used = words_of(reading);
  for (const Reference& reference : reading.references) used.insert(reference.name);
  if (recipe.models.size() == 1) used.insert(recipe.models[0].name);
  for (const RoleSpec* role : declared_roles(recipe)) used.insert(role->model);
  for (const Named& thing : named_things(recipe)) {
    if (thing.kind == "step" || used.count(thing.name)) continue;
    reading.find(thing.place, "unused: no step uses the " + thing.kind + " '" + thing.name + "'",
                 "use it or remove it");
  }
}

}  // namespace

void check_references(const Recipe& recipe, Reading& reading) {
  check_unique(named_things(recipe), reading);
  check_resolved(recipe, reading);
  check_splits(recipe, reading);
  check_used(recipe, reading);
}

}  // namespace sil
