// The parts of a recipe, each from its node to its typed form and its place in `resolved`. Faults are findings in
// `Reading`; what could be read is kept.
#pragma once

#include <string>
#include <vector>

#include "recipe/option_reader.h"
#include "recipe/recipe.h"

namespace sil {

// Everything the top level says besides its sections.
struct TopOptions {
  std::string name;  // default: the stem of the file
  int64_t seed = 0;
  int64_t rounds = 1;
  void visit(OptionVisitor& v);
};

struct RetainOptions {
  RetainSpec spec;
  void visit(OptionVisitor& v);
};

struct ModelOptions {  // beside the engine
  std::vector<PluginSpec> tokenizer;
  int64_t members = 1;
  void visit(OptionVisitor& v);
};

struct RoleOptions {
  std::string model;
  Json weights = "live";
  Json view;
  void visit(OptionVisitor& v);
};

struct StoreOptions {
  std::string holds = "groups";
  std::vector<PluginSpec> draw;
  std::vector<PluginSpec> evict;
  int64_t max = 0;
  void visit(OptionVisitor& v);
};

struct ControlOptions {
  std::string set;
  std::vector<PluginSpec> by;
  void visit(OptionVisitor& v);
};

// Each reads one section of `recipe.tree` (or finds it missing) and fills its part of `recipe`.
void read_top(Recipe& recipe, Reading& reading);
void read_models(Recipe& recipe, Reading& reading);
void read_roles(Recipe& recipe, Reading& reading);  // after the models
void read_tasks(Recipe& recipe, Reading& reading);
void read_stores(Recipe& recipe, Reading& reading);
void read_controls(Recipe& recipe, Reading& reading);
void read_steps(Recipe& recipe, Reading& reading);  // steps.cpp; after the stores

// Resolves every name, and finds what nobody uses, what is named twice and who may not read which split. references.cpp
void check_references(const Recipe& recipe, Reading& reading);

}  // namespace sil
