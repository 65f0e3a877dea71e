// Batches, sinks and results with which tests drive an engine.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "losses/losses.h"
#include "sil/engine.h"
#include "sil/rng.h"
#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {

inline LossSpec loss_of(std::string name, Json::Object options = {}) {
  Registry<LossPlugin> registry{"loss"};
  register_nll(registry);
  register_pg(registry);
  register_margin(registry);
  register_match(registry);
  return {{make_plugin(registry, std::move(name), std::move(options))->term()}};
}

// --- generate --------------------------------------------------------------------------------------------------------

struct Written {
  std::vector<TokenId> ids;
  std::vector<float> logprobs;
  std::vector<float> kept_mass;
  Finish finish = Finish::cancelled;
  std::string text;
  std::vector<TokenId> top_ids = {};
  std::vector<float> top_logprobs = {};
  friend bool operator==(const Written&, const Written&) = default;
};

// `samples` requests for each prompt, keyed by the prompt.
inline GenerateBatch requests(const Codec& codec, const std::vector<std::string>& prompts, uint32_t samples,
                              SamplingOptions sampling = {}) {
  GenerateBatch batch;
  batch.sampling = std::move(sampling);
  batch.prompt_begin.push_back(0);
  for (const std::string& prompt : prompts) {
    const std::vector<TokenId> ids = codec.encode({.text = prompt, .messages = {}}, true);
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.prompt_begin.push_back(batch.ids.size());
    for (uint32_t sample = 0; sample < samples; ++sample) {
      batch.prompt.push_back(static_cast<uint32_t>(batch.prompt_begin.size() - 2));
      batch.key.push_back(0x1234567890abcdef);
      batch.uid.push_back(sha256(prompt).head());
      batch.sample.push_back(sample);
    }
  }
  return batch;
}

// The chosen requests of a batch, in the chosen order.
inline GenerateBatch pick(const GenerateBatch& batch, const std::vector<size_t>& chosen) {
  GenerateBatch out = batch;
  out.prompt.clear();
  out.key.clear();
  out.uid.clear();
  out.sample.clear();
  for (size_t r : chosen) {
    out.prompt.push_back(batch.prompt[r]);
    out.key.push_back(batch.key[r]);
    out.uid.push_back(batch.uid[r]);
    out.sample.push_back(batch.sample[r]);
  }
  return out;
}

// Completions by request; a request answered twice fails the test.
inline std::map<size_t, Written> answers(Engine& engine, Version version, const GenerateBatch& batch,
                                         std::stop_token stop = {}) {
  std::map<size_t, Written> out;
  bool twice = false;
  engine.generate(
      version, batch,
      [&](size_t request, Completion&& c) {
        Written written{{c.ids.begin(), c.ids.end()},
                        {c.logprobs.begin(), c.logprobs.end()},
                        {c.kept_mass.begin(), c.kept_mass.end()},
                        c.finish,
                        std::move(c.text),
                        {c.top_ids.begin(), c.top_ids.end()},
                        {c.top_logprobs.begin(), c.top_logprobs.end()}};
        twice = !out.emplace(request, std::move(written)).second || twice;
      },
      std::move(stop));
  CHECK_FALSE(twice);
  return out;
}

inline std::vector<Written> all_answers(Engine& engine, Version version, const GenerateBatch& batch) {
  std::vector<Written> out;
  for (auto& [request, written] : answers(engine, version, batch)) {
    CHECK(request == out.size());
    out.push_back(std::move(written));
  }
  CHECK(out.size() == batch.prompt.size());
  return out;
}

// --- update ----------------------------------------------------------------------------------------------------------

// Steps of pseudo-random examples: the same for the same options.
struct RandomSteps final : TrainBatches {
  int64_t count = 6;
  int64_t sequences = 40;
  int64_t length = 90;  // so that a step has several micro-shards
  TokenId vocabulary = 20;
  bool pairs = false;
  std::vector<float> temperatures = {1};

  explicit RandomSteps(TokenId size) : vocabulary(size) {}

  int64_t steps() const override { return count; }
  TrainBatch step(int64_t index) override {
    RandomStream random(7, static_cast<uint64_t>(index));
    TrainBatch batch;
    batch.pairs = pairs;
    for (int64_t s = 0; s < sequences; ++s) {
      const auto size = 2 + static_cast<int64_t>(random.below(static_cast<uint64_t>(length)));
      TokenId last = 0;
      for (int64_t n = 0; n < size; ++n) {
        // Tokens follow each other unevenly, so that there is something to learn.
        last = static_cast<TokenId>((static_cast<uint64_t>(last) + random.below(4) * random.below(3)) %
                                    static_cast<uint64_t>(vocabulary));
        batch.ids.push_back(last);
        batch.target.push_back(n > 0 && random.below(5) > 0 ? 1 : 0);
        batch.credit.push_back(static_cast<float>(random.unit() * 2 - 0.5));
        batch.old_logp.push_back(static_cast<float>(-1 - 3 * random.unit()));
        batch.reference_logp.push_back(static_cast<float>(-1 - 3 * random.unit()));
      }
      batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.temperature.push_back(temperatures[static_cast<size_t>(s) % temperatures.size()]);
    }
    return batch;
  }
};

// Records what an update tells.
struct Recorder final : UpdateSink {
  std::vector<double> losses;
  std::vector<double> norms;
  std::vector<Metrics> metrics;
  std::vector<UpdateCheckpoint> checkpoints;
  bool every_step = false;
  std::function<void(int64_t)> after_step;

  void step_done(int64_t step, double loss, double norm, const Metrics& m) override {
    losses.push_back(loss);
    norms.push_back(norm);
    metrics.push_back(m);
    if (after_step) after_step(step);
  }
  bool wants_checkpoint(int64_t) override { return every_step; }
  void checkpoint(int64_t step, const std::function<void(ByteSink&)>& state) override {
    StringSink bytes;
    state(bytes);
    checkpoints.push_back({step, bytes.take()});
  }
};

struct UpdateCall {
  LossSpec loss = loss_of("nll");
  OptimizerOptions optimizer = {.kind = "adamw", .learning_rate = 0.05, .schedule = "cosine", .warmup_steps = 2};
  std::optional<Version> reference;
  std::optional<UpdateCheckpoint> resume;
  std::stop_token stop;

  UpdateResult run(Engine& engine, Version from, TrainBatches& batches, Recorder& recorder) const {
    return engine.update(from, batches, loss, optimizer, reference.value_or(from), resume, recorder, stop);
  }
};

// A version with something learned, or the first one where the engine cannot learn.
inline Version trained(Engine& engine) {
  const Version first = engine.initial();
  if (!engine.caps().update) return first;
  RandomSteps steps(engine.codec().vocabulary_size());
  steps.count = 8;
  Recorder recorder;
  UpdateCall call;
  call.optimizer.learning_rate = 0.3;
  const UpdateResult result = call.run(engine, first, steps, recorder);
  engine.drop(first);
  return result.version;
}

// --- bytes -----------------------------------------------------------------------------------------------------------

struct Bytes final : ByteSink {
  std::string text;
  void write(std::string_view bytes) override { text.append(bytes); }
};

inline std::string saved(const Engine& engine, Version version, Part part) {
  Bytes bytes;
  engine.save(version, part, bytes);
  return bytes.text;
}

}  // namespace sil::test
