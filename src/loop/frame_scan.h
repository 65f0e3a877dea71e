// What the text of one recorded frame says by itself: the digests of its items and the counts that the step's tally
// must show. Reads lines just as far as that takes, so that a million rollouts are checked in seconds.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sil/digest.h"
#include "steps/pool.h"

namespace sil {

// What tells a group from every other one that its step made.
struct GroupKey {
  uint64_t uid = 0, parent = 0;
  uint32_t occurrence = 0;
  auto operator<=>(const GroupKey&) const = default;
};

struct FrameScan {
  std::vector<Digest> items;  // as record/lines.h FrameText gives them while writing
  int64_t lines = 0;
  std::map<std::string, int64_t> counts;  // by their names in the step's tally
  std::vector<GroupKey> groups;           // of lines that bring whole ones
  std::string fault;                      // groups out of order or outside the span, one id twice; "" = none
};

// `kind`: rollouts | verdicts | fates | examples. Error(Exit::corrupt) for lines that no writer of ours makes.
FrameScan scan_frame(std::string_view kind, std::string_view text, Span span);

}  // namespace sil
