// Log-probabilities of given tokens by packed full sequences: one product a matrix and pack.
#pragma once

#include <vector>

#include "base/threads.h"
#include "nn/model.h"
#include "sil/engine.h"

namespace sil::nn {

// Sequences of a pack: together at most so many tokens, a longer sequence stands alone.
inline constexpr int64_t kPackTokens = 512;

// Rows of a pack of sequences [begin[s], begin[s + 1]) that attend to themselves.
Layout packed_layout(std::span<const int64_t> begin);

// See Engine::score. Throws Error(Exit::unreadable) on a sequence longer than the model's context.
std::vector<float> score_sequences(const Model& model, const float* weights, const ScoreBatch& batch, float temperature,
                                   ThreadPool* pool);

}  // namespace sil::nn
