// Decoders of Hugging Face from one description. The llama family: RMSNorm, rotary positions or none, grouped-query
// attention, SiLU-gated MLP; biases of q, k and v (Qwen2) and norms of q and k (Qwen3) where the description says so.
// GPT-2 (Radford et al. 2019): LayerNorm, learned positions, GELU, biases everywhere. Names of tensors are those of
// LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM, or, with learned positions, of GPT2LMHeadModel.
#pragma once

#include <vector>

#include "nn/lora.h"
#include "nn/ops/ops.h"
#include "nn/parameters.h"

namespace sil::nn {

enum class Norm : uint8_t { rms, layer };
enum class Activation : uint8_t { silu_gate, gelu };  // of the MLP

struct LlamaShape {
  int64_t layers = 0;
  int64_t width = 0;
  Heads heads;
  int64_t hidden = 0;   // of the MLP
  int64_t context = 0;  // most positions of a sequence
  int64_t vocabulary = 0;
  double rope_theta = 10000;  // 0 = no rotary positions
  RotaryScaling rope_scaling;
  bool learned_positions = false;
  Norm norm = Norm::rms;
  float epsilon = 1e-6F;  // of norms
  Activation activation = Activation::silu_gate;
  bool tied = true;  // the head is the embedding
  bool qkv_bias = false;
  bool other_biases = false;  // of the layers' other linear maps
  bool qk_norm = false;
};

Parameters llama_parameters(const LlamaShape& shape, const Kernels& kernels);

// The weights of one version as the model reads them, with where their gradients go: to a flat buffer, to the factors
// of an adapter, or (both null) nowhere. What a shape lacks is null. Views; owns nothing.
struct LlamaWeights {
  LlamaWeights(const LlamaShape& shape, const Parameters& parameters, const float* values, float* gradients,
               const LoraFactors* factors = nullptr);

  struct NormWeights {
    VectorWeight scale;
    VectorWeight shift;  // of a layer norm
  };
  struct Layer {
    NormWeights attention_norm;
    MatrixWeight qkv;
    VectorWeight qkv_bias;
    VectorWeight query_norm, key_norm;
    MatrixWeight output;
    VectorWeight output_bias;
    NormWeights mlp_norm;
    MatrixWeight up;  // gate and up, where the activation gates
    VectorWeight up_bias;
    MatrixWeight down;
    VectorWeight down_bias;
  };
  MatrixWeight embedding;
  MatrixWeight positions;
  std::vector<Layer> layers;
  NormWeights norm;
  MatrixWeight head;
};

// Logits of the wanted rows, [wanted.size(), vocabulary]. `rotary` covers the context; ignored without rotary
// positions.
Var llama(Ops& ops, const LlamaShape& shape, const LlamaWeights& weights, const RotaryTable& rotary,
          std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted);

}  // namespace sil::nn
