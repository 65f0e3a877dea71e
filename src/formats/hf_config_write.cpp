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

}  // namespace

std::string_view name(HfFamily family) {
  constexpr std::string_view kNames[] = {"llama", "mistral", "qwen2", "qwen3", "sil-llama-nope"};
  return kNames[static_cast<size_t>(family)];
}

std::string write_hf_config(const HfConfig& config, Dtype dtype) {
  const bool plain_llama = config.family == HfFamily::llama || config.family == HfFamily::llama_nope;
  Json out = Json::object();
  out.set("architectures", Json::Array{architecture(config.family)});
  out.set("model_type", name(config.family));
  out.set("hidden_size", config.hidden_size);
  out.set("intermediate_size", config.intermediate_size);
  out.set("num_hidden_layers", config.num_hidden_layers);
  out.set("num_attention_heads", config.num_attention_heads);
  out.set("num_key_value_heads", config.num_key_value_heads);
  out.set("head_dim", config.head_dim);
  out.set("hidden_act", "silu");
  out.set("vocab_size", config.vocab_size);
  out.set("max_position_embeddings", config.max_position_embeddings);
  out.set("rms_norm_eps", config.rms_norm_eps);
  if (config.family != HfFamily::llama_nope) {
    Json rope = scaling(config.rope_scaling);
    out.set("rope_theta", config.rope_theta);
    if (config.rope_scaling.type != RopeType::plain) out.set("rope_scaling", rope);
    rope.set("rope_theta", config.rope_theta);
    out.set("rope_parameters", std::move(rope));
  }
  if (config.family == HfFamily::mistral) out.set("sliding_window", Json());  // else transformers takes 4096
  if (plain_llama || config.family == HfFamily::qwen3) out.set("attention_bias", false);
  if (plain_llama) out.set("mlp_bias", false);
  out.set("tie_word_embeddings", config.tie_word_embeddings);
  for (const auto& [key, value] : config.other.as_object()) out.set(key, value);
  for (const char* key : {"dtype", "torch_dtype"}) out.set(key, torch_name(dtype));
  return dump_pretty(out) + "\n";
}

}  // namespace sil
