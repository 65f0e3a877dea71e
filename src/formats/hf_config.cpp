#include "formats/hf_config.h"

#include <array>
#include <cmath>
#include <vector>

#include "sil/json.h"

namespace sil {
namespace {

struct Family {
  HfFamily family;
  std::string_view type;
  std::string_view architecture;
};
constexpr std::array<Family, 4> kFamilies = {{{HfFamily::llama, "llama", "LlamaForCausalLM"},
                                              {HfFamily::qwen2, "qwen2", "Qwen2ForCausalLM"},
                                              {HfFamily::qwen3, "qwen3", "Qwen3ForCausalLM"},
                                              {HfFamily::llama_nope, "sil-llama-nope", "SilLlamaNopeForCausalLM"}}};

const Family& about(HfFamily family) {
  return kFamilies[static_cast<size_t>(family)];
}

// Far beyond any model; keeps products of sizes within 64 bits.
constexpr int64_t kMostSize = int64_t{1} << 24;
constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostPositions = int64_t{1} << 20;
constexpr size_t kLargest = size_t{1} << 20;  // bytes

std::string shown(const Json& value) {
  std::string text = dump(value);
  return text.size() <= 80 ? text : text.substr(0, text.find_last_of(" ,:{[", 80)) + "…";
}

class Reader {
 public:
  Reader(std::string_view text, const Place& where) : where_(where), json_(parse_json(text, where, {16, kLargest})) {}

  HfConfig read() {
    if (!json_.is_object()) fail(std::string("config.json is ") + json_.kind() + ", not a map");
    HfConfig out;
    out.family = family();
    refuse_unsupported(out.family);
    out.hidden_size = size("hidden_size", kMostSize);
    out.intermediate_size = size("intermediate_size", kMostSize);
    out.num_hidden_layers = size("num_hidden_layers", kMostLayers);
    out.num_attention_heads = size("num_attention_heads", kMostSize);
    out.num_key_value_heads = size("num_key_value_heads", kMostSize, out.num_attention_heads);
    out.head_dim = size("head_dim", kMostSize, head_dim_of(out));
    out.vocab_size = size("vocab_size", kMostSize);
    out.max_position_embeddings = size("max_position_embeddings", kMostPositions);
    out.rms_norm_eps = number("rms_norm_eps", value("rms_norm_eps"), 1e-6);
    out.rope_theta = rope_theta();
    out.tie_word_embeddings = flag("tie_word_embeddings");
    if (findings_.empty()) check_heads(out);
    if (!findings_.empty()) throw Error(Exit::unreadable, std::move(findings_));
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Exit::unreadable, what, "take the folder as transformers saved it", where_);
  }
  void find(std::string message, std::string hint = "take config.json as transformers saved it") {
    findings_.push_back({where_, std::move(message), std::move(hint)});
  }

  // A member that is there and says something.
  const Json* value(std::string_view key) const {
    const Json* found = json_.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  HfFamily family() const {
    const Json* type = value("model_type");
    if (type == nullptr) fail("there is no model_type");
    for (const Family& known : kFamilies)
      if (*type == Json(known.type)) return known.family;
    std::string all;
    for (const Family& known : kFamilies) all += (all.empty() ? "" : ", ") + std::string(known.type);
    throw Error(Exit::unreadable, "model_type is " + shown(*type) + "; supported: " + all,
                "use a model of one of these families", where_);
  }

  int64_t size(std::string_view key, int64_t most, int64_t otherwise = 0) {
    const Json* found = value(key);
    if (found == nullptr && otherwise > 0) return otherwise;
    if (found == nullptr) {
      find("there is no " + std::string(key));
    } else if (!found->is_int() || found->as_int() < 1 || found->as_int() > most) {
      find(std::string(key) + " is " + shown(*found) + "; allowed: integers from 1 to " + std::to_string(most));
    } else {
      return found->as_int();
    }
    return 0;
  }

  // Where config.json does not say it: as transformers has it.
  static int64_t head_dim_of(const HfConfig& config) {
    if (config.family == HfFamily::qwen3 || config.num_attention_heads == 0) return 0;
    return config.hidden_size / config.num_attention_heads;
  }

  double number(std::string_view key, const Json* found, double otherwise) {
    if (found == nullptr) return otherwise;
    if (found->is_number() && found->as_double() > 0 && std::isfinite(found->as_double())) return found->as_double();
    find(std::string(key) + " is " + shown(*found) + "; allowed: numbers above 0");
    return otherwise;
  }

  bool flag(std::string_view key) {
    const Json* found = value(key);
    if (found == nullptr) return false;
    if (found->is_bool()) return found->as_bool();
    find(std::string(key) + " is " + shown(*found) + "; allowed: true, false");
    return false;
  }

  // transformers 4 writes rope_theta and rope_scaling, transformers 5 both within rope_parameters.
  double rope_theta() {
    const Json* parameters = value("rope_parameters");
    const double beside = number("rope_theta", value("rope_theta"), 10000);
    if (parameters == nullptr) return beside;
    if (!parameters->is_object()) {
      find(std::string("rope_parameters is ") + parameters->kind() + ", not a map");
      return beside;
    }
    const Json* within = parameters->find("rope_theta");
    const double theta = number("rope_parameters.rope_theta", within, beside);
    if (within != nullptr && value("rope_theta") != nullptr && theta != beside)
      find("rope_theta is " + shown(*value("rope_theta")) + ", but " + shown(*within) + " within rope_parameters",
           "let both say the same");
    return theta;
  }

  void refuse(std::string_view key, const Json& seen, const std::string& supported) {
    find(std::string(key) + " is " + shown(seen) + ", which is not supported", "supported: " + supported);
  }

  void refuse_unsupported(HfFamily family) {
    for (const char* key : {"attention_bias", "mlp_bias", "use_sliding_window"})
      if (const Json* found = value(key); found != nullptr && *found != Json(false)) refuse(key, *found, "false");
    if (const Json* found = value("quantization_config"))
      refuse("quantization_config", *found, "weights of F32, BF16 or F16, without quantization");
    if (const Json* found = value("hidden_act"); found != nullptr && *found != Json("silu"))
      refuse("hidden_act", *found, "\"silu\"");
    const bool qwen = family == HfFamily::qwen2 || family == HfFamily::qwen3;
    if (const Json* found = value("sliding_window"); found != nullptr && !qwen)
      refuse("sliding_window", *found, "null: attention over the whole sequence");
    if (const Json* types = value("layer_types"); types != nullptr && types->is_array())
      for (const Json& type : types->as_array())
        if (type != Json("full_attention")) return refuse("layer_types", *types, "full_attention in every layer");
    refuse_scaling("rope_scaling");
    refuse_scaling("rope_parameters");
    if (const Json* found = value("partial_rotary_factor");
        found != nullptr && *found != Json(1.0) && *found != Json(1))
      refuse("partial_rotary_factor", *found, "1");
  }

  // Anything but the plain rotary embedding: linear, dynamic, yarn, longrope, llama3.
  void refuse_scaling(std::string_view key) {
    const Json* rope = value(key);
    if (rope == nullptr || !rope->is_object()) return;
    for (const auto& [name, seen] : rope->as_object()) {
      const bool type = name == "rope_type" || name == "type";
      if (name == "rope_theta" || seen.is_null() || (type && seen == Json("default"))) continue;
      if (name == "partial_rotary_factor" && seen.is_number() && seen.as_double() == 1) continue;
      return refuse(key, *rope, "rope_type default, without scaling");
    }
  }

  void check_heads(const HfConfig& config) {
    if (config.num_attention_heads * config.head_dim > kMostSize)
      find("num_attention_heads times head_dim is " + std::to_string(config.num_attention_heads * config.head_dim) +
           "; at most " + std::to_string(kMostSize) + " is allowed");
    if (config.num_attention_heads % config.num_key_value_heads != 0)
      find("num_key_value_heads is " + std::to_string(config.num_key_value_heads) + " with " +
           std::to_string(config.num_attention_heads) + " attention heads; it must divide them");
    if (config.head_dim % 2 != 0)
      find("head_dim is " + std::to_string(config.head_dim) + "; allowed: even numbers, whose halves rotate");
  }

  const Place& where_;
  Json json_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string write_hf_config(const HfConfig& config) {
  const Family& family = about(config.family);
  Json out = Json::object();
  out.set("architectures", Json::Array{family.architecture});
  out.set("model_type", family.type);
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
    out.set("rope_theta", config.rope_theta);
    out.set("rope_parameters", Json::Object{{"rope_type", "default"}, {"rope_theta", config.rope_theta}});
  }
  if (config.family != HfFamily::qwen2) out.set("attention_bias", false);
  if (config.family == HfFamily::llama || config.family == HfFamily::llama_nope) out.set("mlp_bias", false);
  out.set("tie_word_embeddings", config.tie_word_embeddings);
  // A prompt gets no <bos>; with a pad_token_id transformers would not train that row of the embedding.
  out.set("bos_token_id", Json());
  out.set("eos_token_id", config.eos_token_id);
  out.set("pad_token_id", Json());
  out.set("dtype", "float32");
  out.set("torch_dtype", "float32");
  return dump_pretty(out) + "\n";
}

HfConfig read_hf_config(std::string_view text, const Place& where) {
  return Reader(text, where).read();
}

}  // namespace sil
