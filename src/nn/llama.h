// The llama family from one description: RMSNorm, rotary positions or none, grouped-query attention, SiLU-gated MLP;
// biases of q, k and v (Qwen2) and norms of q and k (Qwen3) where the description says so. Names of tensors are those
// of Hugging Face's LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM.
#pragma once

#include <vector>

#include "nn/lora.h"
#include "nn/ops/ops.h"
#include "nn/parameters.h"

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

Parameters llama_parameters(const LlamaShape& shape, const Kernels& kernels);

// The weights of one version as the model reads them, with where their gradients go: to a flat buffer, to the factors
// of an adapter, or (both null) nowhere. Views; owns nothing.
struct LlamaWeights {
  LlamaWeights(const LlamaShape& shape, const Parameters& parameters, const float* values, float* gradients,
               const LoraFactors* factors = nullptr);

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
