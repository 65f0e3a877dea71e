#include "formats/gguf_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/transpose.h"
#include "sil/json.h"

namespace sil {
namespace {

constexpr std::string_view kRopeFactors = "rope_freqs.weight";
constexpr int64_t kMostSize = int64_t{1} << 24;
constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostPositions = int64_t{1} << 20;

// Reads the hyperparameters, which all begin with the architecture; what nobody asked for in the end is refused.
class Hyperparameters {
 public:
  Hyperparameters(const Gguf& file, const Place& where) : file_(file), where_(where) {}

  HfConfig read() {
    HfConfig out;
    out.family = family();
    out.hidden_size = size("embedding_length", kMostSize);
    out.intermediate_size = size("feed_forward_length", kMostSize);
    out.num_hidden_layers = size("block_count", kMostLayers);
    out.num_attention_heads = size("attention.head_count", kMostSize);
    out.max_position_embeddings = size("context_length", kMostPositions);
    out.vocab_size = vocabulary();
    out.tie_word_embeddings = file_.find("output.weight") == nullptr;
    if (out.family == HfFamily::gpt2)
      read_gpt2(out);
    else
      read_llama(out);
    refuse_unknown();
    token_ids(out);
    return out;
  }

 private:
  void read_gpt2(HfConfig& out) {
    expect("attention.head_count_kv", out.num_attention_heads, "attention.head_count");
    out.num_key_value_heads = out.num_attention_heads;
    if (out.hidden_size % out.num_attention_heads != 0)
      fail(full("embedding_length") + " is " + std::to_string(out.hidden_size) + " with " +
           std::to_string(out.num_attention_heads) + " heads, which must divide it");
    out.head_dim = out.hidden_size / out.num_attention_heads;
    out.norm_eps = number("attention.layer_norm_epsilon", 0);
    out.other.set("activation_function", "gelu_new");
  }

  void read_llama(HfConfig& out) {
    const bool gemma3 = out.family == HfFamily::gemma3;
    out.num_key_value_heads = size("attention.head_count_kv", kMostSize, out.num_attention_heads);
    out.head_dim = size("attention.key_length", kMostSize, out.hidden_size / out.num_attention_heads);
    out.norm_eps = number("attention.layer_norm_rms_epsilon", 0);
    out.rope_theta = number("rope.freq_base", gemma3 ? 1e6 : 1e4);
    check_heads(out);
    out.rope_scaling = rope_scaling(out);
    expect("attention.value_length", out.head_dim, "attention.key_length");
    expect("rope.dimension_count", out.head_dim, "the whole head");
    expect("expert_count", 0, "a model without experts");
    expect("expert_used_count", 0, "a model without experts");
    for (const char* harmless : {"tensor_data_layout", "rope.scaling.finetuned", "use_parallel_residual"})
      find(harmless);
    if (gemma3)
      read_windows(out);
    else
      expect_window(out);
  }

  // What the file does not say llama.cpp has in its code: every sixth layer sees all, the others turn by 10000, and
  // scores are scaled by a head's width, of Gemma 3 27B alone by the width that its heads share.
  void read_windows(HfConfig& out) {
    constexpr int64_t kLayersOf27B = 62;
    const bool windows = find("attention.sliding_window") != nullptr;
    out.sliding_window = size("attention.sliding_window", kMostPositions, out.max_position_embeddings);
    const int64_t pattern = size("attention.sliding_window_pattern", kMostLayers, 6);
    for (int64_t i = 1; i <= out.num_hidden_layers; ++i) out.sliding_layers.push_back(windows && i % pattern != 0);
    out.rope_local_base_freq = number("rope.freq_base_swa", 1e4);
    const int64_t scalar =
        out.num_hidden_layers == kLayersOf27B ? out.hidden_size / out.num_attention_heads : out.head_dim;
    out.query_pre_attn_scalar = static_cast<double>(scalar);
  }

  [[noreturn]] void fail(const std::string& what, const std::string& hint = "take another model") const {
    throw Error(Exit::unreadable, what, hint, where_);
  }
  std::string full(std::string_view key) const { return architecture_ + "." + std::string(key); }
  static std::string shown(const Json& value) { return dump(value).substr(0, 80); }

  const Json* find(std::string_view key) {
    asked_.push_back(full(key));
    return file_.metadata.find(asked_.back());
  }

  HfFamily family() {
    const Json* architecture = file_.metadata.find("general.architecture");
    if (architecture == nullptr) fail("it does not say its general.architecture", "get the file again");
    for (const HfFamily known : {HfFamily::llama, HfFamily::qwen2, HfFamily::qwen3, HfFamily::gemma3, HfFamily::gpt2})
      if (*architecture == Json(gguf_architecture(known))) {
        architecture_ = architecture->as_string();
        return known;
      }
    fail("general.architecture is " + shown(*architecture) + "; supported: llama, qwen2, qwen3, gemma3, gpt2");
  }

  int64_t size(std::string_view key, int64_t most, int64_t otherwise = 0) {
    const Json* found = find(key);
    if (found == nullptr && otherwise > 0) return otherwise;
    if (found == nullptr) fail("there is no " + full(key), "get the file again");
    if (!found->is_int() || found->as_int() < 1 || found->as_int() > most)
      fail(full(key) + " is " + shown(*found) + "; allowed: integers from 1 to " + std::to_string(most));
    return found->as_int();
  }

  double number(std::string_view key, double otherwise) {
    const Json* found = find(key);
    if (found == nullptr && otherwise > 0) return otherwise;
    if (found == nullptr) fail("there is no " + full(key), "get the file again");
    if (!found->is_number() || !(found->as_double() > 0) || !std::isfinite(found->as_double()))
      fail(full(key) + " is " + shown(*found) + "; allowed: numbers above 0");
    return decimal(found->as_double());
  }

  int64_t vocabulary() {
    const GgufTensor* embedding = file_.find("token_embd.weight");
    if (embedding == nullptr)
      fail("it has no token_embd.weight: it is a vocabulary or an adapter, not a model", "name the model's file");
    const int64_t rows = embedding->shape.size() == 2 ? embedding->shape.front() : 0;
    if (rows < 1 || rows > kMostSize)
      fail("token_embd.weight has " + std::to_string(rows) + " rows; allowed: 1 to " + std::to_string(kMostSize));
    expect("vocab_size", rows, "the rows of token_embd.weight");
    return rows;
  }

  void check_heads(const HfConfig& config) const {
    if (config.num_attention_heads % config.num_key_value_heads != 0)
      fail(full("attention.head_count_kv") + " is " + std::to_string(config.num_key_value_heads) + " with " +
           std::to_string(config.num_attention_heads) + " heads; it must divide them");
    if (config.head_dim < 2 || config.head_dim % 2 != 0 || config.num_attention_heads * config.head_dim > kMostSize)
      fail("heads are " + std::to_string(config.head_dim) + " wide; allowed: even numbers, all heads at most " +
           std::to_string(kMostSize));
  }

  // A member that may be left out, but not say anything else.
  void expect(std::string_view key, int64_t wanted, const std::string& meaning) {
    const Json* found = find(key);
    if (found != nullptr && *found != Json(wanted))
      fail(full(key) + " is " + shown(*found) + ", which is not supported; supported: " + std::to_string(wanted) +
           ", " + meaning);
  }

  void expect_window(const HfConfig& config) {
    const Json* window = find("attention.sliding_window");
    if (window == nullptr || *window == Json(0)) return;
    if (!window->is_int() || window->as_int() < config.max_position_embeddings)
      fail(full("attention.sliding_window") + " is " + shown(*window) +
           ", which is not supported; supported: attention over the whole sequence");
  }

  RopeScaling rope_scaling(const HfConfig& config) {
    const Json* type = find("rope.scaling.type");
    const Json* factor = find("rope.scaling.factor");
    if (factor == nullptr) factor = find("rope.scale_linear");  // of files before 2023-11
    const Json* original = find("rope.scaling.original_context_length");
    const bool linear = type != nullptr ? *type == Json("linear") : factor != nullptr;
    if (type != nullptr && *type != Json("none") && !linear)
      fail(full("rope.scaling.type") + " is " + shown(*type) + "; supported: none, linear, and llama3's " +
           std::string(kRopeFactors));
    const GgufTensor* divisors = file_.find(kRopeFactors);
    if (!linear) return divisors == nullptr ? RopeScaling() : llama3(config, *divisors, original);
    if (divisors != nullptr)
      fail("the rotary embedding is stretched twice, linearly and by " + std::string(kRopeFactors));
    if (factor == nullptr || !factor->is_number() || !(factor->as_double() >= 1) || !std::isfinite(factor->as_double()))
      fail(full("rope.scaling.factor") + " is " + (factor != nullptr ? shown(*factor) : "missing") +
           "; allowed: numbers from 1");
    RopeScaling out;
    out.type = decimal(factor->as_double()) == 1 ? RopeType::plain : RopeType::linear;
    out.factor = decimal(factor->as_double());
    return out;
  }

  // The file has the divisors alone. All models of Llama 3.1 to 3.3 have the other three numbers in common.
  RopeScaling llama3(HfConfig config, const GgufTensor& tensor, const Json* original) const {
    if (tensor.shape != std::vector<int64_t>{config.head_dim / 2} || tensor.type != GgmlType::f32)
      fail("tensor " + std::string(kRopeFactors) + " has not one F32 for each of " +
           std::to_string(config.head_dim / 2) + " rotary frequencies");
    std::vector<float> divisors(static_cast<size_t>(config.head_dim / 2));
    dequantise(tensor, divisors, where_);
    const bool known =
        original != nullptr && original->is_int() && original->as_int() > 0 && original->as_int() <= kMostPositions;
    RopeScaling& rope = config.rope_scaling;
    rope = {RopeType::llama3, decimal(static_cast<double>(divisors.back())), 1, 4, known ? original->as_int() : 8192};
    constexpr float kTolerance = 1e-4F;  // they were computed in fp32
    bool same = rope.factor > 1 && std::isfinite(rope.factor);
    const std::vector<float> wanted = same ? rope_divisors(config) : divisors;
    for (size_t i = 0; i < wanted.size(); ++i) same &= std::fabs(divisors[i] - wanted[i]) <= kTolerance * wanted[i];
    if (!same)
      fail(std::string(kRopeFactors) +
           " is not the stretching of Llama 3: low_freq_factor 1, high_freq_factor 4, "
           "original context " +
           std::to_string(rope.original_max_position_embeddings));
    return rope;
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : file_.metadata.as_object())
      if (key.starts_with(architecture_ + ".") && std::find(asked_.begin(), asked_.end(), key) == asked_.end())
        fail(key + " is not known, and might change what the model computes");
  }

  void token_ids(HfConfig& config) const {
    for (const char* token : {"bos", "eos", "padding"}) {
      const Json* id = file_.metadata.find("tokenizer.ggml." + std::string(token) + "_token_id");
      const std::string name = token == std::string_view("padding") ? "pad" : token;
      config.other.set(name + "_token_id", id != nullptr && id->is_int() ? *id : Json());
    }
  }

  const Gguf& file_;
  const Place& where_;
  std::string architecture_;
  std::vector<std::string> asked_;
};

}  // namespace

GgufModel::GgufModel(std::string_view bytes, const Place& where)
    : where_(where), file_(read_gguf(bytes, where)), config_(Hyperparameters(file_, where_).read()) {
  names_ = gguf_names(config_);
  // Compared by shape alone: every type is read as F32.
  Safetensors there;
  std::vector<TensorView> wanted;
  for (const GgufTensor& tensor : file_.tensors)
    if (tensor.name != kRopeFactors) there.tensors.push_back({tensor.name, Dtype::f32, tensor.shape, {}});
  for (const GgufName& name : names_) {
    wanted.push_back({name.gguf, Dtype::f32, name.shape, {}});
    if (name.transposed) std::reverse(wanted.back().shape.begin(), wanted.back().shape.end());
    tensors_.push_back({name.published, Dtype::f32, name.shape, {}});
  }
  expect_tensors(there, wanted, where_);
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < file_.tensors.size(); ++i) places[file_.tensors[i].name] = i;
  for (const GgufName& name : names_) places_.push_back(places.at(name.gguf));
}

void GgufModel::read(size_t tensor, std::vector<float>& out) const {
  const GgufName& name = names_[tensor];
  const GgufTensor& stored = file_.tensors[places_[tensor]];
  out.resize(static_cast<size_t>(element_count(stored)));
  if (name.interleaved_heads == 0) {
    dequantise(stored, out, where_);
    if (name.transposed) out = transposed(out, stored.shape.front(), stored.shape.back());
    if (name.added != 0)
      for (float& value : out) value -= name.added;
    return;
  }
  const auto rows = static_cast<size_t>(stored.shape.front());
  const size_t columns = out.size() / rows, row_bytes = stored.bytes.size() / rows;
  GgufTensor row{stored.name, stored.type, {stored.shape.back()}, {}};
  for (size_t i = 0; i < rows; ++i) {
    row.bytes = stored.bytes.substr(i * row_bytes, row_bytes);
    const auto to = static_cast<size_t>(published_row(name, static_cast<int64_t>(i)));
    dequantise(row, std::span(out).subspan(to * columns, columns), where_);
  }
}

std::string GgufModel::chat_template() const {
  const Json* found = file_.metadata.find("tokenizer.chat_template");
  return found != nullptr && found->is_string() ? found->as_string() : "";
}

std::string GgufModel::generation_config() const {
  Json out = config_.other;
  const Json* turn = file_.metadata.find("tokenizer.ggml.eot_token_id");
  const Json eos = out.at("eos_token_id");
  if (turn != nullptr && turn->is_int() && eos.is_int() && *turn != eos)
    out.set("eos_token_id", Json::Array{eos, *turn});
  struct Setting {
    const char *theirs, *ours;
  };
  constexpr Setting kSettings[] = {{"temp", "temperature"},
                                   {"top_k", "top_k"},
                                   {"top_p", "top_p"},
                                   {"min_p", "min_p"},
                                   {"penalty_repeat", "repetition_penalty"}};
  for (const Setting& setting : kSettings) {
    const Json* found = file_.metadata.find("general.sampling." + std::string(setting.theirs));
    if (found == nullptr || !found->is_number() || !std::isfinite(found->as_double())) continue;
    out.set(setting.ours, found->is_int() ? *found : Json(decimal(found->as_double())));
    out.set("do_sample", true);
  }
  return dump_pretty(out) + "\n";
}

}  // namespace sil
