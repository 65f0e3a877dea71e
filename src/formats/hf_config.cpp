#include "formats/hf_config.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sil {
namespace {

// Far beyond any model; keeps products of sizes within 64 bits.
constexpr int64_t kMostSize = int64_t{1} << 24;
constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostPositions = int64_t{1} << 20;
constexpr size_t kLargest = size_t{1} << 20;  // bytes

constexpr HfFamily kFamilies[] = {HfFamily::llama, HfFamily::mistral, HfFamily::qwen2, HfFamily::qwen3,
                                  HfFamily::llama_nope};
// What HfConfig says in other words; `false`, `"silu"` and the like are the only values that are read.
constexpr std::string_view kKnown[] = {"architectures",
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
                                       "torch_dtype"};

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
    refuse_unsupported();
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
    out.rope_scaling = rope_scaling();
    out.tie_word_embeddings = flag("tie_word_embeddings");
    check_window(out);
    if (findings_.empty()) check_heads(out);
    for (const auto& [key, kept] : json_.as_object())
      if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown)) out.other.set(key, kept);
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
    std::string all;
    for (const HfFamily known : kFamilies) {
      if (*type == Json(name(known))) return known;
      all += (all.empty() ? "" : ", ") + std::string(name(known));
    }
    throw Error(Exit::unreadable, "model_type is " + shown(*type) + "; supported: " + all,
                "use a model of one of these families", where_);
  }

  int64_t size(std::string_view key, int64_t most, int64_t otherwise = 0) {
    const Json* found = value(key);
    return found == nullptr && otherwise > 0 ? otherwise : size_of(std::string(key), found, most);
  }

  int64_t size_of(const std::string& key, const Json* found, int64_t most) {
    if (found == nullptr) {
      find("there is no " + key);
    } else if (!found->is_int() || found->as_int() < 1 || found->as_int() > most) {
      find(key + " is " + shown(*found) + "; allowed: integers from 1 to " + std::to_string(most));
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

  void refuse_unsupported() {
    for (const char* key : {"attention_bias", "mlp_bias", "use_sliding_window"})
      if (const Json* found = value(key); found != nullptr && *found != Json(false)) refuse(key, *found, "false");
    if (const Json* found = value("quantization_config"))
      refuse("quantization_config", *found, "weights of F32, BF16 or F16, without quantization");
    if (const Json* found = value("hidden_act"); found != nullptr && *found != Json("silu"))
      refuse("hidden_act", *found, "\"silu\"");
    if (const Json* types = value("layer_types"); types != nullptr && types->is_array())
      for (const Json& type : types->as_array())
        if (type != Json("full_attention")) return refuse("layer_types", *types, "full_attention in every layer");
    if (const Json* found = value("partial_rotary_factor");
        found != nullptr && *found != Json(1.0) && *found != Json(1))
      refuse("partial_rotary_factor", *found, "1");
  }

  // A window is none where it covers every sequence. Qwen's says nothing unless use_sliding_window is true.
  void check_window(const HfConfig& config) {
    if (config.family == HfFamily::qwen2 || config.family == HfFamily::qwen3) return;
    constexpr int64_t kOfMistral = 4096;  // where config.json does not say it, as transformers has it
    const Json* found = json_.find("sliding_window");
    const Json window = found != nullptr ? *found : config.family == HfFamily::mistral ? Json(kOfMistral) : Json();
    if (window.is_null() || (window.is_int() && window.as_int() >= config.max_position_embeddings)) return;
    refuse("sliding_window", window,
           "null or at least max_position_embeddings, " + std::to_string(config.max_position_embeddings) +
               ": attention over the whole sequence");
  }

  // The first of rope_scaling and rope_parameters that scales; the other says the same or nothing.
  RopeScaling rope_scaling() {
    const RopeScaling of4 = scaling_of("rope_scaling"), of5 = scaling_of("rope_parameters");
    if (of4 == of5 || of5 == RopeScaling()) return of4;
    if (of4 != RopeScaling())
      find("rope_scaling is " + shown(*value("rope_scaling")) + ", but rope_parameters " +
               shown(*value("rope_parameters")),
           "let both say the same");
    return of5;
  }

  RopeScaling scaling_of(std::string_view key) {
    const Json* rope = value(key);
    if (rope == nullptr || !rope->is_object()) return {};
    const auto said = [&](std::string_view member) {
      const Json* found = rope->find(member);
      return found != nullptr && found->is_null() ? nullptr : found;
    };
    const Json* type = said("rope_type") != nullptr ? said("rope_type") : said("type");
    const bool linear = type != nullptr && *type == Json("linear");
    const bool llama3 = type != nullptr && *type == Json("llama3");
    RopeScaling out;
    out.type = linear ? RopeType::linear : llama3 ? RopeType::llama3 : RopeType::plain;
    if ((type != nullptr && *type != Json("default") && !linear && !llama3) || has_other_member(*rope, out.type)) {
      refuse(key, *rope, "rope_type default, linear with factor, llama3 with its four numbers");
      return {};
    }
    const std::string prefix = std::string(key) + ".";
    const auto from = [&](const char* member, double least) {
      const Json* found = said(member);
      if (found != nullptr && found->is_number() && found->as_double() >= least && std::isfinite(found->as_double()))
        return found->as_double();
      find(prefix + member + " is " + (found != nullptr ? shown(*found) : "not there") + "; allowed: numbers from " +
           shown(least));
      return least;
    };
    if (out.type != RopeType::plain) out.factor = from("factor", 1);
    if (!llama3) return out;
    out.low_freq_factor = from("low_freq_factor", 1e-6);
    out.high_freq_factor = from("high_freq_factor", 1e-6);
    if (findings_.empty() && out.high_freq_factor <= out.low_freq_factor)
      find(prefix + "high_freq_factor is " + shown(out.high_freq_factor) +
           "; allowed: numbers above low_freq_factor, " + shown(out.low_freq_factor));
    out.original_max_position_embeddings =
        size_of(prefix + "original_max_position_embeddings", said("original_max_position_embeddings"), kMostPositions);
    return out;
  }

  static bool has_other_member(const Json& rope, RopeType type) {
    for (const auto& [name, seen] : rope.as_object()) {
      const bool ours = name == "rope_theta" || name == "rope_type" || name == "type" ||
                        (type != RopeType::plain && name == "factor");
      const bool of_llama3 =
          name == "low_freq_factor" || name == "high_freq_factor" || name == "original_max_position_embeddings";
      const bool whole = name == "partial_rotary_factor" && seen.is_number() && seen.as_double() == 1;
      if (!ours && !(of_llama3 && type == RopeType::llama3) && !whole && !seen.is_null()) return true;
    }
    return false;
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

HfConfig read_hf_config(std::string_view text, const Place& where) {
  return Reader(text, where).read();
}

double decimal(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return value;
  std::string text;
  append_json_number(text, narrow);
  return parse_json(text).as_double();
}

}  // namespace sil
