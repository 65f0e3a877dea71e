#include "engines/log_softmax.h"

#include <algorithm>
#include <limits>

#include "base/math.h"
#include "engines/vector_math.h"

namespace sil {

void scale_row(std::span<const float> logits, float temperature, std::span<float> z) {
  if (temperature == 1) {
    std::copy(logits.begin(), logits.end(), z.begin());
  } else {
    for (size_t i = 0; i < logits.size(); ++i) z[i] = logits[i] / temperature;
  }
  std::fill(z.begin() + static_cast<std::ptrdiff_t>(logits.size()), z.end(), -std::numeric_limits<float>::infinity());
}

LogSoftmax::LogSoftmax(size_t columns)
    : chunks_((columns + kChunk - 1) / kChunk), row_(padded(columns)), scratch_(std::max(padded(columns), kChunk)) {}

LogSum LogSoftmax::sum(std::span<const float> z) {
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const std::span<const float> chunk = z.subspan(c * kChunk, std::min(kChunk, z.size() - c * kChunk));
    const float max = largest(chunk);
    const bool empty = max == -std::numeric_limits<float>::infinity();
    chunks_[c] = {max, empty ? 0 : exp_sum(chunk, max)};
  }
  if (chunks_.size() == 1) return {chunks_[0].max, exact_log(chunks_[0].scaled)};
  float max = chunks_[0].max;
  for (const ExpSum& chunk : chunks_) max = std::max(max, chunk.max);
  float scaled = 0;
  for (const ExpSum& chunk : chunks_) scaled += chunk.scaled * exact_exp(chunk.max - max);
  return {max, exact_log(scaled)};
}

LogSum LogSoftmax::scaled_sum(std::span<const float> logits, float temperature) {
  scale_row(logits, temperature, row_);
  return sum(row_);
}

std::span<const float> LogSoftmax::probabilities(const LogSum& sum) {
  const std::span<float> out(scratch_.data(), row_.size());
  for (size_t i = 0; i < row_.size(); ++i) out[i] = sum.log_prob(row_[i]);
  exp_each(out);
  return out;
}

}  // namespace sil
