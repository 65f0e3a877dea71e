// Which saved objects of a run stay, and how the others go: a `retire` record first, then the file.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "record/objects.h"
#include "steps/context.h"
#include "steps/run_state.h"

namespace sil {

// Weights, optimizer states and training states that are on disk, that `retain` does not keep and that no later step
// can read: base, live, start, best, the incumbent, a candidate, averages and what the recipe names as {round: k}
// always stay; so do their optimizer states when a finetune may keep them. `resolved`: the recipe's. Sorted.
std::vector<Digest> retirable_objects(const RunState& state, const RetainSpec& retain, const Json& resolved);

// Records that the objects are retired (unless there are none), then removes them. Returns the bytes freed.
uint64_t retire_objects(const std::vector<Digest>& retired, const Recorder& record, ObjectStore& objects);

// Finishes what a kill between a `retire` record and its removals left: of the last one, as a run goes on only once
// they are done.
void remove_retired(const std::vector<JournalRecord>& records, const RunState& state, ObjectStore& objects);

// As an `open` record has it.
Json retain_json(const RetainSpec& retain);

struct GcReport {
  int64_t objects = 0;      // removed, or with `dry_run` those that would be
  int64_t temporaries = 0;  // entries of tmp/
  uint64_t bytes = 0;       // of both
};
// Applies the `retain` of the run's last start, then removes what no record names or what is retired, leftovers of
// killed processes and checkpoints of retired versions. Error: as RunDirectory, and Exit::unreadable when `run_dir` is
// no run. With `dry_run` nothing but the lock is touched.
GcReport gc_run(Env& env, const std::string& run_dir, bool dry_run);

}  // namespace sil
