// The ledger: what a run's record must add up to. Everything that was asked for is accounted for, with its reason; what
// lines say, tallies say; every digest follows from the lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loop/look_back.h"
#include "steps/tally.h"

namespace sil {

// The first equation between a step's counts that does not hold, with its numbers; "" when all do. `lines`: by kind, of
// the files that the tally is about.
//   rollouts  asked = rollouts = finished + cancelled
//   verdicts  lines = units = pass + fail + abstain = sum over outcome classes
//   fates     lines = in = kept + dropped (by reason) + surplus + canary
//   examples  lines = examples; after a filter: kept = used in an example + unused (by reason)
std::string imbalance(const Tally& tally, const std::map<std::string, int64_t>& lines);

// Digests as the record has them.
Digest step_digest(const Digest& result, const StepProgress& step);  // `result`: of the step's global part
Digest section_digest(const RunState& state, const RoundState& round);

// Recomputes from the text of every frame its items' digests and counts, from these every step's and section's digest,
// and checks each step's ledger. Returns the bytes read. Error(Exit::corrupt) names round, step and frame of the first
// thing that differs. Holds a few frames, and 24 bytes a group of one section.
int64_t check_frames(Env& env, const std::string& run_dir, const std::vector<JournalRecord>& records, int threads);

// What one step made is what the next one was given: a filter's input, the examples of a finetune and how often they
// were taken. Needs the recipe, but neither tasks nor engines; the frames themselves are check_frames's.
// Error(Exit::corrupt).
void check_flow(const RecordView& view, const std::vector<JournalRecord>& records);

}  // namespace sil
