// Log-probabilities of one row of logits. The sampler, the scorer and the trainer all come through here, which is why
// they agree bit for bit. Sums run over 16 lanes (element i in lane i mod 16, ascending) joined by one fixed tree, by
// chunk of 1,024 columns, chunks ascending: no vector width, batch or thread changes them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sil {

inline constexpr size_t kChunk = 1024;

// Sum of exp over a part of a row, without overflow: sum = exp(max) * scaled.
struct ExpSum {
  float max = 0;     // -inf where nothing is left of the part
  float scaled = 0;  // sum of exp(z - max); 0 where nothing is left
};

// What a row's log-probabilities are taken from: log p(i) = (z_i - max) - log.
struct LogSum {
  float max = 0;
  float log = 0;

  float log_prob(float z) const { return (z - max) - log; }
};

// The temperature that log-probs are stored at: greedy rollouts store those of 1.
inline float stored_temperature(double temperature) {
  return temperature == 0 ? 1 : static_cast<float>(temperature);
}

// z = logits / temperature. `z` may be longer than `logits`; the rest becomes -inf. Buffers made by `padded` are read
// in whole vectors.
void scale_row(std::span<const float> logits, float temperature, std::span<float> z);
// Columns rounded up to whole lanes.
constexpr size_t padded(size_t columns) {
  return (columns + 15) / 16 * 16;
}

// Works on rows of one width; holds the scratch of one thread.
class LogSoftmax {
 public:
  explicit LogSoftmax(size_t columns);

  // `z` has padded(columns) elements, -inf in the padding. Its chunks stay readable until the next call.
  LogSum sum(std::span<const float> z);
  std::span<const ExpSum> chunks() const { return chunks_; }

  // The scaled row itself, logits / temperature, and its log-sum.
  void scale(std::span<const float> logits, float temperature) { scale_row(logits, temperature, row_); }
  LogSum scaled_sum(std::span<const float> logits, float temperature);
  std::span<const float> row() const { return row_; }
  // exp(z - max - log) of the last scaled row, padded with 0.
  std::span<const float> probabilities(const LogSum& sum);

 private:
  std::vector<ExpSum> chunks_;
  std::vector<float> row_;
  std::vector<float> scratch_;
};

}  // namespace sil
