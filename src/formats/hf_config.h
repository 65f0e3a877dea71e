// config.json of a Hugging Face model folder, for the families that the transformer engine knows.
//
// Written so that transformers 4 and 5 read the same: both spellings of the rotary embedding, both of the dtype. Read
// in either spelling. What changes the mathematics and is not supported is refused; what does not (use_cache,
// initializer_range …) is carried over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// `llama`, `mistral` (the same where its window does not cut), `qwen2` (biases of queries, keys and values), `qwen3`
// (norms of queries and keys), `gemma3` (the text model alone), `gpt2`, and our own llama without positions, which
// transformers does not load.
enum class HfFamily : uint8_t { llama, mistral, qwen2, qwen3, gemma3, gpt2, llama_nope };
std::string_view name(HfFamily family);  // the model_type: "llama", "gemma3_text" ...

// How rotary frequencies are stretched for contexts longer than the model was first trained on. `linear`: all are
// divided by `factor` (Chen et al. 2023). `llama3`: waves longer than original_max_position_embeddings /
// low_freq_factor are, those shorter than original_max_position_embeddings / high_freq_factor are not, between them it
// is blended.
enum class RopeType : uint8_t { plain, linear, llama3 };
struct RopeScaling {
  RopeType type = RopeType::plain;
  double factor = 1;
  double low_freq_factor = 1;   // this and the rest: llama3 alone
  double high_freq_factor = 1;  // above low_freq_factor
  int64_t original_max_position_embeddings = 0;

  friend bool operator==(const RopeScaling&, const RopeScaling&) = default;
};

// Under Llama's names, whatever config.json calls them.
struct HfConfig {
  HfFamily family = HfFamily::llama;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_position_embeddings = 0;
  double norm_eps = 1e-6;
  double rope_theta = 10000;  // without meaning for gpt2 and llama_nope, as is rope_scaling
  RopeScaling rope_scaling;
  bool tie_word_embeddings = false;
  // Of gemma3 alone. Layers whose attention slides see `sliding_window` positions, their own included, and turn by
  // rope_local_base_freq; the others by rope_theta and rope_scaling.
  int64_t sliding_window = 0;
  std::vector<bool> sliding_layers = {};
  double rope_local_base_freq = 0;
  double query_pre_attn_scalar = 0;  // scores are divided by its root
  // Every other member of config.json, token ids among them; written as it was read.
  Json other = Json::object();

  friend bool operator==(const HfConfig&, const HfConfig&) = default;
};

// `dtype`: of the weights beside it, one of is_float.
std::string write_hf_config(const HfConfig& config, Dtype dtype = Dtype::f32);

// Throws Error(Exit::unreadable) at `where` with everything that is missing, out of range or not supported.
HfConfig read_hf_config(std::string_view text, const Place& where);

// The decimal number that a person would write for a float: 1e-5 and not 9.999999747378752e-06. What was no float
// stays.
double decimal(double value);

}  // namespace sil
