// Rollouts sampled once more, alone, from the record, and compared with what is stored: ids, log-probabilities bit for
// bit, finish.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loop/look_back.h"
#include "steps/resample.h"

namespace sil {

// "ROUND/STEP/UID[.OCCURRENCE]/SAMPLE[@MEMBER]" taken apart.
struct RolloutId {
  std::string round, step;
  uint64_t uid = 0;
  uint32_t occurrence = 0, sample = 0, member = 0;

  std::string text() const;
};
RolloutId parse_rollout_id(const std::string& text);  // Error(Exit::usage)

struct ReplayedRollout {
  std::string id;
  Rollout stored;
  SampledAgain again;
  std::vector<std::string> tokens;  // of what was sampled now, for people
  std::string difference;           // the first one; "" = equal
};
// Error: Exit::usage when the record has no such rollout or no step sampled it, Exit::unreadable when the weights that
// sampled it were retired.
ReplayedRollout replay_rollout(RecordedRun& run, const std::string& id);

struct ReplayCounts {
  int64_t rollouts = 0;  // in the record
  int64_t drawn = 0;     // = equal + differing + not_sampled + retired
  int64_t equal = 0, differing = 0;
  int64_t not_sampled = 0;  // given by demonstrate
  int64_t retired = 0;      // their weights were freed by retain
  std::string first_id, first_difference;
};
// `count` rollouts (all when the record has fewer), drawn by a key over the whole record.
ReplayCounts replay_random(RecordedRun& run, int64_t count, uint64_t seed);

// What a resumed run does first: the beginning of the last sampled frame once more. Error(Exit::differs) names step,
// rollout and token of the first difference. Leaves no version resident.
void check_last_frame(const std::vector<JournalRecord>& records, const RecordView& view);

}  // namespace sil
