// A stored rollout as `sil show` gives it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "record/lines.h"
#include "sil/json.h"
#include "steps/run_state.h"

namespace sil {

struct Row {
  const std::string& round;
  const Group& group;
  const Rollout& rollout;
  const Fate& fate;  // `fate` empty: no filter saw it
};

std::string fate_of(const Row& row);
const std::string& prompt_of(const Group& group, const Rollout& rollout);
Json verdict_json(const Verdict& verdict);
Json row_json(const Row& row);

// Every part of a pool that holds groups of this round and rollouts that `step` wrote, as often as it occurs; all of
// its groups are chosen.
std::vector<PoolPart> parts_with(const RunState& state, const std::string& round, const std::string& step);
// The part as the last step that touched it left it. Later pools hold the same frames with more layers: verdicts and
// fates of what stands behind a filter, or of a later round that drew it from a store.
std::optional<PoolPart> fullest_part(const RunState& state, const std::string& round, const std::string& step);
std::string last_fates_step(const PoolPart& part);  // "" = none

}  // namespace sil
