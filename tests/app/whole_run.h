// Whole recipes in a simulated file system, with the program's own shelves, and what they left on disk.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/builtins.h"
#include "loop/loop.h"
#include "record/simulated_env.h"
#include "steps/pool.h"
#include "support/catch.h"

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

constexpr const char* kRun = "runs/tiny";

inline RunRequest request(const std::string& text, int threads = 1, int64_t frame_rollouts = 16) {
  RunRequest out;
  out.recipe.file = "recipe.yaml";
  out.recipe.text = text;
  out.directory = kRun;
  out.threads = threads;
  out.frame_rollouts = frame_rollouts;
  return out;
}

inline RunSummary run(Env& env, const RunRequest& request, RunProgress& progress, std::stop_token stop) {
  return run_recipe(request, builtins().registries, builtins().steps, env, progress, stop);
}
inline RunSummary run(Env& env, const RunRequest& request) {
  Lines lines;
  return run(env, request, lines, {});
}

// The same in a process that dies at its file-system call number `call`. What comes after is for the caller to say:
// restart() or lose_power().
inline void run_until(uint64_t call, SimulatedEnv& env, const RunRequest& request) {
  env.plan({call, Fault::Kind::crash, false, call});
  try {
    run(env, request);
  } catch (const SimulatedCrash&) {
  }
}

class WholeRun {
 public:
  // Runs it; a second one in the same WholeRun continues.
  RunSummary run(const std::string& text, std::vector<std::string> overrides = {}, int threads = 1) {
    RunRequest asked = request(text, threads);
    asked.recipe.overrides = std::move(overrides);
    progress.lines.clear();
    return testing::run(env, asked, progress, {});
  }

  RunState state() { return load_run(env, kRun, builtins().registries, builtins().steps); }
  // Groups of a pool of a section as a later step would read them.
  std::vector<Group> groups(const std::string& round, const std::string& pool) {
    std::vector<Group> out;
    const RunState now = state();
    for (const PoolPart& part : now.find_round(round)->pools.at(pool).parts)
      for (size_t f = 0; f < part.spans.size(); ++f)
        for (Group& group : read_groups(env, kRun, part, f)) out.push_back(std::move(group));
    return out;
  }
  Metrics metrics(const std::string& round, const std::string& step) {
    return state().find_round(round)->steps.at(step).metrics;
  }

  SimulatedEnv env;
  Lines progress;
};

// Runs `text` in `undisturbed` with frames of `frame_rollouts`, then with other threads and frames, then killed at
// every `stride`-th file-system call and continued: one digest.
inline void expect_one_digest(const std::string& text, SimulatedEnv& undisturbed, int64_t frame_rollouts,
                              uint64_t stride) {
  const RunRequest usual = request(text, 1, frame_rollouts);
  const Digest digest = run(undisturbed, usual).digest;
  for (int threads : {1, 3})
    for (int64_t frame : {1, 7, 64}) {
      SimulatedEnv env;
      INFO("threads " << threads << ", frames of " << frame);
      CHECK(run(env, request(text, threads, frame)).digest == digest);
    }
  for (uint64_t call = 0; call < undisturbed.calls().size(); call += stride) {
    SimulatedEnv env;
    run_until(call, env, usual);
    env.restart();
    INFO("killed at call " << call);
    REQUIRE(run(env, request(text, 2, 5)).digest == digest);
  }
}

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
