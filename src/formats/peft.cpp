#include "formats/peft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "sil/json.h"

namespace sil {
namespace {

// Read here, or of no meaning to what a saved adapter computes.
constexpr std::array<std::string_view, 18> kKnown = {"peft_type",
                                                     "base_model_name_or_path",
                                                     "r",
                                                     "lora_alpha",
                                                     "use_rslora",
                                                     "target_modules",
                                                     "bias",
                                                     "task_type",
                                                     "lora_dropout",
                                                     "inference_mode",
                                                     "peft_version",
                                                     "revision",
                                                     "auto_mapping",
                                                     "init_lora_weights",
                                                     "fan_in_fan_out",  // PEFT sets it anew by the kind of layer
                                                     "megatron_core",
                                                     "qalora_group_size",
                                                     "loftq_config"};

class Reader {
 public:
  Reader(std::string_view text, const Place& where) : where_(where), given_(parse_json(text, where)) {
    if (!given_.is_object())
      fail(std::string("it is ") + given_.kind() + ", not a map", "name a folder that PEFT saved");
  }

  PeftConfig read() const {
    check_kind();
    PeftConfig config;
    config.base_model = text("base_model_name_or_path");
    config.lora.r = rank();
    config.lora.alpha = alpha();
    config.lora.rslora = is("use_rslora", Json(true));
    config.lora.targets = targets();
    return config;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint) const {
    throw Error(Exit::unreadable, what, hint, where_);
  }
  const Json* find(std::string_view key) const {
    const Json* value = given_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  bool is(std::string_view key, const Json& wanted) const {
    const Json* value = find(key);
    return value != nullptr && *value == wanted;
  }
  std::string seen(const std::string& key) const {
    const Json* value = find(key);
    return key + (value == nullptr ? " is missing" : " is " + dump(*value).substr(0, 60));
  }
  std::string text(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr || !value->is_string()) fail(seen(key) + "; a text is wanted", "save the adapter with PEFT");
    return value->as_string();
  }

  void check_kind() const {
    if (!is("peft_type", Json("LORA")))
      fail(seen("peft_type") + "; LORA alone is read", "merge it into its base model");
    if (find("bias") != nullptr && !is("bias", Json("none")))
      fail(seen("bias") + ", which is not supported; none is", "merge it into its base model");
    // Whatever else says something may change what the factors mean.
    for (const auto& [key, value] : given_.as_object()) {
      const bool known = std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end();
      if (!known && !says_nothing(value)) fail(seen(key) + ", which is not supported", "merge it into its base model");
    }
  }
  static bool says_nothing(const Json& value) {
    return value.is_null() || value == Json(false) || value == Json::array() || value == Json::object();
  }

  int64_t rank() const {
    const Json* value = find("r");
    if (value == nullptr || !value->is_int() || value->as_int() < 1 || value->as_int() > 4096)
      fail(seen("r") + "; allowed: 1 to 4096", "save the adapter with PEFT");
    return value->as_int();
  }
  double alpha() const {
    const Json* value = find("lora_alpha");
    if (value == nullptr || !value->is_number() || !(value->as_double() > 0) || !std::isfinite(value->as_double()))
      fail(seen("lora_alpha") + "; a number above 0 is wanted", "save the adapter with PEFT");
    return value->as_double();
  }
  std::vector<std::string> targets() const {
    std::vector<std::string> out;
    const Json* value = find("target_modules");
    if (value != nullptr && *value == Json("all-linear")) return out;
    if (value == nullptr || !value->is_array() || value->as_array().empty())
      fail(seen("target_modules") + "; a list of modules is wanted, or all-linear", "list the modules by their names");
    for (const Json& module : value->as_array()) {
      if (!module.is_string()) fail(seen("target_modules") + "; texts are wanted", "list the modules by their names");
      out.push_back(module.as_string());
    }
    return out;
  }

  const Place& where_;
  Json given_;
};

}  // namespace

std::string write_peft_config(const PeftConfig& config) {
  Json targets = Json::array();
  for (const std::string& module : config.lora.targets) targets.push(module);
  const Json out = Json::Object{{"peft_type", "LORA"},
                                {"task_type", "CAUSAL_LM"},
                                {"base_model_name_or_path", config.base_model},
                                {"r", config.lora.r},
                                {"lora_alpha", config.lora.alpha},
                                {"lora_dropout", 0.0},
                                {"target_modules", std::move(targets)},
                                {"use_rslora", config.lora.rslora},
                                {"use_dora", false},
                                {"bias", "none"},
                                {"fan_in_fan_out", config.fan_in_fan_out},
                                {"init_lora_weights", true},
                                {"modules_to_save", nullptr},
                                {"inference_mode", true}};
  return dump_pretty(out) + "\n";
}

PeftConfig read_peft_config(std::string_view text, const Place& where) {
  return Reader(text, where).read();
}

}  // namespace sil
