#include "formats/gguf_names.h"

#include <algorithm>
#include <numbers>

#include "base/math.h"
#include "sil/error.h"

namespace sil {
namespace {

class Names {
 public:
  explicit Names(const HfConfig& config) : config_(config) {}

  std::vector<GgufName> all() {
    const int64_t width = config_.hidden_size;
    add("token_embd.weight", "model.embed_tokens.weight", {config_.vocab_size, width});
    for (int64_t i = 0; i < config_.num_hidden_layers; ++i) layer(i);
    add("output_norm.weight", "model.norm.weight", {width});
    if (!config_.tie_word_embeddings) add("output.weight", "lm_head.weight", {config_.vocab_size, width});
    return std::move(out_);
  }

 private:
  void add(std::string gguf, std::string published, std::vector<int64_t> shape, int64_t interleaved_heads = 0) {
    out_.push_back({std::move(gguf), std::move(published), std::move(shape), interleaved_heads});
  }

  void layer(int64_t index) {
    const std::string theirs = "blk." + std::to_string(index) + ".";
    const std::string ours = "model.layers." + std::to_string(index) + ".";
    const int64_t width = config_.hidden_size, hidden = config_.intermediate_size;
    projection(theirs + "attn_q", ours + "self_attn.q_proj", config_.num_attention_heads, true);
    projection(theirs + "attn_k", ours + "self_attn.k_proj", config_.num_key_value_heads, true);
    projection(theirs + "attn_v", ours + "self_attn.v_proj", config_.num_key_value_heads, false);
    add(theirs + "attn_output.weight", ours + "self_attn.o_proj.weight",
        {width, config_.num_attention_heads * config_.head_dim});
    if (config_.family == HfFamily::qwen3) {
      add(theirs + "attn_q_norm.weight", ours + "self_attn.q_norm.weight", {config_.head_dim});
      add(theirs + "attn_k_norm.weight", ours + "self_attn.k_norm.weight", {config_.head_dim});
    }
    add(theirs + "ffn_gate.weight", ours + "mlp.gate_proj.weight", {hidden, width});
    add(theirs + "ffn_up.weight", ours + "mlp.up_proj.weight", {hidden, width});
    add(theirs + "ffn_down.weight", ours + "mlp.down_proj.weight", {width, hidden});
    add(theirs + "attn_norm.weight", ours + "input_layernorm.weight", {width});
    add(theirs + "ffn_norm.weight", ours + "post_attention_layernorm.weight", {width});
  }

  void projection(const std::string& gguf, const std::string& published, int64_t heads, bool turns) {
    const bool qwen = config_.family == HfFamily::qwen2 || config_.family == HfFamily::qwen3;
    const int64_t rows = heads * config_.head_dim;
    add(gguf + ".weight", published + ".weight", {rows, config_.hidden_size}, turns && !qwen ? heads : 0);
    if (config_.family == HfFamily::qwen2) add(gguf + ".bias", published + ".bias", {rows});
  }

  const HfConfig& config_;
  std::vector<GgufName> out_;
};

}  // namespace

std::string_view gguf_architecture(HfFamily family) {
  switch (family) {
    case HfFamily::llama:
    case HfFamily::mistral:
      return "llama";
    case HfFamily::qwen2:
      return "qwen2";
    case HfFamily::qwen3:
      return "qwen3";
    case HfFamily::gemma3:
    case HfFamily::gpt2:
    case HfFamily::llama_nope:
      break;
  }
  throw Error(Exit::usage, "llama.cpp knows no model of the family " + std::string(name(family)),
              "export it as a Hugging Face folder");
}

std::vector<GgufName> gguf_names(const HfConfig& config) {
  gguf_architecture(config.family);
  return Names(config).all();
}

int64_t published_row(const GgufName& name, int64_t row) {
  if (name.interleaved_heads == 0) return row;
  const int64_t width = name.shape.front() / name.interleaved_heads;
  const int64_t within = row % width;
  return row - within + within % 2 * (width / 2) + within / 2;
}

// transformers' frequencies of RopeType::llama3 are frequency / factor for long waves, frequency for short ones and a
// blend by `kept` between; what stands in the file is the quotient.
std::vector<float> rope_divisors(const HfConfig& config) {
  const RopeScaling& rope = config.rope_scaling;
  std::vector<float> out;
  for (int64_t i = 0; i < config.head_dim; i += 2) {
    const double exponent = static_cast<double>(i) / static_cast<double>(config.head_dim);
    const double frequency = exact_exp(-exponent * exact_log(config.rope_theta));
    const double turns =
        static_cast<double>(rope.original_max_position_embeddings) * frequency / (2 * std::numbers::pi);
    const double kept =
        std::clamp((turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor), 0.0, 1.0);
    out.push_back(static_cast<float>(1 / ((1 - kept) / rope.factor + kept)));
  }
  return out;
}

}  // namespace sil
