// The transformer engine: sampling, scoring and training over one set of kernels, so that what the sampler says of a
// token's log-probability is what the trainer says, bit for bit.
//
//   models: {lm: {llama: {layers: 3, width: 128, heads: 4, context: 96}, tokenizer: chars}}
//   models: {lm: {path: models/tiny}}       a Hugging Face folder, as checkpoints/ of a run
#include <algorithm>
#include <mutex>
#include <semaphore>
#include <string>

#include "base/threads.h"
#include "engines/generation.h"
#include "engines/versions.h"
#include "nn/cpu/kernels.h"
#include "nn/engines.h"
#include "nn/folder.h"
#include "nn/plan.h"
#include "nn/sampler.h"
#include "nn/scorer.h"
#include "nn/trainer.h"
#include "sil/error.h"
#include "sil/streaming.h"

namespace sil::nn {
namespace {

struct LlamaOptions {
  int64_t layers = 4;
  int64_t width = 128;
  int64_t heads = 4;
  int64_t kv_heads = 0;
  int64_t hidden = 0;
  int64_t context = 256;
  double rope_theta = 10000;
  bool tied = true;
  bool qkv_bias = false;
  bool qk_norm = false;

  void visit(OptionVisitor& v) {
    v.option("layers", layers, {.help = "transformer blocks", .low = 1, .high = 256});
    v.option("width", width, {.help = "of the residual stream; a multiple of heads", .low = 2, .high = 65536});
    v.option("heads", heads, {.help = "attention heads", .low = 1, .high = 1024});
    v.option("kv_heads", kv_heads,
             {.help = "heads of keys and values, a divisor of heads; 0 = heads", .low = 0, .high = 1024});
    v.option("hidden", hidden, {.help = "width of the gated MLP; 0 = 4 width", .low = 0, .high = 1048576});
    v.option("context", context,
             {.help = "longest sequence, prompt and completion", .low = 2, .high = 1048576, .unit = "tokens"});
    v.option("rope_theta", rope_theta,
             {.help = "base of the rotary position embedding; 0 = no positions at all, which transformers cannot load",
              .low = 0,
              .high = 1e9});
    v.option("tied", tied, {.help = "the head is the embedding"});
    v.option("qkv_bias", qkv_bias, {.help = "biases of queries, keys and values (Qwen2)"});
    v.option("qk_norm", qk_norm, {.help = "norms of queries and keys (Qwen3)"});
  }
};

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, "llama: " + what, hint);
}

DecoderShape shape_of(const LlamaOptions& o, TokenId vocabulary) {
  const int64_t kv_heads = o.kv_heads == 0 ? o.heads : o.kv_heads;
  if (o.width % o.heads != 0 || o.width / o.heads % 2 != 0)
    refuse("width " + std::to_string(o.width) + " with " + std::to_string(o.heads) + " heads",
           "a head's width, width / heads, must be a whole, even number");
  if (o.heads % kv_heads != 0)
    refuse("kv_heads " + std::to_string(kv_heads) + " with " + std::to_string(o.heads) + " heads",
           "kv_heads must divide heads");
  DecoderShape shape;
  shape.layers = o.layers;
  shape.width = o.width;
  shape.heads = {.query = o.heads, .key = kv_heads, .width = o.width / o.heads};
  shape.hidden = o.hidden == 0 ? 4 * o.width : o.hidden;
  shape.context = o.context;
  shape.vocabulary = vocabulary;
  shape.rope_theta = o.rope_theta;
  shape.tied = o.tied;
  shape.qkv_bias = o.qkv_bias;
  shape.qk_norm = o.qk_norm;
  refuse_without_family(shape);
  return shape;
}

// One of the lanes, held.
class Lane {
 public:
  explicit Lane(std::counting_semaphore<>& lanes) : lanes_(lanes) { lanes_.acquire(); }
  ~Lane() { lanes_.release(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

 private:
  std::counting_semaphore<>& lanes_;
};

class Transformer final : public Engine, public StreamingEngine {
 public:
  // From scratch, by the seed.
  Transformer(const DecoderShape& shape, const EngineSetup& setup)
      : model_(shape, cpu_kernels(), setup.lora),
        codec_(setup.codec),
        key_(setup.key),
        pool_(setup.threads),
        lanes_(setup.threads) {}
  // As the folder has it.
  Transformer(ModelFolder folder, const EngineSetup& setup)
      : model_(folder.shape, cpu_kernels(), folder.adapter ? folder.adapter->lora : setup.lora),
        codec_(folder.codec),
        key_(setup.key),
        folder_(std::move(folder)),
        pool_(setup.threads),
        lanes_(setup.threads) {}

  Caps caps() const override {
    return {.ids = true, .logprobs = true, .score = true, .update = true, .concurrent = true};
  }
  const Codec& codec() const override { return *codec_; }

  Version initial() override {
    if (folder_ && folder_->adapter) return load(folder_->adapter->weights(), {});
    State state;
    state.weights = model_.lora() != nullptr ? model_.lora()->initial(key_) : own_weights();
    return hold(derived(std::move(state)));
  }
  Version load(std::string_view weights, std::string_view optimizer) override {
    return hold(derived(model_.read(weights, optimizer)));
  }
  void save(Version version, Part part, ByteSink& out) const override {
    const auto state = versions_.get(version);
    part == Part::weights ? model_.write_weights(*state, out) : model_.write_moments(*state, out);
  }
  Version ema(Version average, Version version, double decay) override {
    SIL_CHECK(decay >= 0 && decay <= 1);
    const auto old = versions_.get(average);
    State state{.weights = versions_.get(version)->weights, .moments = {}, .derived = {}};
    model_.kernels().mix(old->weights.data(), state.weights.data(), static_cast<float>(decay), state.weights.size(),
                         state.weights.data());
    return hold(derived(std::move(state)));
  }
  void pin(Version version) override { versions_.pin(version); }
  void drop(Version version) override { versions_.drop(version); }
  bool has_optimizer(Version version) const override { return !versions_.get(version)->moments.first.empty(); }
  void forget_optimizer(Version version) override {
    versions_.free(version, [](State& state) { state.moments = {}; });
  }
  Digest digest(Version version) const override { return model_.digest(*versions_.get(version)); }

  void generate(Version version, const GenerateBatch& batch, const CompletionSink& sink,
                std::stop_token stop) override {
    sample(version, batch, sink, nullptr, stop);
  }
  void generate_streaming(Version version, const GenerateBatch& batch, const CompletionSink& sink, const TextSink& text,
                          std::stop_token stop) override {
    sample(version, batch, sink, &text, stop);
  }
  std::vector<float> score(Version version, const ScoreBatch& batch, double temperature) override;
  UpdateResult update(Version from, TrainBatches& batches, const LossSpec& loss, const OptimizerOptions& optimizer,
                      Version reference, std::optional<UpdateCheckpoint> resume, UpdateSink& sink,
                      std::stop_token stop) override;
  uint64_t version_bytes() const override { return model_.state_bytes(); }
  uint64_t shared_bytes() const override { return model_.shared_bytes(); }
  Plan sampling_plan(const SamplingWorkload& work) const override {
    return nn::sampling_plan(model_, work, pool_.threads());
  }
  Plan training_plan(const TrainingWorkload& work) const override {
    return nn::training_plan(model_, work, pool_.threads());
  }
  std::vector<FolderFile> folder_files() const override {
    if (model_.lora() == nullptr)
      return folder_ ? nn::folder_files(*folder_) : nn::folder_files(model_.shape(), *codec_);
    // Of a model from scratch nobody else has what the factors stand on.
    return folder_ ? adapter_files(*folder_, model_.lora()->options(), *codec_) : std::vector<FolderFile>();
  }
  // Reads and checks the folder's weights, once.
  std::optional<Digest> source_digest() const override {
    if (folder_ && !digest_) {
      const std::unique_ptr<WeightSource> weights = folder_->weights();
      Buffer own = model_.read_weights(*weights);
      digest_ = folder_->digest(*weights);
      if (model_.lora() == nullptr) return digest_;
      const std::lock_guard lock(base_mutex_);
      if (!base_) base_ = std::make_shared<const Buffer>(std::move(own));
    }
    return digest_;
  }

 private:
  void sample(Version version, const GenerateBatch& batch, const CompletionSink& sink, const TextSink* text,
              const std::stop_token& stop);
  Buffer own_weights() const { return folder_ ? model_.read_weights(*folder_->weights()) : model_.initial(key_); }
  // What an adapter's factors stand on, of all versions; null without one.
  std::shared_ptr<const Buffer> base() const {
    if (model_.lora() == nullptr) return nullptr;
    const std::lock_guard lock(base_mutex_);
    if (!base_) base_ = std::make_shared<const Buffer>(own_weights());
    return base_;
  }
  State derived(State state) const {
    model_.derive(state, base().get(), nullptr);
    return state;
  }
  Version hold(State state) { return versions_.add(std::make_shared<State>(std::move(state))); }
  TokenId vocabulary() const { return static_cast<TokenId>(model_.shape().vocabulary); }
  // Whether all threads go through one pass after the other together, instead of each through passes of its own: few
  // rollouts do not pay for a stream of large weights a thread.
  bool reads_together(size_t requests) const {
    constexpr uint64_t kCacheBytes = uint64_t{32} << 20;
    constexpr size_t kRolloutsAThread = 32;
    return pool_.threads() > 1 && requests < kRolloutsAThread * static_cast<size_t>(pool_.threads()) &&
           model_.state_bytes() > kCacheBytes;
  }

  Model model_;
  std::shared_ptr<const Codec> codec_;
  uint64_t key_ = 0;
  std::optional<ModelFolder> folder_;  // none: from scratch
  mutable std::mutex base_mutex_;
  mutable std::shared_ptr<const Buffer> base_;  // once it was wanted
  mutable std::optional<Digest> digest_;        // of the folder, once it has been read
  ThreadPool pool_;
  std::unique_ptr<Kernels> shared_products_ = cpu_kernels(cpu::quickest(), &pool_);
  std::mutex pool_mutex_;            // one call at a time uses the pool; others do their work on the caller's thread
  std::counting_semaphore<> lanes_;  // samplers at work, of all calls: as many as threads
  Versions<State> versions_;
};

void Transformer::sample(Version version, const GenerateBatch& batch, const CompletionSink& sink, const TextSink* text,
                         const std::stop_token& stop) {
  check_generate(batch, vocabulary());
  const auto state = versions_.get(version);
  std::mutex sink_mutex;
  std::unique_lock lock(pool_mutex_, std::defer_lock);
  const bool owned = lock.try_lock();
  const bool together = owned && reads_together(batch.prompt.size());
  const int64_t threads = owned && !together ? pool_.threads() : 1;
  const size_t share = (batch.prompt.size() + static_cast<size_t>(threads) - 1) / static_cast<size_t>(threads);
  RequestQueue queue(batch, share);
  const SamplingWork work{.model = model_,
                          .kernels = together ? *shared_products_ : model_.kernels(),
                          .weights = state->read(),
                          .codec = *codec_,
                          .batch = batch,
                          .queue = queue,
                          .sink = sink,
                          .text = text,
                          .sink_mutex = sink_mutex};
  const auto lane = [&](int64_t) {
    const Lane held(lanes_);
    sample_requests(work, {}, stop);
  };
  if (threads == 1) return lane(0);
  pool_.for_each(threads, lane);
}

std::vector<float> Transformer::score(Version version, const ScoreBatch& batch, double temperature) {
  check_score(batch, vocabulary());
  check_sampling({.temperature = temperature, .stop = {}});
  const auto state = versions_.get(version);
  std::unique_lock lock(pool_mutex_, std::defer_lock);
  ThreadPool* const pool = lock.try_lock() ? &pool_ : nullptr;
  return score_sequences(model_, state->read(), batch, stored_temperature(temperature), pool);
}

UpdateResult Transformer::update(Version from, TrainBatches& batches, const LossSpec& loss,
                                 const OptimizerOptions& optimizer, Version reference,
                                 std::optional<UpdateCheckpoint> resume, UpdateSink& sink, std::stop_token stop) {
  const bool needs_reference = std::any_of(loss.terms.begin(), loss.terms.end(), [](const auto& t) { return !t.atom; });
  const std::shared_ptr<const State> held = needs_reference ? versions_.get(reference) : nullptr;
  State state = resume ? derived(model_.read_checkpoint(*resume)) : *versions_.get(from);
  const bool adamw = optimizer.kind == "adamw";
  if (!adamw || (!resume && !optimizer.keep_state)) state.moments = {};
  if (adamw && state.moments.first.empty()) {
    state.moments.first = Buffer(state.weights.size(), state.weights.memory());
    state.moments.second = Buffer(state.weights.size(), state.weights.memory());
  }
  const int64_t done = resume ? resume->step : 0;
  resume.reset();
  const std::lock_guard lock(pool_mutex_);
  const std::shared_ptr<const Buffer> own = base();
  Trainer trainer(model_, {.state = state, .base = own.get(), .reference = held.get()}, loss, optimizer, pool_);
  const TrainingLoop loop{
      .batches = batches, .loss = loss, .optimizer = optimizer, .sink = sink, .vocabulary = vocabulary()};
  const int64_t steps = loop.run(trainer, done, stop);
  return {.version = hold(std::move(state)), .steps = steps};
}

class LlamaFactory final : public EngineFactory {
 public:
  explicit LlamaFactory(LlamaOptions options) : options_(options) { shape_of(options_, 1); }

  std::unique_ptr<Engine> make(const EngineSetup& setup) const override {
    if (!setup.codec) refuse("the model has no tokenizer", "add one, e.g. tokenizer: chars");
    return std::make_unique<Transformer>(shape_of(options_, setup.codec->vocabulary_size()), setup);
  }

 private:
  LlamaOptions options_;
};

struct FolderOptions {
  std::string folder;

  void visit(OptionVisitor& v) {
    v.option(
        "folder", folder,
        {.help = "a Hugging Face folder, a PEFT adapter's, or a .gguf file; relative to the folder sil is started in",
         .required = true});
  }
};

class FolderFactory final : public EngineFactory {
 public:
  explicit FolderFactory(FolderOptions options) : options_(std::move(options)) {}

  std::unique_ptr<Engine> make(const EngineSetup& setup) const override {
    if (setup.codec) throw Error(Exit::usage, "path: the model brings its own tokenizer", "leave `tokenizer` out");
    ModelFolder folder(options_.folder);
    if (folder.adapter && setup.lora)
      throw Error(Exit::usage, "path: the folder holds an adapter, and the recipe asks for another one on it",
                  "leave `lora` out, or name the base model's folder");
    return std::make_unique<Transformer>(std::move(folder), setup);
  }

 private:
  FolderOptions options_;
};

struct LoraFactoryOptions {
  LoraOptions lora;

  void visit(OptionVisitor& v) {
    v.option("r", lora.r, {.help = "rank of the factors", .low = 1, .high = 4096});
    v.option("alpha", lora.alpha, {.help = "the factors count alpha / r times", .low = 0, .above_low = true});
    v.option("targets", lora.targets,
             {.help = "modules that get factors, as q_proj, v_proj; default all matrices of the layers"});
    v.option("rslora", lora.rslora, {.help = "the factors count alpha / sqrt(r) times"});
  }
};

class LoraFactory final : public AdapterFactory {
 public:
  explicit LoraFactory(LoraFactoryOptions options) : options_(std::move(options)) {}
  const LoraOptions& lora() const override { return options_.lora; }

 private:
  LoraFactoryOptions options_;
};

}  // namespace

void register_lora(Registry<AdapterFactory>& registry) {
  registry.add<LoraFactory, LoraFactoryOptions>("lora", "low-rank factors beside frozen matrices", "r");
}

void register_llama(Registry<EngineFactory>& registry) {
  registry.add<LlamaFactory, LlamaOptions>("llama", "a transformer of the llama family, from scratch", "layers");
}

void register_path(Registry<EngineFactory>& registry) {
  registry.add<FolderFactory, FolderOptions>(
      "path", "a transformer from its Hugging Face folder or GGUF file: llama, mistral, qwen2, qwen3, gemma3, gpt2",
      "folder");
}

}  // namespace sil::nn
