// The recipe's verifiers once more over the rollouts of the record: which verdicts would be others now.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loop/look_back.h"

namespace sil {

// Overrides may change only what stands below verify steps of the recipe: Error(Exit::usage) that names the first
// other.
void check_verify_overrides(const Recipe& recipe, const std::vector<std::string>& overrides);

// A unit whose label differs, or whose score does though it was not abstained from.
struct Flip {
  std::string id;  // of the rollout, or of the group
  std::string round, step;
  std::optional<Verdict> stored, now;  // none: the step did not judge it
};

struct RejudgeCounts {
  int64_t units = 0, flips = 0;
  std::map<std::string, int64_t> changes;  // "pass -> fail" and such; "score" where only it differs
};

// Each verify step (only `step` when not "") judges anew what it was given then; what a step above it would say now
// changes nothing. `flip` is called in canonical order. Nothing of the run is changed.
RejudgeCounts rejudge_run(RecordedRun& run, const std::string& step, const std::function<void(const Flip&)>& flip);

}  // namespace sil
