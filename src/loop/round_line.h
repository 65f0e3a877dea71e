// What one line tells of a finished round.
#pragma once

#include <string>
#include <vector>

#include "steps/run_state.h"

namespace sil {

// "round 3: sampled 1024, pass rate 0.412, kept 96, loss 0.93, evaluate pass@1 0.55 [0.49, 0.61], accepted"; what a
// round has no step for is left out.
std::string round_line(const RoundState& round);

// Why a round could not learn, or may mislead, and what to change.
std::vector<std::string> round_notes(const RoundState& round);

}  // namespace sil
