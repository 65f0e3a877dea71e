// Continuous batching: each thread holds a table of slots, every forward pass moves all of its rollouts one token on,
// and whoever finishes makes room for the next. A prompt's keys and values are computed once and read by all its
// samples.
//
// Threads share the weights and a queue of requests, nothing else: no barrier, no waiting. A token depends on its own
// sequence and address alone (kernels.h, sampling.h), so slots, threads and the order of requests change nothing.
#pragma once

#include <mutex>
#include <stop_token>

#include "engines/generation.h"
#include "nn/model.h"
#include "sil/engine.h"
#include "sil/streaming.h"

namespace sil::nn {

struct SamplerOptions {
  int64_t slots = 64;          // rollouts that one thread has under way
  int64_t prefill_rows = 256;  // prompt tokens that one forward pass takes at most
};

// The keys and values that one thread's rollouts need.
struct CacheCapacity {
  static constexpr int64_t kMostCacheBytes = int64_t{1} << 30;  // fewer slots rather than more, down to one

  CacheCapacity(const DecoderShape& shape, const SamplingWorkload& work, int64_t most_slots);

  int64_t slots;
  int64_t own;           // positions a slot
  int64_t prefix;        // positions a prompt
  int64_t prefixes = 1;  // prompts at once
  int64_t bytes = 0;     // of all positions
  int64_t positions() const { return slots * own + prefixes * prefix; }
};

// Hands out requests; thread-safe.
class RequestQueue {
 public:
  // Hands out at most `share` at once: what keeps every thread busy to the end.
  RequestQueue(const GenerateBatch& batch, size_t share) : batch_(batch), share_(share) {}

  struct Range {
    size_t first = 0;
    size_t last = 0;
    bool empty() const { return first == last; }
  };
  // The next requests, all of one prompt, `most` at most.
  Range take(size_t most);

 private:
  const GenerateBatch& batch_;
  size_t share_;
  std::mutex mutex_;
  size_t next_ = 0;
};

// What a thread needs to sample.
struct SamplingWork {
  const Model& model;
  const Kernels& kernels;
  const float* weights;
  const Codec& codec;
  const GenerateBatch& batch;
  RequestQueue& queue;
  const CompletionSink& sink;
  const TextSink* text = nullptr;  // or none
  std::mutex& sink_mutex;          // of both
};

// Until the queue is empty or `stop` is requested. Throws Error(Exit::unreadable) on a prompt that is empty or longer
// than the model's context.
void sample_requests(const SamplingWork& work, const SamplerOptions& options, const std::stop_token& stop);

}  // namespace sil::nn
