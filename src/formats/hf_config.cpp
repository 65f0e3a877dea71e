#include "formats/hf_config.h"

#include "formats/config_members.h"
#include "formats/hf_config_rope.h"

namespace sil {
namespace {

// Far beyond any model; keeps products of sizes within 64 bits.
constexpr int64_t kMostSize = int64_t{1} << 24;
constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostPositions = int64_t{1} << 20;

constexpr HfFamily kFamilies[] = {HfFamily::llama,  HfFamily::mistral, HfFamily::qwen2,     HfFamily::qwen3,
                                  HfFamily::gemma3, HfFamily::gpt2,    HfFamily::llama_nope};

HfFamily family_of(const ConfigMembers& members) {
  const Json* type = members.value("model_type");
  if (type == nullptr) members.fail("there is no model_type");
  std::string all;
  for (const HfFamily known : kFamilies) {
    if (*type == Json(name(known))) return known;
    all += (all.empty() ? "" : ", ") + std::string(name(known));
  }
  throw Error(Exit::unreadable, "model_type is " + ConfigMembers::shown(*type) + "; supported: " + all,
              "use a model of one of these families", members.where());
}

void refuse_unsupported(ConfigMembers& members) {
  for (const char* key : {"attention_bias", "mlp_bias", "use_sliding_window"}) members.expect(key, Json(false));
  members.expect("hidden_act", Json("silu"));
  if (const Json* types = members.value("layer_types"); types != nullptr && types->is_array())
    for (const Json& type : types->as_array())
      if (type != Json("full_attention")) return members.refuse("layer_types", *types, "full_attention in every layer");
  if (const Json* found = members.value("partial_rotary_factor");
      found != nullptr && *found != Json(1.0) && *found != Json(1))
    members.refuse("partial_rotary_factor", *found, "1");
}

// A window is none where it covers every sequence. Qwen's says nothing unless use_sliding_window is true.
void check_window(ConfigMembers& members, const HfConfig& config) {
  if (config.family == HfFamily::qwen2 || config.family == HfFamily::qwen3) return;
  constexpr int64_t kOfMistral = 4096;  // where config.json does not say it, as transformers has it
  // null says that there is none.
  const bool unsaid = config.family == HfFamily::mistral && !members.has("sliding_window");
  const Json* found = members.value("sliding_window");
  const Json window = found != nullptr ? *found : unsaid ? Json(kOfMistral) : Json();
  if (window.is_null() || (window.is_int() && window.as_int() >= config.max_position_embeddings)) return;
  members.refuse("sliding_window", window,
                 "null or at least max_position_embeddings, " + std::to_string(config.max_position_embeddings) +
                     ": attention over the whole sequence");
}

void check_heads(ConfigMembers& members, const HfConfig& config) {
  if (config.num_attention_heads * config.head_dim > kMostSize)
    members.find("num_attention_heads times head_dim is " +
                 std::to_string(config.num_attention_heads * config.head_dim) + "; at most " +
                 std::to_string(kMostSize) + " is allowed");
  if (config.num_attention_heads % config.num_key_value_heads != 0)
    members.find("num_key_value_heads is " + std::to_string(config.num_key_value_heads) + " with " +
                 std::to_string(config.num_attention_heads) + " attention heads; it must divide them");
  if (config.head_dim % 2 != 0)
    members.find("head_dim is " + std::to_string(config.head_dim) + "; allowed: even numbers, whose halves rotate");
}

// Where config.json does not say it: as transformers has it.
int64_t head_dim_of(const HfConfig& config) {
  if (config.family == HfFamily::qwen3 || config.num_attention_heads == 0) return 0;
  return config.hidden_size / config.num_attention_heads;
}

void read_llama(ConfigMembers& members, HfConfig& out) {
  refuse_unsupported(members);
  out.hidden_size = members.size("hidden_size", kMostSize);
  out.intermediate_size = members.size("intermediate_size", kMostSize);
  out.num_hidden_layers = members.size("num_hidden_layers", kMostLayers);
  out.num_attention_heads = members.size("num_attention_heads", kMostSize);
  out.num_key_value_heads = members.size("num_key_value_heads", kMostSize, out.num_attention_heads);
  out.head_dim = members.size("head_dim", kMostSize, head_dim_of(out));
  out.max_position_embeddings = members.size("max_position_embeddings", kMostPositions);
  out.norm_eps = members.number("rms_norm_eps", 1e-6);
  const HfRope rope = read_rope(members, {});
  out.rope_theta = rope.theta;
  out.rope_scaling = rope.scaling;
  out.tie_word_embeddings = members.flag("tie_word_embeddings", false);
  check_window(members, out);
  if (members.sound()) check_heads(members, out);
  out.other = members.other({"architectures",
                             "model_type",
                             "hidden_size",
                             "intermediate_size",
                             "num_hidden_layers",
                             "num_attention_heads",
                             "num_key_value_heads",
                             "head_dim",
                             "hidden_act",
                             "vocab_size",
                             "max_position_embeddings",
                             "rms_norm_eps",
                             "rope_theta",
                             "rope_scaling",
                             "rope_parameters",
                             "attention_bias",
                             "mlp_bias",
                             "tie_word_embeddings",
                             "dtype",
                             "torch_dtype"});
}

// By layer, whether its attention slides. transformers' first Gemma 3 folders say only how often it does not.
std::vector<bool> read_layer_types(ConfigMembers& members, int64_t layers) {
  std::vector<bool> out;
  const Json* types = members.value("layer_types");
  if (types == nullptr) {
    const int64_t pattern = members.size("sliding_window_pattern", kMostLayers, 6);
    for (int64_t i = 1; i <= layers; ++i) out.push_back(pattern > 0 && i % pattern != 0);
    return out;
  }
  const bool right_count = types->is_array() && std::ssize(types->as_array()) == layers;
  if (right_count)
    for (const Json& type : types->as_array())
      if (type == Json("sliding_attention") || type == Json("full_attention"))
        out.push_back(type == Json("sliding_attention"));
  if (std::ssize(out) != layers)
    members.refuse("layer_types", *types,
                   "sliding_attention or full_attention for each of " + std::to_string(layers) + " layers");
  return out;
}

void read_gemma3_rope(ConfigMembers& members, HfConfig& out) {
  if (const Json* all = members.value("rope_parameters"); all != nullptr && all->is_object())
    for (const auto& [key, value] : all->as_object())
      if (key != "full_attention" && key != "sliding_attention")
        return members.refuse("rope_parameters", *all, "full_attention and sliding_attention, a map each");
  const HfRope full = read_rope(members, {.layers = "full_attention", .otherwise = 1e6});
  const HfRope sliding = read_rope(
      members, {.theta = "rope_local_base_freq", .scaling = "", .layers = "sliding_attention", .otherwise = 1e4});
  out.rope_theta = full.theta;
  out.rope_scaling = full.scaling;
  out.rope_local_base_freq = sliding.theta;
  if (sliding.scaling != RopeScaling())
    members.find("rope_parameters.sliding_attention is stretched, which is not supported",
                 "supported: rope_type default");
}

void read_gemma3(ConfigMembers& members, HfConfig& out) {
  for (const char* key : {"attention_bias", "use_bidirectional_attention"}) members.expect(key, Json(false));
  for (const char* key : {"hidden_activation", "hidden_act"}) members.expect(key, Json("gelu_pytorch_tanh"));
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) members.expect(key, Json());
  out.hidden_size = members.size("hidden_size", kMostSize);
  out.intermediate_size = members.size("intermediate_size", kMostSize);
  out.num_hidden_layers = members.size("num_hidden_layers", kMostLayers);
  out.num_attention_heads = members.size("num_attention_heads", kMostSize);
  out.num_key_value_heads = members.size("num_key_value_heads", kMostSize);
  out.head_dim = members.size("head_dim", kMostSize);
  out.max_position_embeddings = members.size("max_position_embeddings", kMostPositions);
  out.norm_eps = members.number("rms_norm_eps", 1e-6);
  out.tie_word_embeddings = members.flag("tie_word_embeddings", true);
  out.sliding_window = members.size("sliding_window", kMostPositions, 4096);
  out.sliding_layers = read_layer_types(members, out.num_hidden_layers);
  out.query_pre_attn_scalar = members.number("query_pre_attn_scalar", 256);
  read_gemma3_rope(members, out);
  if (members.sound()) check_heads(members, out);
  out.other = members.other({"architectures",
                             "model_type",
                             "hidden_size",
                             "intermediate_size",
                             "num_hidden_layers",
                             "num_attention_heads",
                             "num_key_value_heads",
                             "head_dim",
                             "hidden_activation",
                             "vocab_size",
                             "max_position_embeddings",
                             "rms_norm_eps",
                             "rope_theta",
                             "rope_scaling",
                             "rope_parameters",
                             "rope_local_base_freq",
                             "attention_bias",
                             "tie_word_embeddings",
                             "sliding_window",
                             "layer_types",
                             "query_pre_attn_scalar",
                             "dtype",
                             "torch_dtype"});
}

void read_gpt2(ConfigMembers& members, HfConfig& out) {
  members.expect("scale_attn_weights", Json(true));
  members.expect("scale_attn_by_inverse_layer_idx", Json(false));
  members.expect("add_cross_attention", Json(false));
  if (const Json* found = members.value("activation_function");
      found != nullptr && *found != Json("gelu_new") && *found != Json("gelu_pytorch_tanh"))
    members.refuse("activation_function", *found, "gelu_new, gelu_pytorch_tanh, which are the same");
  out.hidden_size = members.size("n_embd", kMostSize);
  out.intermediate_size = members.size("n_inner", kMostSize, 4 * out.hidden_size);
  out.num_hidden_layers = members.size("n_layer", kMostLayers);
  out.num_attention_heads = members.size("n_head", kMostSize);
  out.num_key_value_heads = out.num_attention_heads;
  out.max_position_embeddings = members.size("n_positions", kMostPositions);
  out.norm_eps = members.number("layer_norm_epsilon", 1e-5);
  out.tie_word_embeddings = members.flag("tie_word_embeddings", true);
  if (members.sound() && out.hidden_size % out.num_attention_heads != 0)
    members.find("n_embd is " + std::to_string(out.hidden_size) + " with n_head " +
                 std::to_string(out.num_attention_heads) + ", which must divide it");
  if (members.sound()) out.head_dim = out.hidden_size / out.num_attention_heads;
  // Which name the activation goes by is carried over.
  out.other =
      members.other({"architectures", "model_type", "n_embd", "n_inner", "n_layer", "n_head", "n_positions",
                     "vocab_size", "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx",
                     "add_cross_attention", "tie_word_embeddings", "dtype", "torch_dtype"});
}

}  // namespace

HfConfig read_hf_config(std::string_view text, const Place& where) {
  ConfigMembers members(text, where);
  HfConfig out;
  out.family = family_of(members);
  if (const Json* found = members.value("quantization_config"))
    members.refuse("quantization_config", *found, "weights of F32, BF16 or F16, without quantization");
  out.vocab_size = members.size("vocab_size", kMostSize);
  switch (out.family) {
    case HfFamily::gemma3:
      read_gemma3(members, out);
      break;
    case HfFamily::gpt2:
      read_gpt2(members, out);
      break;
    default:
      read_llama(members, out);
  }
  members.throw_findings();
  return out;
}

double decimal(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return value;
  std::string text;
  append_json_number(text, narrow);
  return parse_json(text).as_double();
}

}  // namespace sil
