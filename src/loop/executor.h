// Runs a chain of local steps over the frames of a source: many frames at once on worker threads, committed in
// canonical order by the calling thread. A bounded window between taking and committing keeps memory flat however slow
// a step is, and lets one frame be judged while the next is sampled. Neither threads nor frame boundaries change a
// digest.
#pragma once

#include <vector>

#include "steps/context.h"

namespace sil {

// Commits every frame the source still gives; returns the seconds of processor time that each member took. Throws the
// first failure, or Error(Exit::stopped) once a stop was requested: whatever was committed before counts.
std::vector<double> run_chain(RoundContext& context, FrameSource& source, const std::vector<ChainMember>& members);

std::string segment_name(const std::string& round, const std::string& step, const std::string& kind);

}  // namespace sil
