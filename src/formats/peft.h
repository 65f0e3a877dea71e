// adapter_config.json of a PEFT folder, for LoRA on the matrices of a model's layers.
//
// What changes the mathematics and is not supported is refused; what does not (inference_mode, task_type, dropout,
// which acts in PEFT's own training alone …) is passed over.
#pragma once

#include <string>
#include <string_view>

#include "sil/engine.h"
#include "sil/error.h"

namespace sil {

inline constexpr const char* kPeftConfig = "adapter_config.json";
inline constexpr const char* kPeftWeights = "adapter_model.safetensors";

struct PeftConfig {
  LoraOptions lora;
  std::string base_model;       // base_model_name_or_path
  bool fan_in_fan_out = false;  // the base's matrices are published as [inputs, outputs]; written, of no effect read
};

std::string write_peft_config(const PeftConfig& config);

// Throws Error(Exit::unreadable) at `where` with the first thing that is missing, out of range or not supported.
PeftConfig read_peft_config(std::string_view text, const Place& where);

}  // namespace sil
