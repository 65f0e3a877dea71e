// config.json of a Hugging Face model folder, for the families that the transformer engine knows.
//
// Written so that transformers 4 and 5 read the same: both spellings of the rotary base, both of the dtype. Read in
// either spelling. What changes the mathematics and is not supported is refused; what does not (use_cache,
// initializer_range …) is passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sil/error.h"

namespace sil {

// `llama`, `qwen2` (biases of queries, keys and values), `qwen3` (norms of queries and keys), and our own llama without
// positions, which transformers does not load.
enum class HfFamily : uint8_t { llama, qwen2, qwen3, llama_nope };

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
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;  // without meaning for llama_nope
  bool tie_word_embeddings = false;
  int64_t eos_token_id = 0;  // written, not read: the tokenizer's says where a rollout ends

  friend bool operator==(const HfConfig&, const HfConfig&) = default;
};

std::string write_hf_config(const HfConfig& config);

// Throws Error(Exit::unreadable) at `where` with everything that is missing, out of range or not supported.
HfConfig read_hf_config(std::string_view text, const Place& where);

}  // namespace sil
