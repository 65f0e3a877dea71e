// The llama family from one description: RMSNorm, rotary positions or none, grouped-query attention, SiLU-gated MLP;
// biases of q, k and v (Qwen2) and norms of q and k (Qwen3) where the description says so. Names of tensors are those
// of Hugging Face's LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM.
#pragma once

#include <string>
#include <vector>

#include "nn/ops/ops.h"

namespace sil::nn {

struct LlamaShape {
  int64_t layers = 0;
  int64_t width = 0;
  Heads heads;
  int64_t hidden = 0;   // of the MLP
  int64_t context = 0;  // most positions of a sequence
  int64_t vocabulary = 0;
  double rope_theta = 10000;  // 0 = no positions
  RotaryScaling rope_scaling;
  float epsilon = 1e-6F;
  bool tied = true;  // the head is the embedding
  bool qkv_bias = false;
  bool qk_norm = false;
};

// One stored tensor of the published names: rows [first, first + rows) of parameter `parameter`; vectors have
// columns 0.
struct NamedTensor {
  std::string name;
  size_t parameter = 0;
  int64_t first = 0;
  int64_t rows = 0;
  int64_t columns = 0;
};

// A matrix or vector of the weights, as the model reads it; q, k, v and gate, up are one matrix each.
struct Parameter {
  int64_t rows = 0;       // of a vector: its length
  int64_t columns = 0;    // 0 = vector
  int64_t offset = 0;     // floats before it in the flat buffer
  bool ones = false;      // a norm's scale
  bool residual = false;  // writes into the residual stream
};

// Where everything lies in one flat buffer of floats, for one back end.
struct LlamaParameters {
  LlamaParameters(const LlamaShape& shape, const Kernels& kernels);

  std::vector<Parameter> parameters;
  std::vector<NamedTensor> tensors;
  int64_t floats = 0;   // of the buffer, padding included
  int64_t numbers = 0;  // parameters as they are counted
};

// The weights of one version as the model reads them, with the buffer that gradients go to (or null).
struct LlamaWeights {
  LlamaWeights(const LlamaShape& shape, const LlamaParameters& parameters, const float* values, float* gradients);

  struct Layer {
    VectorWeight attention_norm;
    MatrixWeight qkv;
    VectorWeight qkv_bias;
    VectorWeight query_norm, key_norm;
    MatrixWeight output;
    VectorWeight mlp_norm;
    MatrixWeight gate_up;
    MatrixWeight down;
  };
  MatrixWeight embedding;
  std::vector<Layer> layers;
  VectorWeight norm;
  MatrixWeight head;
};

// Logits of the wanted rows, [wanted.size(), vocabulary]. `rotary` covers the context; ignored without positions.
Var llama(Ops& ops, const LlamaShape& shape, const LlamaWeights& weights, const RotaryTable& rotary,
          std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted);

}  // namespace sil::nn
