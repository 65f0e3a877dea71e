#include "engines/sampling.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/math.h"
#include "engines/truncation.h"
#include "engines/vector_math.h"
#include "sil/error.h"
#include "sil/rng.h"

namespace sil {
namespace {

constexpr uint32_t kChunkBlocks = 256;  // first block of the chunks' noise

void check_option(bool allowed, const char* name, double value, const char* range) {
  if (allowed) return;
  throw Error(Exit::usage, std::string(name) + ": " + std::to_string(value) + " is out of range; " + range,
              "change the option where the sampling is asked for");
}

}  // namespace

void check_sampling(const SamplingOptions& options) {
  constexpr int64_t kPositions = int64_t{1} << 24;  // what a draw's address can hold
  check_option(std::isfinite(options.temperature) && (options.temperature == 0 || options.temperature >= 1e-3),
               "temperature", options.temperature, "0 or at least 0.001");
  check_option(options.top_k >= 0, "top_k", static_cast<double>(options.top_k), "at least 0");
  check_option(options.top_p > 0 && options.top_p <= 1, "top_p", options.top_p, "above 0, at most 1");
  check_option(options.min_p >= 0 && options.min_p <= 1, "min_p", options.min_p, "0 to 1");
  check_option(options.max_new_tokens >= 0 && options.max_new_tokens <= kPositions, "max_new_tokens",
               static_cast<double>(options.max_new_tokens), "0 to 16777216");
  for (const std::string& stop : options.stop)
    if (stop.empty()) throw Error(Exit::usage, "stop: an empty text would stop every rollout", "leave it out");
}

void gumbel_noise(const DrawAddress& address, uint32_t first_block, size_t items, std::span<float> noise) {
  std::fill(noise.begin() + static_cast<std::ptrdiff_t>(items), noise.end(), 0.5F);
  for (size_t i = 0; i < items; i += 4) {
    const uint32_t block = first_block + static_cast<uint32_t>(i / 4);
    const auto words = philox4x32_10(draw_counter(address.uid, address.sample, address.position, block), address.key);
    for (size_t j = 0; j < 4; ++j) noise[i + j] = uniform(words[j]);
  }
  gumbel_each(noise);
}

size_t argmax_of_sum(std::span<const float> a, std::span<const float> b) {
  size_t best = 0;
  float highest = a[0] + b[0];
  for (size_t i = 1; i < a.size(); ++i) {
    const float value = a[i] + b[i];
    if (value > highest) {
      highest = value;
      best = i;
    }
  }
  return best;
}

TokenSampler::TokenSampler(const SamplingOptions& options, size_t vocabulary)
    : options_(options),
      vocabulary_(vocabulary),
      filtered_(truncates(options)),
      softmax_(vocabulary),
      kept_(filtered_ ? padded(vocabulary) : 0),
      noise_(std::min(kChunk, padded(vocabulary))),
      chunk_scores_(padded(softmax_.chunks().size())),
      chunk_noise_(chunk_scores_.size()) {
  check_sampling(options);
  SIL_CHECK(vocabulary >= 1 && vocabulary <= kChunk * kChunk);
}

LogSum TokenSampler::total(std::span<const float> logits) {
  return softmax_.scaled_sum(logits, stored_temperature(options_.temperature));
}

Sampled TokenSampler::draw(std::span<const float> logits, const DrawAddress& address) {
  const LogSum sum = total(logits);
  return draw_scaled(logits, sum, address);
}

Sampled TokenSampler::draw(std::span<const float> logits, const LogSum& total, const DrawAddress& address) {
  softmax_.scale(logits, stored_temperature(options_.temperature));
  if (softmax_.chunks().size() > 1) softmax_.sum(softmax_.row());
  return draw_scaled(logits, total, address);
}

// The row lies scaled and summed in softmax_; of a single chunk the sum is not read.
Sampled TokenSampler::draw_scaled(std::span<const float> logits, const LogSum& total, const DrawAddress& address) {
  std::span<const float> z = softmax_.row();
  if (options_.temperature == 0) {
    const auto best = std::max_element(logits.begin(), logits.end());
    const auto id = static_cast<size_t>(best - logits.begin());
    return {static_cast<TokenId>(id), total.log_prob(z[id]), 1};
  }
  float mass = 1;
  if (filtered_) {
    std::copy(z.begin(), z.end(), kept_.begin());
    mass = truncate_row(std::span(kept_).first(vocabulary_), total, options_, order_);
    softmax_.sum(kept_);
    z = kept_;
  }
  const size_t first = kChunk * pick_chunk(address, softmax_.chunks());
  const std::span<const float> chunk = z.subspan(first, std::min(kChunk, z.size() - first));
  const std::span<float> noise(noise_.data(), chunk.size());
  gumbel_noise(address, 0, std::min(kChunk, vocabulary_ - first), noise);
  const size_t id = first + argmax_of_sum(chunk, noise);
  return {static_cast<TokenId>(id), total.log_prob(softmax_.row()[id]), mass};
}

size_t TokenSampler::pick_chunk(const DrawAddress& address, std::span<const ExpSum> chunks) {
  if (chunks.size() == 1) return 0;  // one contestant needs no noise
  for (size_t c = 0; c < chunks.size(); ++c) chunk_scores_[c] = chunks[c].max + exact_log(chunks[c].scaled);
  gumbel_noise(address, kChunkBlocks, chunks.size(), chunk_noise_);
  return argmax_of_sum(std::span(chunk_scores_).first(chunks.size()), chunk_noise_);
}

}  // namespace sil
