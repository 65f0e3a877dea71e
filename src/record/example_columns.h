// Examples as training reads them: all sequences end to end, without the strings. One pass over the lines and a few
// growing arrays, because a finetune reads every kept rollout of a round twice, at the speed of the fastest engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "sil/records.h"

namespace sil {

// E examples, S sequences, N tokens.
struct ExampleColumns {
  std::vector<uint32_t> first{0};  // [E+1] first sequence of each example
  std::vector<uint64_t> group;     // [E]
  std::vector<uint32_t> begin{0};  // [S+1] first token of each sequence
  std::vector<float> temperature;  // [S]
  std::vector<TokenId> ids;        // [N]
  std::vector<uint8_t> target;     // [N] 1 where a segment of nonzero weight covers a token that has one before it
  std::vector<float> credit;       // [N] that weight, else 0
  std::vector<float> logprobs;     // [N] as sampled, or empty when they were not asked for

  size_t examples() const { return group.size(); }
  uint32_t tokens(size_t example) const { return begin[first[example + 1]] - begin[first[example]]; }
};

struct ExampleReading {
  bool logprobs = false;  // wanted: a sequence without them is Error(Exit::usage)
  // By line from 0; lines that are not wanted are not looked at. Empty: all are.
  std::function<bool(size_t line)> wanted;
};

// Appends what append_example wrote (record/lines.h). Throws Error(Exit::corrupt) that says what is wrong with which
// line; log-probs that were not asked for are skipped, not judged.
void read_example_columns(std::string_view text, const ExampleReading& reading, ExampleColumns& out);

}  // namespace sil
