// top-k, top-p and min-p on one row.
#pragma once

#include <span>
#include <vector>

#include "engines/log_softmax.h"
#include "sil/engine.h"

namespace sil {

// True where `options` cut the distribution of a sampled row.
bool truncates(const SamplingOptions& options);

// Sets dropped columns of `z` (logits / T, `total` their log-sum) to -inf and returns the probability of the rest. In
// this order: the top_k largest; of those, the fewest whose share reaches top_p; of those, the ones at least min_p
// times as likely as the likeliest. Among equals the lower id stays. `order` is scratch.
float truncate_row(std::span<float> z, const LogSum& total, const SamplingOptions& options,
                   std::vector<TokenId>& order);

}  // namespace sil
