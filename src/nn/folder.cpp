#include "nn/folder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "formats/gguf_model.h"
#include "formats/hf_config.h"
#include "formats/peft.h"
#include "formats/weight_files.h"
#include "sil/env.h"
#include "sil/error.h"
#include "sil/json.h"
#include "tokenizers/folder_codec.h"

namespace sil::nn {
namespace {

HfFamily family_of(const DecoderShape& shape) {
  if (shape.learned_positions) return HfFamily::gpt2;
  if (shape.post_norms) return HfFamily::gemma3;
  if (shape.rope_theta == 0) return HfFamily::llama_nope;
  if (shape.qkv_bias) return HfFamily::qwen2;
  return shape.qk_norm ? HfFamily::qwen3 : HfFamily::llama;
}

HfConfig config_of(const DecoderShape& shape, TokenId eos) {
  // A prompt gets no <bos>; with a pad_token_id transformers would not train that row of the embedding.
  Json other = Json::Object{{"bos_token_id", Json()}, {"eos_token_id", Json(eos)}, {"pad_token_id", Json()}};
  if (shape.activation == Activation::gelu) other.set("activation_function", "gelu_new");
  return {.family = family_of(shape),
          .hidden_size = shape.width,
          .intermediate_size = shape.hidden,
          .num_hidden_layers = shape.layers,
          .num_attention_heads = shape.heads.query,
          .num_key_value_heads = shape.heads.key,
          .head_dim = shape.heads.width,
          .vocab_size = shape.vocabulary,
          .max_position_embeddings = shape.context,
          .norm_eps = decimal(static_cast<double>(shape.epsilon)),
          .rope_theta = shape.rope_theta,
          .rope_scaling = {},
          .tie_word_embeddings = shape.tied,
          .sliding_window = shape.window,
          .sliding_layers = shape.windowed,
          .rope_local_base_freq = shape.windowed.empty() ? 0 : shape.window_rope_theta,
          .query_pre_attn_scalar = shape.query_scalar,
          .other = std::move(other)};
}

RotaryScaling scaling_of(const RopeScaling& rope) {
  RotaryScaling out{.factor = rope.factor};
  if (rope.type != RopeType::llama3) return out;
  out.original_context = rope.original_max_position_embeddings;
  out.low = rope.low_freq_factor;
  out.high = rope.high_freq_factor;
  return out;
}

void be_gemma3(const HfConfig& config, DecoderShape& shape) {
  shape.norm = Norm::rms_from_one;
  shape.activation = Activation::gelu_gate;
  shape.qk_norm = true;
  shape.post_norms = true;
  shape.window = config.sliding_window;
  shape.windowed = config.sliding_layers;
  shape.window_rope_theta = config.rope_local_base_freq;
  shape.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(config.hidden_size)));
  shape.query_scalar = config.query_pre_attn_scalar;
}

void be_gpt2(DecoderShape& shape) {
  shape.rope_theta = 0;
  shape.learned_positions = true;
  shape.norm = Norm::layer;
  shape.activation = Activation::gelu;
  shape.qkv_bias = true;
  shape.other_biases = true;
}

DecoderShape shape_of(const HfConfig& config) {
  DecoderShape shape;
  shape.layers = config.num_hidden_layers;
  shape.width = config.hidden_size;
  shape.heads = {.query = config.num_attention_heads, .key = config.num_key_value_heads, .width = config.head_dim};
  shape.hidden = config.intermediate_size;
  shape.context = config.max_position_embeddings;
  shape.vocabulary = config.vocab_size;
  shape.rope_theta = config.family == HfFamily::llama_nope ? 0 : config.rope_theta;
  shape.rope_scaling = scaling_of(config.rope_scaling);
  shape.epsilon = static_cast<float>(config.norm_eps);
  shape.tied = config.tie_word_embeddings;
  shape.qkv_bias = config.family == HfFamily::qwen2;
  shape.qk_norm = config.family == HfFamily::qwen3;
  if (config.family == HfFamily::gemma3) be_gemma3(config, shape);
  if (config.family == HfFamily::gpt2) be_gpt2(shape);
  return shape;
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path) {
  throw Error(Exit::unreadable, what, hint, {path, 0, 0});
}

bool is_gguf(const std::string& path) {
  return path.ends_with(".gguf") && !system_env().is_dir(path);
}

void check_path(const std::string& path) {
  Env& env = system_env();
  if (path.find('\0') != std::string::npos)
    refuse("the folder's path holds a NUL byte", "write the path without it", "");
  if (!env.exists(path))
    refuse("there is no such folder or file", "a model is a folder with config.json and weights, or a .gguf file",
           path);
  if (!env.is_dir(path) && !is_gguf(path))
    refuse("is neither a folder nor a .gguf file",
           "name the folder that holds config.json, model.safetensors and tokenizer.json", path);
}

// The adapter that a folder holds in place of a model. Its base may be named from here or from beside it.
std::optional<AdapterFolder> adapter_of(const std::string& path) {
  Env& env = system_env();
  const std::string config_path = path + "/" + kPeftConfig;
  if (env.exists(path + "/config.json") || !env.exists(config_path)) return std::nullopt;
  AdapterFolder out;
  out.config = env.read_all(config_path);
  const Place where{config_path, 0, 0};
  PeftConfig config = read_peft_config(out.config, where);
  out.lora = std::move(config.lora);
  out.base = config.base_model;
  if (!env.exists(out.base) && env.exists(path + "/" + out.base)) out.base = path + "/" + out.base;
  if (!env.is_dir(out.base) && !(env.exists(out.base) && is_gguf(out.base)))
    throw Error(Exit::unreadable, "its base model " + out.base + " is no folder or .gguf file here",
                "set base_model_name_or_path to the base model's folder or file", where);
  if (env.exists(out.base + "/" + kPeftConfig) && !env.exists(out.base + "/config.json"))
    throw Error(Exit::unreadable, "its base model " + out.base + " is an adapter itself",
                "merge that one into its own base model first", where);
  out.weights_path = path + "/" + kPeftWeights;
  if (!env.exists(out.weights_path))
    refuse(std::string("holds no ") + kPeftWeights, "save the adapter with PEFT, as safetensors", path);
  return out;
}

// GPT-2's first folders hold every layer's causal mask, which is no weight, and the model without its head: there the
// names lack the prefix that they have within GPT2LMHeadModel.
bool is_gpt2_mask(std::string_view tensor) {
  return tensor.ends_with(".attn.bias") || tensor.ends_with(".attn.masked_bias");
}
constexpr std::string_view kGpt2Prefix = "transformer.";

class FolderWeights final : public WeightSource {
 public:
  FolderWeights(const std::string& folder, HfFamily family) : files_(folder) {
    const std::vector<TensorView>& stored = files_.tensors();
    const bool gpt2 = family == HfFamily::gpt2;
    const bool headless = gpt2 && std::none_of(stored.begin(), stored.end(),
                                               [](const auto& t) { return t.name.starts_with(kGpt2Prefix); });
    for (size_t i = 0; i < stored.size(); ++i) {
      if (gpt2 && is_gpt2_mask(stored[i].name)) continue;
      tensors_.push_back(stored[i]);
      places_.push_back(i);
      if (headless) tensors_.back().name.insert(0, kGpt2Prefix);
    }
  }

  const std::vector<TensorView>& tensors() const override { return tensors_; }
  void read(size_t tensor, std::vector<float>& out) const override {
    std::string bytes;
    files_.read(places_[tensor], bytes);
    TensorView view = tensors_[tensor];
    view.bytes = bytes;
    out = floats(view);
  }
  Place place() const override { return {files_.path(), 0, 0}; }
  Place place(size_t tensor) const override { return {files_.path(places_[tensor]), 0, 0}; }
  void hash(Sha256& hash) const override { files_.hash(hash); }

 private:
  WeightFiles files_;
  std::vector<TensorView> tensors_;
  std::vector<size_t> places_;  // of tensors_ in files_
};

class GgufWeights final : public WeightSource {
 public:
  explicit GgufWeights(const std::string& path)
      : path_(path), bytes_(system_env().read_all(path)), model_(bytes_, place()) {}

  const GgufModel& model() const { return model_; }
  const std::vector<TensorView>& tensors() const override { return model_.tensors(); }
  void read(size_t tensor, std::vector<float>& out) const override { model_.read(tensor, out); }
  Place place() const override { return {path_, 0, 0}; }
  Place place(size_t) const override { return place(); }
  void hash(Sha256& hash) const override { hash.field(bytes_); }

 private:
  std::string path_;
  std::string bytes_;
  GgufModel model_;
};

// Says what the folder is, where it is not what is wanted.
void check_folder(const std::string& path) {
  Env& env = system_env();
  const auto has = [&](const char* name) { return env.exists(path + "/" + name); };
  if (!has("config.json") && has("SIL"))
    refuse("is a run, not a model", "name its model, as " + path + "/accepted", path);
  if (!has("config.json"))
    refuse("holds no config.json", "a model's folder holds config.json, model.safetensors and tokenizer.json", path);
  if (has("model.safetensors") || has("model.safetensors.index.json")) return;
  if (has("pytorch_model.bin") || has("pytorch_model.bin.index.json"))
    refuse("holds its weights as a pickle, which is not read", "save it again with transformers, as safetensors", path);
  refuse("holds no model.safetensors", "copy it there", path);
}

}  // namespace

std::vector<FolderFile> folder_files(const HfConfig& config, const Codec& codec) {
  std::vector<FolderFile> files{{"config.json", write_hf_config(config)}};
  for (FolderFile& file : codec.folder_files()) files.push_back(std::move(file));
  return files;
}

std::vector<FolderFile> folder_files(const DecoderShape& shape, const Codec& codec) {
  return folder_files(config_of(shape, codec.stop_ids().front()), codec);
}

void refuse_without_family(const DecoderShape& shape) {
  if (shape.qkv_bias && shape.qk_norm)
    throw Error(Exit::usage, "llama: both qkv_bias and qk_norm; no family of models has both",
                "keep qkv_bias (as Qwen2) or qk_norm (as Qwen3)");
  if (shape.rope_theta == 0 && (shape.qkv_bias || shape.qk_norm))
    throw Error(Exit::usage,
                std::string("llama: rope_theta is 0 with ") + (shape.qkv_bias ? "qkv_bias" : "qk_norm") +
                    "; no family of models has both",
                "without positions, leave qkv_bias and qk_norm out");
}

std::vector<FolderFile> adapter_files(const ModelFolder& base, const LoraOptions& lora, const Codec& codec) {
  std::vector<FolderFile> files{
      {kPeftConfig, write_peft_config({.lora = lora,
                                       .base_model = std::filesystem::absolute(base.path).string(),
                                       .fan_in_fan_out = base.config.family == HfFamily::gpt2})}};
  for (FolderFile& file : codec.folder_files()) files.push_back(std::move(file));
  return files;
}

ModelFolder::ModelFolder(const std::string& named) : path(named) {
  check_path(path);
  adapter = adapter_of(path);
  if (adapter) path = adapter->base;
  if (is_gguf(path))
    read_gguf();
  else
    read_folder();
  shape = shape_of(config);
  codec = folder_codec(codec_files_, path);
  // A model may have more rows than its tokenizer has tokens.
  if (codec->vocabulary_size() > shape.vocabulary)
    refuse("the tokenizer has " + std::to_string(codec->vocabulary_size()) + " ids, but the model's vocab_size is " +
               std::to_string(shape.vocabulary),
           "take tokenizer and weights from one model", path);
}

void ModelFolder::read_folder() {
  check_folder(path);
  config_text_ = system_env().read_all(path + "/config.json");
  config = read_hf_config(config_text_, {path + "/config.json", 0, 0});
  codec_files_ = read_codec_files(path);
}

void ModelFolder::read_gguf() {
  const GgufWeights weights(path);
  const GgufModel& model = weights.model();
  config = model.config();
  codec_files_ = gguf_codec_files(model.metadata(), model.chat_template(), weights.place());
  codec_files_.push_back({"generation_config.json", model.generation_config()});
}

std::string AdapterFolder::weights() const {
  return system_env().read_all(weights_path);
}

std::unique_ptr<WeightSource> ModelFolder::weights() const {
  if (is_gguf(path)) return std::make_unique<GgufWeights>(path);
  return std::make_unique<FolderWeights>(path, config.family);
}

Digest ModelFolder::digest(const WeightSource& weights) const {
  Sha256 hash;
  hash.field("model folder").field(config_text_);
  for (const FolderFile& file : codec_files_) hash.field(file.name).field(file.text);
  weights.hash(hash);
  if (adapter) hash.field("adapter").field(adapter->config).field(adapter->weights());
  return hash.finish();
}

}  // namespace sil::nn
