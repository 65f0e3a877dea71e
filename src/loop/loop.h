// A run: sections of steps (before, rounds 1..n, after), each recorded before it counts, so that the same command
// continues whatever interrupted it.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/recipe.h"
#include "sil/env.h"
#include "sil/registries.h"
#include "steps/run_state.h"
#include "steps/step.h"

namespace sil {

// Tells a person what happens. Called from one thread.
class RunProgress {
 public:
  virtual ~RunProgress() = default;
  virtual void line(const std::string& text) = 0;                                  // one per step and per round
  virtual void working(const std::string& step, int64_t done, int64_t total) = 0;  // groups or optimizer steps
  // The same for programs: round {round, rounds} | step {round, step, verb, digest, metrics, seconds, skipped} |
  // seal {round, digest} | note {text}.
  virtual void event(std::string_view /*type*/, const Json& /*data*/) {}
};

struct RunRequest {
  RecipeInput recipe;
  std::string directory;  // "" = runs/NAME
  int threads = 1;
  int64_t last_round = 0;         // > 0: stop after this round as if the recipe had no more
  bool fresh = false;             // rename an existing directory out of the way first
  int64_t frame_rollouts = 4096;  // a frame closes here; changes no digest
};

struct RunSummary {
  std::string run;                      // directory
  std::string status;                   // done | stopped
  int64_t rounds = 0;                   // sealed, numbered ones
  Digest digest;                        // of the last sealed section
  RoundMetrics metrics;                 // of the last round and of `after`
  std::vector<std::string> unconfined;  // commands of graders that run outside any cage
};

// An internal error, with the directory of the run that it happened in.
class FailedRun final : public Error {
 public:
  FailedRun(const Error& error, std::string directory) : Error(error), directory_(std::move(directory)) {}
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

// What only the steps and the shelves can tell of a recipe: options that do not fit, views that cannot be read,
// held-out problems that would train, expressions that name what no unit has. Reads no data and starts nothing.
std::vector<Finding> recipe_findings(const Recipe& recipe, const Registries& registries, const Registry<Step>& steps);

// Commands of the graders that the recipe runs with the user's rights, outside any cage, each once.
std::vector<std::string> unconfined_graders(const Recipe& recipe, const Registries& registries,
                                            const Registry<Step>& steps);

// Starts or continues. Exit::stopped is a status here, not an exception; failures are Errors, an internal one a
// FailedRun.
RunSummary run_recipe(const RunRequest& request, const Registries& registries, const Registry<Step>& steps, Env& env,
                      RunProgress& progress, std::stop_token stop);

// The recipe a run was started with, read from its record, with `overrides` on top. Error(Exit::corrupt) when today's
// program reads it otherwise, Exit::usage when an override does not fit.
Recipe recorded_recipe(Env& env, const std::string& run_dir, const RunState& state, const Registries& registries,
                       const Registry<Step>& steps, const std::vector<std::string>& overrides = {});
// The folded journal of a run, with the pools of every section bound (steps/binding.h).
RunState load_run(Env& env, const std::string& run_dir, const Registries& registries, const Registry<Step>& steps);

struct RoundComparison {
  std::string round;
  bool equal = false;
  int64_t steps = 0;             // compared
  std::string first_difference;  // "STEP: …" or ""
};
// Runs the record's recipe again in the new directory `scratch`, as far as the record goes but at most to `last_round`
// (0 = to its end), and compares the digest of every step.
std::vector<RoundComparison> reproduce_run(Env& env, const std::string& run_dir, const std::string& scratch,
                                           int64_t last_round, int threads, const Registries& registries,
                                           const Registry<Step>& steps);
// First differences of two runs' records, round by round.
std::vector<RoundComparison> compare_runs(const RunState& a, const RunState& b);

struct FsckReport {
  int64_t records = 0;
  int64_t bytes = 0;
  Digest digest;
};
// Re-hashes the journal's chain and every frame and object that a record names, recomputes from the lines the digests
// of items, steps and sections, and checks each step's ledger (loop/ledger.h). Throws Error(Exit::corrupt) at the first
// thing that is not what its digest or its tally says. Needs nothing but the directory.
FsckReport fsck_run(Env& env, const std::string& run_dir, int threads = 1);
// The ledger between steps, for which the recorded recipe is read (loop/ledger.h check_flow).
void fsck_flow(Env& env, const std::string& run_dir, const Registries& registries, const Registry<Step>& steps);

}  // namespace sil
