#include "formats/hf_config.h"

namespace sil {
namespace {

std::string_view architecture(HfFamily family) {
  switch (family) {
    case HfFamily::llama:
      return "LlamaForCausalLM";
    case HfFamily::mistral:
      return "MistralForCausalLM";
    case HfFamily::qwen2:
      return "Qwen2ForCausalLM";
    case HfFamily::qwen3:
      return "Qwen3ForCausalLM";
    case HfFamily::gemma3:
      return "Gemma3ForCausalLM";
    case HfFamily::gpt2:
      return "GPT2LMHeadModel";
    case HfFamily::llama_nope:
      return "SilLlamaNopeForCausalLM";
  }
  SIL_CHECK(!"a family without a name");
  return {};
}

Json scaling(const RopeScaling& rope) {
  Json out = Json::object();
  if (rope.type == RopeType::plain) {
    out.set("rope_type", "default");
    return out;
  }
  out.set("rope_type", rope.type == RopeType::linear ? "linear" : "llama3");
  out.set("factor", rope.factor);
  if (rope.type == RopeType::linear) return out;
  out.set("low_freq_factor", rope.low_freq_factor);
  out.set("high_freq_factor", rope.high_freq_factor);
  out.set("original_max_position_embeddings", rope.original_max_position_embeddings);
  return out;
}

std::string_view torch_name(Dtype dtype) {
  SIL_CHECK(is_float(dtype));
  return dtype == Dtype::f32 ? "float32" : dtype == Dtype::f16 ? "float16" : "bfloat16";
}

void write_gpt2(const HfConfig& config, Json& out) {
  out.set("vocab_size", config.vocab_size);
  out.set("n_embd", config.hidden_size);
  out.set("n_inner", config.intermediate_size);
  out.set("n_layer", config.num_hidden_layers);
  out.set("n_head", config.num_attention_heads);
  out.set("n_positions", config.max_position_embeddings);
  out.set("layer_norm_epsilon", config.norm_eps);
  out.set("scale_attn_weights", true);
  out.set("scale_attn_by_inverse_layer_idx", false);
  out.set("add_cross_attention", false);
}

void write_gemma3_layers(const HfConfig& config, Json& out) {
  Json types = Json::array();
  for (const bool sliding : config.sliding_layers) types.push(sliding ? "sliding_attention" : "full_attention");
  Json full = scaling(config.rope_scaling);
  if (config.rope_scaling.type != RopeType::plain) out.set("rope_scaling", full);
  full.set("rope_theta", config.rope_theta);
  Json sliding = scaling({});
  sliding.set("rope_theta", config.rope_local_base_freq);
  out.set("layer_types", std::move(types));
  out.set("sliding_window", config.sliding_window);
  out.set("query_pre_attn_scalar", config.query_pre_attn_scalar);
  out.set("rope_theta", config.rope_theta);
  out.set("rope_local_base_freq", config.rope_local_base_freq);
  out.set("rope_parameters",
          Json::Object{{"sliding_attention", std::move(sliding)}, {"full_attention", std::move(full)}});
}

void write_llama(const HfConfig& config, Json& out) {
  const bool plain_llama = config.family == HfFamily::llama || config.family == HfFamily::llama_nope;
  const bool gemma3 = config.family == HfFamily::gemma3;
  out.set("hidden_size", config.hidden_size);
  out.set("intermediate_size", config.intermediate_size);
  out.set("num_hidden_layers", config.num_hidden_layers);
  out.set("num_attention_heads", config.num_attention_heads);
  out.set("num_key_value_heads", config.num_key_value_heads);
  out.set("head_dim", config.head_dim);
  if (gemma3)
    out.set("hidden_activation", "gelu_pytorch_tanh");
  else
    out.set("hidden_act", "silu");
  out.set("vocab_size", config.vocab_size);
  out.set("max_position_embeddings", config.max_position_embeddings);
  out.set("rms_norm_eps", config.norm_eps);
  if (gemma3) {
    write_gemma3_layers(config, out);
  } else if (config.family != HfFamily::llama_nope) {
    Json rope = scaling(config.rope_scaling);
    out.set("rope_theta", config.rope_theta);
    if (config.rope_scaling.type != RopeType::plain) out.set("rope_scaling", rope);
    rope.set("rope_theta", config.rope_theta);
    out.set("rope_parameters", std::move(rope));
  }
  if (config.family == HfFamily::mistral) out.set("sliding_window", Json());  // else transformers takes 4096
  if (plain_llama || config.family == HfFamily::qwen3 || gemma3) out.set("attention_bias", false);
  if (plain_llama) out.set("mlp_bias", false);
}

}  // namespace

std::string_view name(HfFamily family) {
  constexpr std::string_view kNames[] = {"llama", "mistral", "qwen2", "qwen3", "gemma3_text", "gpt2", "sil-llama-nope"};
  return kNames[static_cast<size_t>(family)];
}

std::string write_hf_config(const HfConfig& config, Dtype dtype) {
  Json out = Json::object();
  out.set("architectures", Json::Array{architecture(config.family)});
  out.set("model_type", name(config.family));
  if (config.family == HfFamily::gpt2)
    write_gpt2(config, out);
  else
    write_llama(config, out);
  out.set("tie_word_embeddings", config.tie_word_embeddings);
  for (const auto& [key, value] : config.other.as_object()) out.set(key, value);
  for (const char* key : {"dtype", "torch_dtype"}) out.set(key, torch_name(dtype));
  return dump_pretty(out) + "\n";
}

}  // namespace sil
