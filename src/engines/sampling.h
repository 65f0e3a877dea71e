// Drawing tokens from a row of logits, for every engine that has logits.
//
// Two-level Gumbel-max: noise on the log-sums of 1,024-column chunks picks a chunk, noise on that chunk's logits picks
// the token (the maximum of log-weights plus Gumbel noise is a categorical draw; Maddison et al. 2014, "A* Sampling"),
// so a token of a large vocabulary costs about 1,200 uniforms. Noise belongs to the address of the draw and the token
// id: neither batch, slot nor filters move it. Ties go to the lower id.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engines/log_softmax.h"
#include "sil/engine.h"

namespace sil {

// Where a token stands among all draws of a run (rng.h draw_counter).
struct DrawAddress {
  uint64_t key = 0;
  uint64_t uid = 0;
  uint32_t sample = 0;
  uint32_t position = 0;  // within the completion
};

// Standard Gumbel noise for `items` consecutive items; four items share the counter `first_block + i / 4`. `noise`
// holds padded(items) values, those behind the items without meaning. Tokens use blocks [0, 256) by their id within the
// chunk, chunks the blocks from 256 on.
void gumbel_noise(const DrawAddress& address, uint32_t first_block, size_t items, std::span<float> noise);

// Largest of a + b; the lowest index of equals.
size_t argmax_of_sum(std::span<const float> a, std::span<const float> b);

struct Sampled {
  TokenId id = 0;
  float logprob = 0;    // log-softmax(logits / T) before any filter; of T = 1 where T is 0
  float kept_mass = 1;  // the model's probability of the id over the one that it was drawn with
};

// Draws with one set of options; holds the scratch of one thread.
class TokenSampler {
 public:
  TokenSampler(const SamplingOptions& options, size_t vocabulary);

  bool filtered() const { return filtered_; }  // kept_mass is worth storing
  bool ranked() const { return options_.top_logprobs > 0; }
  Sampled draw(std::span<const float> logits, const DrawAddress& address);
  // In two parts, for rows that come again: the log-sum that log-probs are taken from is the same each time.
  LogSum total(std::span<const float> logits);
  Sampled draw(std::span<const float> logits, const LogSum& total, const DrawAddress& address);
  // The row last drawn from: Completion's top_ids and top_logprobs of one position.
  void append_top(std::vector<TokenId>& ids, std::vector<float>& logprobs);

 private:
  Sampled draw_scaled(const LogSum& total, const DrawAddress& address);
  TokenId likeliest(std::span<const float> z);  // of a scaled row and the biases
  // The row that ids are drawn from; `total` becomes its log-sum, `mass` what the filters left of it.
  std::span<const float> changed_row(LogSum& total, float& mass);
  size_t pick_chunk(const DrawAddress& address, std::span<const ExpSum> chunks);

  SamplingOptions options_;
  size_t vocabulary_;
  std::vector<LogitBias> biases_;
  bool filtered_;
  LogSoftmax softmax_;
  LogSum total_;  // of the row last drawn from
  std::vector<float> kept_;
  std::vector<float> noise_;
  std::vector<TokenId> order_;
  std::vector<float> chunk_scores_;
  std::vector<float> chunk_noise_;
};

}  // namespace sil
