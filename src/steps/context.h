// What a step may use of its run and round.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/recipe.h"
#include "sil/engine.h"
#include "sil/env.h"
#include "sil/filter.h"
#include "sil/registries.h"
#include "sil/task.h"
#include "steps/models.h"
#include "steps/pool.h"
#include "steps/run_state.h"
#include "steps/step.h"
#include "text/view.h"

namespace sil {

// A chain of local steps over one source.
struct ChainMember {
  const StepSpec* spec = nullptr;
  std::unique_ptr<LocalRun> run;
};

// Appends to the journal and folds the record into the state: the only way a run advances.
using Recorder = std::function<void(std::string_view type, Json payload)>;

// "" = the only one; Error(Exit::usage) when there are several.
const RoleSpec& role_of(const Recipe& recipe, const std::string& name);

class RoundContext {
 public:
  RoundContext(const Recipe& recipe_now, const Registries& shelves, Env& outside, std::string directory,
               RunState& run_state, std::map<std::string, std::unique_ptr<Task>>& all_tasks, Models& all_models,
               Recorder recorder, ObjectStore& store)
      : recipe(recipe_now),
        registries(shelves),
        env(outside),
        run_dir(std::move(directory)),
        state(run_state),
        tasks(all_tasks),
        models(all_models),
        record(std::move(recorder)),
        objects(store) {}

  const Recipe& recipe;  // with this round's control values
  const Registries& registries;
  Env& env;
  std::string run_dir;
  RunState& state;
  std::map<std::string, std::unique_ptr<Task>>& tasks;
  Models& models;
  Recorder record;
  // Several records, acknowledged together.
  std::function<void(std::string_view type, std::vector<Json> payloads)> record_all;
  ObjectStore& objects;
  int threads = 1;
  int64_t frame_rollouts = 4096;
  std::stop_token stop;
  std::string section;                                         // "before" | "round" | "after"
  std::map<const StepSpec*, std::vector<std::string>> inputs;  // pool names a step reads, `of` or the nearest above
  std::function<void(const std::string& step, int64_t done, int64_t total)> working;

  RoundState& round() { return state.rounds.back(); }
  const RoundState& round() const { return state.rounds.back(); }
  int64_t number() const { return round_number(round().label); }
  const Task* task_of(const Problem& problem) const;
  const RoleSpec& role(const std::string& name) const { return role_of(recipe, name); }
  View view_of(const Json& spec, const Place& place) const;
  // Frames of the step's input pool, after those already committed for it.
  std::unique_ptr<FrameSource> pool_source(const StepSpec& spec, const std::string& first_step) const;
  Pool input_pool(const StepSpec& spec) const;
};

// Rounds that a key of random draws carries: none where they must not matter.
uint64_t step_key(const RoundContext& context, std::string_view purpose, const StepSpec& spec, bool with_round = true);

// Whether `where` of the step lets a rollout, or a group (rollout null), through.
class Where {
 public:
  Where(const RoundContext& context, const StepSpec& spec, std::string by);
  bool lets(const std::string& round, const Group& group, const Rollout* rollout) const;

 private:
  const RoundContext& context_;
  const StepSpec& spec_;
  std::string by_;
};
// What filters read; `round` is set frame by frame. Each thread works with a copy of its own.
FilterContext filter_context(RoundContext& context);
Label group_label(const Group& group, std::string_view by);  // passed if any passes, failed if none does and one fails

}  // namespace sil
