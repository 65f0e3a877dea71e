// Rollouts of a golden model.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engines/engine_data.h"
#include "engines/tiny_codec.h"
#include "nn/golden_model.h"
#include "nn/sampler.h"

namespace sil::test {

inline const std::string kAlphabet =
    "abcdefghijklmnopqrstuvwxyz0123456789";  // and the end: 37 ids, as the golden models have

inline std::map<size_t, Written> sampled(const GoldenModel& golden, const GenerateBatch& batch) {
  const TinyCodec codec(kAlphabet);
  std::map<size_t, Written> out;
  const CompletionSink sink = [&](size_t request, Completion&& c) {
    out[request] = {
        {c.ids.begin(), c.ids.end()}, {c.logprobs.begin(), c.logprobs.end()}, {}, c.finish, std::move(c.text)};
  };
  std::mutex mutex;
  nn::RequestQueue queue(batch, batch.prompt.size());
  const nn::SamplingWork work{.model = golden.model,
                              .kernels = golden.model.kernels(),
                              .weights = golden.state.read(),
                              .codec = codec,
                              .batch = batch,
                              .queue = queue,
                              .sink = sink,
                              .sink_mutex = mutex};
  nn::sample_requests(work, {.slots = 8, .prefill_rows = 16}, {});
  return out;
}

}  // namespace sil::test
