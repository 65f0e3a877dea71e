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
    const bool gpt2 = config_.family == HfFamily::gpt2;
    add("token_embd.weight", gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight",
        {config_.vocab_size, width});
    if (gpt2) add("position_embd.weight", "transformer.wpe.weight", {config_.max_position_embeddings, width});
    for (int64_t i = 0; i < config_.num_hidden_layers; ++i) {
      const std::string index = std::to_string(i) + ".";
      if (gpt2)
        gpt2_layer("blk." + index, "transformer.h." + index);
      else
        layer("blk." + index, "model.layers." + index);
    }
    if (gpt2)
      layer_norm("output_norm", "transformer.ln_f");
    else
      norm("output_norm", "model.norm", width);
    if (!config_.tie_word_embeddings) add("output.weight", "lm_head.weight", {config_.vocab_size, width});
    return std::move(out_);
  }

 private:
  void add(std::string gguf, std::string published, std::vector<int64_t> shape, int64_t interleaved_heads = 0) {
    out_.push_back({std::move(gguf), std::move(published), std::move(shape), interleaved_heads});
  }

  // Gemma's count from 1 as published, from 0 in the file.
  void norm(const std::string& gguf, const std::string& published, int64_t width) {
    add(gguf + ".weight", published + ".weight", {width});
    if (config_.family == HfFamily::gemma3) out_.back().added = 1;
  }

  void layer_norm(const std::string& gguf, const std::string& published) {
    add(gguf + ".weight", published + ".weight", {config_.hidden_size});
    add(gguf + ".bias", published + ".bias", {config_.hidden_size});
  }

  void gpt2_map(const std::string& gguf, const std::string& published, int64_t inputs, int64_t outputs) {
    add(gguf + ".weight", published + ".weight", {inputs, outputs});
    out_.back().transposed = true;
    add(gguf + ".bias", published + ".bias", {outputs});
  }

  void gpt2_layer(const std::string& theirs, const std::string& ours) {
    const int64_t width = config_.hidden_size, hidden = config_.intermediate_size;
    layer_norm(theirs + "attn_norm", ours + "ln_1");
    gpt2_map(theirs + "attn_qkv", ours + "attn.c_attn", width, 3 * width);
    gpt2_map(theirs + "attn_output", ours + "attn.c_proj", width, width);
    layer_norm(theirs + "ffn_norm", ours + "ln_2");
    gpt2_map(theirs + "ffn_up", ours + "mlp.c_fc", width, hidden);
    gpt2_map(theirs + "ffn_down", ours + "mlp.c_proj", hidden, width);
  }

  void layer(const std::string& theirs, const std::string& ours) {
    const int64_t width = config_.hidden_size, hidden = config_.intermediate_size;
    const bool gemma3 = config_.family == HfFamily::gemma3;
    projection(theirs + "attn_q", ours + "self_attn.q_proj", config_.num_attention_heads, true);
    projection(theirs + "attn_k", ours + "self_attn.k_proj", config_.num_key_value_heads, true);
    projection(theirs + "attn_v", ours + "self_attn.v_proj", config_.num_key_value_heads, false);
    add(theirs + "attn_output.weight", ours + "self_attn.o_proj.weight",
        {width, config_.num_attention_heads * config_.head_dim});
    if (config_.family == HfFamily::qwen3 || gemma3) {
      norm(theirs + "attn_q_norm", ours + "self_attn.q_norm", config_.head_dim);
      norm(theirs + "attn_k_norm", ours + "self_attn.k_norm", config_.head_dim);
    }
    add(theirs + "ffn_gate.weight", ours + "mlp.gate_proj.weight", {hidden, width});
    add(theirs + "ffn_up.weight", ours + "mlp.up_proj.weight", {hidden, width});
    add(theirs + "ffn_down.weight", ours + "mlp.down_proj.weight", {width, hidden});
    norm(theirs + "attn_norm", ours + "input_layernorm", width);
    if (gemma3) {
      norm(theirs + "post_attention_norm", ours + "post_attention_layernorm", width);
      norm(theirs + "ffn_norm", ours + "pre_feedforward_layernorm", width);
      norm(theirs + "post_ffw_norm", ours + "post_feedforward_layernorm", width);
    } else {
      norm(theirs + "ffn_norm", ours + "post_attention_layernorm", width);
    }
  }

  void projection(const std::string& gguf, const std::string& published, int64_t heads, bool turns) {
    const bool interleaved = config_.family == HfFamily::llama || config_.family == HfFamily::mistral;
    const int64_t rows = heads * config_.head_dim;
    add(gguf + ".weight", published + ".weight", {rows, config_.hidden_size}, turns && interleaved ? heads : 0);
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
      return "gemma3";
    case HfFamily::gpt2:
      return "gpt2";
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
