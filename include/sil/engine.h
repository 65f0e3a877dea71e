// What holds the versions of one model and samples, scores and updates them. Flat id buffers and offsets in and out,
// never a vocabulary-sized vector. Every engine passes tests/engines/engine_contract.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sil/codec.h"
#include "sil/error.h"
#include "sil/json.h"
#include "sil/loss.h"
#include "sil/records.h"

namespace sil {

struct Caps {
  bool ids = true;  // speaks token ids
  bool logprobs = true;
  bool score = true;
  bool update = true;
  bool concurrent = false;  // generate and score may be called from several threads at once
};

// One immutable state of the weights, with the optimizer state that made it. A handle of its engine.
struct Version {
  uint32_t id = 0;
  friend bool operator==(Version, Version) = default;
};

struct SamplingOptions {
  double temperature = 1;  // 0 = argmax (log-probs are stored at 1)
  int64_t top_k = 0;       // 0 = off
  double top_p = 1;
  double min_p = 0;
  int64_t max_new_tokens = 64;
  std::vector<std::string> stop;       // stop strings; the token that completes one ends the rollout
  std::vector<int64_t> stop_ids = {};  // ids that end a rollout beside the codec's; their text is cut, too
  // {"id": number}: added to the logits of these ids before the temperature. It steers the draw as the filters do:
  // log-probs stay the model's own.
  Json logit_bias = {};
  int64_t top_logprobs = 0;  // report this many of the likeliest ids of each position, too
};

struct LogitBias {
  TokenId id = 0;
  float bias = 0;
};
// SamplingOptions::logit_bias; throws Error(Exit::usage) on a form or a number that is not allowed.
std::vector<LogitBias> logit_biases(const SamplingOptions& options);
// Throws Error(Exit::usage) on options that no model can sample with.
void check_sampling(const SamplingOptions& options);

// P prompts and R requests over them. Requests of one prompt stand together.
struct GenerateBatch {
  std::vector<TokenId> ids;            // prompts, end to end
  std::vector<uint64_t> prompt_begin;  // [P+1]
  std::vector<uint32_t> prompt;        // [R] index of the prompt
  std::vector<uint64_t> key;           // [R] random key (rng.h group_key)
  std::vector<uint64_t> uid;           // [R]
  std::vector<uint32_t> sample;        // [R]
  SamplingOptions sampling;
};

struct Completion {
  std::span<const TokenId> ids;
  std::span<const float> logprobs;   // one an id; empty without Caps::logprobs
  std::span<const float> kept_mass;  // one an id when filters or biases changed the distribution, else empty
  // Each position's SamplingOptions::top_logprobs likeliest ids (fewer in a smaller vocabulary), the likeliest first,
  // position after position, and their log-probs.
  std::span<const TokenId> top_ids;
  std::span<const float> top_logprobs;
  Finish finish = Finish::stop;
  std::string text;  // decoded, stop string cut
};

// Called once a request, in any order, from any thread, never twice at the same time.
using CompletionSink = std::function<void(size_t request, Completion&& completion)>;

// S sequences, end to end.
struct ScoreBatch {
  std::vector<TokenId> ids;
  std::vector<uint64_t> begin;  // [S+1]
  std::vector<uint64_t> start;  // [S] first scored position within its sequence, >= 1
};

// One optimizer step's examples in training order, pairs side by side.
struct TrainBatch {
  std::vector<TokenId> ids;
  std::vector<int32_t> begin{0};      // [S+1]
  std::vector<uint8_t> target;        // [N] whether ids[n] is trained on (as a prediction from what precedes it)
  std::vector<float> credit;          // [N]
  std::vector<float> old_logp;        // [N] or empty
  std::vector<float> reference_logp;  // [N] or empty
  std::vector<float> temperature;     // [S]
  bool pairs = false;
};

// Streams the optimizer steps of an update; step(i) may be asked for any i, and again.
class TrainBatches {
 public:
  virtual ~TrainBatches() = default;
  virtual int64_t steps() const = 0;
  virtual TrainBatch step(int64_t index) = 0;
};

struct OptimizerOptions {
  std::string kind = "adamw";  // adamw | sgd
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double max_grad_norm = 0;           // 0 = no clipping
  std::string schedule = "constant";  // constant | linear | cosine | wsd
  int64_t warmup_steps = 0;
  bool keep_state = false;  // continue from `from`'s optimizer state instead of zero
};

// Bytes of an engine's state, appended piece by piece.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;
};
class StringSink final : public ByteSink {
 public:
  void write(std::string_view bytes) override { text_.append(bytes); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Thrown by `update` when an optimizer step's loss or gradient is not finite: nothing of the step was applied.
class Diverged final : public Error {
 public:
  // `examples`: those of the step's `of` whose own loss or gradient is not finite, by place (a pair is one example).
  Diverged(std::string message, int64_t step, std::vector<size_t> examples, size_t of)
      : Error(Exit::diverged, std::move(message), "lower learning_rate, or bound the gradient with max_grad_norm: 1"),
        step_(step),
        examples_(std::move(examples)),
        of_(of) {}
  int64_t step() const { return step_; }  // from 0
  const std::vector<size_t>& examples() const { return examples_; }
  size_t of() const { return of_; }

 private:
  int64_t step_;
  std::vector<size_t> examples_;
  size_t of_;
};

// What `update` tells while it works.
class UpdateSink {
 public:
  virtual ~UpdateSink() = default;
  virtual void step_done(int64_t step, double loss, double grad_norm, const Metrics& metrics) = 0;
  // Asked after each step: a checkpoint is wanted now (how often changes no result).
  virtual bool wants_checkpoint(int64_t step) = 0;
  // `state` streams what an update can be resumed from.
  virtual void checkpoint(int64_t step, const std::function<void(ByteSink&)>& state) = 0;
};

struct UpdateCheckpoint {
  int64_t step = 0;   // finished optimizer steps
  std::string state;  // as streamed to UpdateSink::checkpoint
};

struct UpdateResult {
  Version version;
  int64_t steps = 0;
};

// A call to generate, for its plan.
struct SamplingWorkload {
  int64_t requests = 0;       // 0 = as many as there are
  int64_t samples = 1;        // of one prompt
  int64_t prompt_tokens = 1;  // of the longest prompt
  int64_t new_tokens = 1;
};
// A call to update, for its plan.
struct TrainingWorkload {
  int64_t step_tokens = 0;      // of an optimizer step; 0 = unknown
  int64_t sequence_tokens = 1;  // of the longest example, or pair
  bool adamw = true;
  bool keeps_state = false;      // goes on from a saved optimizer state
  bool reference = false;        // a term compares with a second version
  bool full_vocabulary = false;  // and reads all of its logits
};
// Bytes.
struct Plan {
  uint64_t weights = 0, optimizer = 0, gradients = 0, cache = 0, activations = 0;
  uint64_t total() const { return weights + optimizer + gradients + cache + activations; }
};

enum class Part : uint8_t { weights, optimizer };

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Caps caps() const = 0;
  virtual const Codec& codec() const = 0;

  // The version the recipe starts from: from scratch (seeded, independent of threads) or from its files.
  virtual Version initial() = 0;
  // From saved bytes (`optimizer` empty: none). Throws Error(Exit::unreadable) on bytes that are not such a version.
  virtual Version load(std::string_view weights, std::string_view optimizer) = 0;
  virtual void save(Version version, Part part, ByteSink& out) const = 0;
  // decay * average + (1 - decay) * version, weights only.
  virtual Version ema(Version average, Version version, double decay) = 0;
  virtual void pin(Version version) = 0;   // one more owner; initial/load/ema/update return a version pinned once
  virtual void drop(Version version) = 0;  // one owner less; the last one frees it
  virtual bool has_optimizer(Version version) const = 0;
  // Frees the optimizer state, weights stay. Not while the version is saved or updated from.
  virtual void forget_optimizer(Version version) = 0;
  virtual Digest digest(Version version) const = 0;  // over names, shapes and fp32 bytes

  // Streams finished completions; returns when all are done or, once `stop` is requested, as soon as it can
  // (requests without a completion were cancelled).
  virtual void generate(Version version, const GenerateBatch& batch, const CompletionSink& sink,
                        std::stop_token stop) = 0;
  // Log-probs of ids[start:] of each sequence, end to end; equal bit for bit to generate's on the same tokens.
  virtual std::vector<float> score(Version version, const ScoreBatch& batch, double temperature) = 0;
  // Pure: `from` is unchanged. `reference` is read only by a full-vocabulary match. Stops early, with a checkpoint
  // given to `sink`, when `stop` is requested (result.steps < batches.steps()). NaN or Inf: Diverged, or an
  // Error(Exit::diverged) where it is a weight. `resume` is freed once it has been read.
  virtual UpdateResult update(Version from, TrainBatches& batches, const LossSpec& loss,
                              const OptimizerOptions& optimizer, Version reference,
                              std::optional<UpdateCheckpoint> resume, UpdateSink& sink, std::stop_token stop) = 0;
  // The most memory that a call needs, by arithmetic; no weights are read. Of generate: beside the version. Of update:
  // with `from`, which it copies, and without the reference. All are 0 where an engine's size is not known before.
  virtual uint64_t version_bytes() const { return 0; }  // of one version, without an optimizer state
  virtual uint64_t shared_bytes() const { return 0; }   // beside them: what all versions stand on
  virtual Plan sampling_plan(const SamplingWorkload&) const { return {}; }
  virtual Plan training_plan(const TrainingWorkload&) const { return {}; }

  // What makes a folder with `save`'s weights, as model.safetensors, a model that other programs load: config.json and
  // the codec's files; with adapter_config.json among them an adapter of PEFT, whose weights are
  // adapter_model.safetensors. The same for all versions; none where no other program can.
  virtual std::vector<FolderFile> folder_files() const { return {}; }
  // Over everything that was read from files to make this engine and `initial`; nullopt where nothing was.
  virtual std::optional<Digest> source_digest() const { return std::nullopt; }
};

// Trains low-rank factors beside the frozen matrices of a model instead of the matrices themselves (Hu et al. 2021).
struct LoraOptions {
  int64_t r = 16;                    // rank
  double alpha = 32;                 // factors count alpha / r times
  std::vector<std::string> targets;  // modules whose matrices get factors: q_proj …; empty = all of the layers'
  bool rslora = false;               // alpha / sqrt(r) times instead
};

// What the recipe names as a model's adapter.
class AdapterFactory {
 public:
  virtual ~AdapterFactory() = default;
  virtual const LoraOptions& lora() const = 0;
};

// What an engine is made with besides its own options.
struct EngineSetup {
  uint64_t key = 0;                      // random key of the initial weights
  std::shared_ptr<const Codec> codec;    // of the model's `tokenizer:`; null when the model brings its own
  std::optional<LoraOptions> lora = {};  // of the model's `lora:`
  int threads = 1;                       // most threads that one call may use
};

// What the recipe names as a model's engine: checked with the recipe, made at run start.
class EngineFactory {
 public:
  virtual ~EngineFactory() = default;
  virtual std::unique_ptr<Engine> make(const EngineSetup& setup) const = 0;
};

// What the recipe names under `tokenizer:`. `alphabet`: characters that the recipe's tasks declare, UTF-8.
class CodecFactory {
 public:
  virtual ~CodecFactory() = default;
  virtual std::shared_ptr<const Codec> make(std::string_view alphabet) const = 0;
};

}  // namespace sil
