#include "engines/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/math.h"
#include "engines/truncation.h"
#include "engines/vector_math.h"
#include "sil/error.h"
#include "sil/rng.h"

namespace sil {
namespace {

constexpr uint32_t kChunkBlocks = 256;  // first block of the chunks' noise

}  // namespace

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
      biases_(logit_biases(options)),
      filtered_(options.temperature != 0 && (truncates(options) || !biases_.empty())),
      softmax_(vocabulary),
      kept_(filtered_ || !biases_.empty() ? padded(vocabulary) : 0),
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
  return draw_scaled(sum, address);
}

Sampled TokenSampler::draw(std::span<const float> logits, const LogSum& total, const DrawAddress& address) {
  softmax_.scale(logits, stored_temperature(options_.temperature));
  if (softmax_.chunks().size() > 1) softmax_.sum(softmax_.row());
  return draw_scaled(total, address);
}

// The row lies scaled and summed in softmax_; of a single chunk the sum is not read.
Sampled TokenSampler::draw_scaled(const LogSum& total, const DrawAddress& address) {
  total_ = total;
  const std::span<const float> z = softmax_.row();
  if (options_.temperature == 0) {
    const TokenId best = likeliest(z);
    return {best, total.log_prob(z[static_cast<size_t>(best)]), 1};
  }
  LogSum drawn_total = total;
  float mass = 1;
  const std::span<const float> drawn = filtered_ ? changed_row(drawn_total, mass) : z;
  const size_t first = kChunk * pick_chunk(address, softmax_.chunks());
  const std::span<const float> chunk = drawn.subspan(first, std::min(kChunk, drawn.size() - first));
  const std::span<float> noise(noise_.data(), chunk.size());
  gumbel_noise(address, 0, std::min(kChunk, vocabulary_ - first), noise);
  const size_t id = first + argmax_of_sum(chunk, noise);
  const float logprob = total.log_prob(z[id]);
  if (!biases_.empty()) mass *= exact_exp(logprob - drawn_total.log_prob(drawn[id]));
  return {static_cast<TokenId>(id), logprob, mass};
}

TokenId TokenSampler::likeliest(std::span<const float> z) {
  if (!biases_.empty()) {
    std::copy(z.begin(), z.end(), kept_.begin());
    for (const auto& [id, bias] : biases_) kept_[static_cast<size_t>(id)] += bias;
    z = kept_;
  }
  const float most = largest(z);
  return static_cast<TokenId>(std::ranges::find_if(z, [&](float value) { return !(value < most); }) - z.begin());
}

std::span<const float> TokenSampler::changed_row(LogSum& total, float& mass) {
  std::copy(softmax_.row().begin(), softmax_.row().end(), kept_.begin());
  const float temperature = stored_temperature(options_.temperature);
  for (const auto& [id, bias] : biases_) kept_[static_cast<size_t>(id)] += bias / temperature;
  if (!biases_.empty()) total = softmax_.sum(kept_);
  if (truncates(options_)) {
    mass = truncate_row(std::span(kept_).first(vocabulary_), total, options_, order_);
    softmax_.sum(kept_);
  }
  return kept_;
}

void TokenSampler::append_top(std::vector<TokenId>& ids, std::vector<float>& logprobs) {
  const std::span<const float> z = softmax_.row();
  const size_t count = std::min(static_cast<size_t>(options_.top_logprobs), vocabulary_);
  order_.resize(vocabulary_);
  std::iota(order_.begin(), order_.end(), 0);
  const auto likelier = [&](TokenId a, TokenId b) {
    const float left = z[static_cast<size_t>(a)];
    const float right = z[static_cast<size_t>(b)];
    return left > right || (left == right && a < b);
  };
  std::partial_sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(count), order_.end(), likelier);
  for (const TokenId id : std::span(order_).first(count)) {
    ids.push_back(id);
    logprobs.push_back(total_.log_prob(z[static_cast<size_t>(id)]));
  }
}

size_t TokenSampler::pick_chunk(const DrawAddress& address, std::span<const ExpSum> chunks) {
  if (chunks.size() == 1) return 0;  // one contestant needs no noise
  for (size_t c = 0; c < chunks.size(); ++c) chunk_scores_[c] = chunks[c].max + exact_log(chunks[c].scaled);
  gumbel_noise(address, kChunkBlocks, chunks.size(), chunk_noise_);
  return argmax_of_sum(std::span(chunk_scores_).first(chunks.size()), chunk_noise_);
}

}  // namespace sil
