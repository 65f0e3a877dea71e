// What llama.cpp calls the tensors of the families that both it and Hugging Face know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/hf_config.h"

namespace sil {

struct GgufName {
  std::string gguf;            // blk.0.attn_q.weight
  std::string published;       // model.layers.0.self_attn.q_proj.weight
  std::vector<int64_t> shape;  // as published, row-major
  // Heads of a matrix whose rows llama.cpp has in another order: the two halves of a head that turn together, rows i
  // and i + width / 2 as published, are rows 2 i and 2 i + 1 there. 0: the rows are as published.
  int64_t interleaved_heads = 0;
  bool transposed = false;  // it stands there as [columns, rows]
  float added = 0;          // what the values there are more than those published
};

// general.architecture of a family; throws Error(Exit::usage) where llama.cpp has none.
std::string_view gguf_architecture(HfFamily family);

// All tensors of a model, in the order of its modules; the head is left out where it is tied. Throws as above.
std::vector<GgufName> gguf_names(const HfConfig& config);

// The published row that is row `row` in the file.
int64_t published_row(const GgufName& name, int64_t row);

// rope_freqs.weight, by which llama.cpp divides the rotary frequencies: [head_dim / 2], for RopeType::llama3.
std::vector<float> rope_divisors(const HfConfig& config);

}  // namespace sil
