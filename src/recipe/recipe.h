// The recipe as the loop reads it: names resolved, options typed, every finding of every place reported at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sil/digest.h"
#include "sil/expression.h"
#include "sil/json.h"
#include "sil/node.h"
#include "sil/options.h"
#include "sil/registry.h"

namespace sil {

// An input: a pool or a store by name, with how many records and by which law for a store.
struct InputSpec {
  std::string name;
  int64_t n = 0;                   // 0 = as many as the law gives
  std::optional<PluginSpec> draw;  // overrides the store's law
  Place place;
};

struct StepSpec {
  std::string verb;
  std::string name;  // `as`, else the verb, then verb_2 ...
  Place place;
  std::vector<InputSpec> of;  // empty: the pool that the nearest step above made or added to
  std::string where_label;    // passed | failed | abstained | ""
  Expression where;           // else an expression, or empty
  std::string per;            // turn | rollout | pair | group | problem | pool | record; "" = the verb's default
  int64_t per_set = 0;        // {set: n}
  Expression when;
  std::string put;     // store
  PluginSpec options;  // kind "step", name = verb
};

struct ModelSpec {
  std::string name;
  PluginSpec engine;                    // kind "engine"
  std::optional<PluginSpec> tokenizer;  // kind "tokenizer"
  std::optional<PluginSpec> adapter;    // kind "adapter"
  int64_t members = 1;                  // versions side by side
  Place place;
};

struct RoleSpec {
  std::string name;
  std::string model;
  Json weights = "live";  // version rule: live | base | start | best | {round: k} | {ema: a}
  Json view;              // null = the plain view; text/view.h
  Place place;
};

struct TaskSpec {
  std::string name;
  PluginSpec plugin;  // kind "task"
};

struct StoreSpec {
  std::string name;
  std::string holds = "groups";    // groups | examples
  std::optional<PluginSpec> draw;  // kind "draw"; default all
  std::vector<PluginSpec> evict;   // kind "evict"
  int64_t max = 0;                 // 0 = no bound; the oldest go first
  Place place;
};

struct ControlSpec {
  std::string set;  // path as in an override: "generate.temperature"
  PluginSpec by;    // kind "control"
  Place place;
};

// An expression of the recipe, for `check`: which step's units it reads.
struct ExpressionUse {
  Expression expression;
  std::string step;    // step name; "" = outside a step
  std::string option;  // "where", "keep.lua", "score" ...
};

struct RetainSpec {
  std::string weights = "accepted + last 2";  // all | accepted + last N | last N
  std::string optimizer = "last";             // all | last | none
};

struct Recipe {
  std::string name;
  uint64_t seed = 0;
  int64_t rounds = 1;
  RetainSpec retain;
  std::vector<ModelSpec> models;
  std::vector<RoleSpec> roles;  // every model is also a role of its own name: those come first
  std::vector<TaskSpec> tasks;
  std::vector<StoreSpec> stores;
  std::vector<ControlSpec> control;
  std::vector<StepSpec> before, round, after;
  std::vector<ExpressionUse> expressions;
  std::vector<PluginSpec> plugins;  // all that options name; not the tasks', models' and steps' own

  std::string source;  // file as given
  std::string source_text;
  Node tree;      // after overrides, before typing: where `control` sets values
  Json resolved;  // every option with its value
  std::map<std::string, std::string>
      origins;    // dotted path of `resolved` -> "file:line" | "override" | "default" | "control"
  Digest digest;  // of `resolved` without name, rounds, retain: what may not change between starts

  const ModelSpec* model(std::string_view name) const;
  const RoleSpec* role(std::string_view name) const;
  const TaskSpec* task(std::string_view name) const;
  const StoreSpec* store(std::string_view name) const;
  const StepSpec* step(std::string_view name) const;  // in before, round, after
};

// Shelves by kind, "step" among them.
using Shelves = std::vector<const AnyRegistry*>;

struct RecipeInput {
  std::string file;  // for places
  std::string text;
  std::vector<std::string> overrides;              // a.b=c, ~a.b, ++a.b=c
  std::map<std::string, std::string> environment;  // for ${env:NAME}; only what the caller allows to be read
};

// All stages: YAML -> overrides and interpolation -> typed. Throws Error(Exit::usage) with every finding.
Recipe read_recipe(const RecipeInput& input, const Shelves& shelves);

// live | base | start | best | {round: k} | {ema: a}, 0 < a < 1: how a recipe names a version of a model.
bool is_version_rule(const Json& rule);
inline constexpr std::string_view kVersionRules = "base, live, start, best, {round: k} or {ema: a}";

// Sets values by path, as `control` does each round, and types the recipe again (Origin::control).
Recipe with_values(const Recipe& recipe, const std::vector<std::pair<std::string, Json>>& values,
                   const Shelves& shelves);

// Refuses what no regular recipe is before reading it whole: folders, FIFOs, devices, more than 4 MiB. Exit::usage.
std::string read_recipe_file(const std::string& path);

}  // namespace sil
