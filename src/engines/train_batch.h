// What any engine does with a TrainBatch before its own arithmetic.
#pragma once

#include <cstdint>
#include <vector>

#include "sil/engine.h"

namespace sil {

// Throws Error(Exit::unreadable) on an id outside [0, vocabulary); `what` names where it came from.
void check_ids(std::span<const TokenId> ids, TokenId vocabulary, std::string_view what);

// Arrays of one length, offsets that ascend, ids of the vocabulary, and what the atoms need.
void check_batch(const TrainBatch& batch, const LossSpec& loss, TokenId vocabulary);

StepTotals step_totals(const TrainBatch& batch);

// Sequences [first, last) of a step.
struct MicroShard {
  size_t first = 0;
  size_t last = 0;
};

// Whole sequences, whole pairs, in order, each up to an eighth of the step's tokens, but at least 256 and at most
// 2,048; a longer sequence or pair stands alone. A step's sums are over its shards in this order, so threads and memory
// change no bit.
std::vector<MicroShard> micro_shards(const TrainBatch& batch);
// Of a step of so many tokens (0 = unknown), where no sequence is longer than a shard.
int64_t most_shards(int64_t step_tokens);

}  // namespace sil
