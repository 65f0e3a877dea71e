#include "recipe/recipe.h"

#include <algorithm>

#include "recipe/findings.h"
#include "recipe/overrides.h"
#include "recipe/paths.h"
#include "recipe/scalars.h"
#include "recipe/sections.h"
#include "recipe/yaml.h"

namespace sil {
namespace {

template <class Spec>
const Spec* named(const std::vector<Spec>& specs, std::string_view name) {
  for (const Spec& spec : specs)
    if (spec.name == name) return &spec;
  return nullptr;
}

Digest recipe_digest(const Json& resolved) {
  Json::Object members;
  for (const auto& [key, value] : resolved.as_object())
    if (key != "name" && key != "rounds" && key != "retain") members.emplace_back(key, value);
  return sha256(dump_canonical(Json(std::move(members))));
}

// The typed recipe of `recipe.tree`, with what is wrong in `reading`.
void type_recipe(Recipe& recipe, Reading& reading) {
  if (recipe.tree.kind != Node::Kind::map) {
    reading.find(recipe.tree.place, std::string("a recipe is a map of sections; found ") + value_seen(recipe.tree),
                 "see `sil help recipe`");
    return;
  }
  recipe.resolved = Json::object();
  read_top(recipe, reading);
  read_models(recipe, reading);
  read_roles(recipe, reading);
  read_tasks(recipe, reading);
  read_stores(recipe, reading);
  read_controls(recipe, reading);
  read_steps(recipe, reading);
  check_references(recipe, reading);
  recipe.expressions = std::move(reading.expressions);
  recipe.plugins = std::move(reading.plugins);
  recipe.origins = std::move(reading.origins);
  recipe.digest = recipe_digest(recipe.resolved);
}

// A reference without a value leaves a hole; what is wrong with the hole is no news.
void drop_consequences(std::vector<Finding>& findings, std::ptrdiff_t earlier) {
  const auto end = findings.begin() + earlier;
  const auto is_consequence = [&](const Finding& later) {
    return later.place.line > 0 && std::any_of(findings.begin(), end, [&](const Finding& first) {
             return first.place.line == later.place.line && first.place.column == later.place.column &&
                    first.place.file == later.place.file;
           });
  };
  findings.erase(std::remove_if(end, findings.end(), is_consequence), findings.end());
}

Recipe typed(Recipe recipe, const Shelves& shelves, std::vector<Finding> findings) {
  Reading reading;
  reading.shelves = &shelves;
  reading.findings = std::move(findings);
  const auto earlier = static_cast<std::ptrdiff_t>(reading.findings.size());
  type_recipe(recipe, reading);
  drop_consequences(reading.findings, earlier);
  if (!reading.findings.empty()) throw_findings(std::move(reading.findings), recipe.source);
  return recipe;
}

Recipe untyped(const Recipe& recipe) {
  Recipe out;
  out.source = recipe.source;
  out.source_text = recipe.source_text;
  out.tree = recipe.tree;
  return out;
}

// A control must set something that is declared; whether it is shows when its present value is set.
void check_controls(const Recipe& recipe, const Shelves& shelves) {
  std::vector<Finding> findings;
  for (const ControlSpec& control : recipe.control) {
    if (control.set.starts_with("models.")) {
      findings.push_back({control.place,
                          "'" + control.set.substr(0, 80) + "' cannot be set: a model is made once a run",
                          "write STEP.OPTION, or tasks.NAME.OPTION"});
      continue;
    }
    try {
      const std::optional<Json> value = option_value(recipe, control.set);
      if (!value) {
        findings.push_back({control.place, "no option is called '" + control.set.substr(0, 80) + "'",
                            "write STEP.OPTION, or tasks.NAME.OPTION"});
        continue;
      }
      Recipe changed = untyped(recipe);
      set_value(changed.tree, control.set, Node::from_json(*value, control.place, Origin::control), Missing::create,
                shelves);
      typed(std::move(changed), shelves, {});
    } catch (const Error& error) {
      const Finding& first = error.findings().at(0);
      findings.push_back(
          {control.place, "'" + control.set.substr(0, 80) + "' cannot be set: " + first.message, first.hint});
    }
  }
  if (!findings.empty()) throw_findings(std::move(findings), recipe.source);
}

}  // namespace

const ModelSpec* Recipe::model(std::string_view wanted) const {
  return named(models, wanted);
}
const RoleSpec* Recipe::role(std::string_view wanted) const {
  return named(roles, wanted);
}
const TaskSpec* Recipe::task(std::string_view wanted) const {
  return named(tasks, wanted);
}
const StoreSpec* Recipe::store(std::string_view wanted) const {
  return named(stores, wanted);
}

const StepSpec* Recipe::step(std::string_view wanted) const {
  for (const auto* steps : {&before, &round, &after})
    if (const StepSpec* found = named(*steps, wanted)) return found;
  return nullptr;
}

Recipe read_recipe(const RecipeInput& input, const Shelves& shelves) {
  Recipe recipe;
  recipe.source = input.file;
  recipe.source_text = input.text;
  recipe.tree = parse_yaml(input.text, input.file);
  std::vector<Finding> findings;
  if (recipe.tree.kind == Node::Kind::map) {
    apply_overrides(recipe.tree, input.overrides, shelves, findings);
    interpolate(recipe.tree, input.environment, findings);
  }
  recipe = typed(std::move(recipe), shelves, std::move(findings));
  check_controls(recipe, shelves);
  return recipe;
}

Recipe with_values(const Recipe& recipe, const std::vector<std::pair<std::string, Json>>& values,
                   const Shelves& shelves) {
  Recipe changed = untyped(recipe);
  for (const auto& [path, value] : values) {
    const Place place{"control '" + path + "'", 0, 0};
    set_value(changed.tree, path, Node::from_json(value, place, Origin::control), Missing::create, shelves);
  }
  return typed(std::move(changed), shelves, {});
}

}  // namespace sil
