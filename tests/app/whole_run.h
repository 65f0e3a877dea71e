// Whole recipes in a simulated file system, with the program's own shelves, and what they left on disk.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/builtins.h"
#include "loop/loop.h"
#include "record/simulated_env.h"
#include "steps/pool.h"

namespace sil::testing {

inline const Builtins& builtins() {
  static const Builtins made;
  return made;
}

class Lines final : public RunProgress {
 public:
  std::vector<std::string> lines;
  void line(const std::string& text) override { lines.push_back(text); }
  void working(const std::string&, int64_t, int64_t) override {}
};

class WholeRun {
 public:
  // Runs it; a second one in the same WholeRun continues.
  RunSummary run(const std::string& text, std::vector<std::string> overrides = {}, int threads = 1) {
    RunRequest request;
    request.recipe.file = "recipe.yaml";
    request.recipe.text = text;
    request.recipe.overrides = std::move(overrides);
    request.directory = kDirectory;
    request.threads = threads;
    request.frame_rollouts = 16;
    progress.lines.clear();
    return run_recipe(request, builtins().registries, builtins().steps, env, progress, {});
  }

  RunState state() { return load_run(env, kDirectory, builtins().registries, builtins().steps); }
  // Groups of a pool of a section as a later step would read them.
  std::vector<Group> groups(const std::string& round, const std::string& pool) {
    std::vector<Group> out;
    const RunState now = state();
    for (const PoolPart& part : now.find_round(round)->pools.at(pool).parts)
      for (size_t f = 0; f < part.spans.size(); ++f)
        for (Group& group : read_groups(env, kDirectory, part, f)) out.push_back(std::move(group));
    return out;
  }
  Metrics metrics(const std::string& round, const std::string& step) {
    return state().find_round(round)->steps.at(step).metrics;
  }

  static constexpr const char* kDirectory = "runs/law";
  SimulatedEnv env;
  Lines progress;
};

// Everything that is wrong with a recipe before it starts, one "line:column: message; hint" a finding; "" = nothing.
inline std::string findings(const std::string& text, std::vector<std::string> overrides = {}) {
  std::vector<Finding> found;
  try {
    const Recipe recipe = read_recipe({"recipe.yaml", text, std::move(overrides), {}}, builtins().shelves());
    found = recipe_findings(recipe, builtins().registries, builtins().steps);
  } catch (const Error& error) {
    found = error.findings();
  }
  std::string out;
  for (const Finding& finding : found)
    out += std::to_string(finding.place.line) + ":" + std::to_string(finding.place.column) + ": " + finding.message +
           "; " + finding.hint + "\n";
  return out;
}

}  // namespace sil::testing
