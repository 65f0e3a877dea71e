// Decoders of Hugging Face from one description. The llama family: RMSNorm, rotary positions or none, grouped-query
// attention, SiLU-gated MLP; biases of q, k and v (Qwen2) and norms of q and k (Qwen3) where the description says so.
// Gemma 3 (arXiv 2503.19786): windows in most layers, norms behind attention and MLP too, a GELU gate, scaled
// embeddings. GPT-2 (Radford et al. 2019): LayerNorm, learned positions, GELU, biases everywhere. Names of tensors are
// those of LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, Gemma3ForCausalLM, or, with learned positions,
// GPT2LMHeadModel.
#pragma once

#include <vector>

#include "nn/lora.h"
#include "nn/ops/ops.h"
#include "nn/parameters.h"

namespace sil::nn {

enum class Norm : uint8_t { rms, rms_from_one, layer };          // rms_from_one: weights are what differs from 1
enum class Activation : uint8_t { silu_gate, gelu_gate, gelu };  // of the MLP

struct DecoderShape {
  int64_t layers = 0;
  int64_t width = 0;
  Heads heads;
  int64_t hidden = 0;   // of the MLP
  int64_t context = 0;  // most positions of a sequence
  int64_t vocabulary = 0;
  double rope_theta = 10000;  // 0 = no rotary positions
  RotaryScaling rope_scaling;
  bool learned_positions = false;
  // Layers with `windowed` see so many positions, their own included, and turn by a theta of their own, unstretched.
  int64_t window = 0;
  std::vector<bool> windowed;  // by layer; empty: none
  double window_rope_theta = 10000;
  float embedding_scale = 1;
  double query_scalar = 0;  // scores are divided by its root; 0: by that of a head's width
  Norm norm = Norm::rms;
  float epsilon = 1e-6F;  // of norms
  Activation activation = Activation::silu_gate;
  bool tied = true;  // the head is the embedding
  bool qkv_bias = false;
  bool other_biases = false;  // of the layers' other linear maps
  bool qk_norm = false;
  bool post_norms = false;  // what attention and MLP write is normed, too

  bool has_window(int64_t layer) const { return !windowed.empty() && windowed[static_cast<size_t>(layer)]; }
};

// How the layers of a shape turn; empty where no layer does.
struct RotaryTables {
  RotaryTable full, windowed;
};
RotaryTables rotary_tables(const DecoderShape& shape);

Parameters decoder_parameters(const DecoderShape& shape, const Kernels& kernels);

// The weights of one version as the model reads them, with where their gradients go: to a flat buffer, to the factors
// of an adapter, or (both null) nowhere. What a shape lacks is null. Views; owns nothing.
struct DecoderWeights {
  DecoderWeights(const DecoderShape& shape, const Parameters& parameters, const float* values, float* gradients,
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
    NormWeights attention_post_norm;
    NormWeights mlp_norm;
    MatrixWeight up;  // gate and up, where the activation gates
    VectorWeight up_bias;
    MatrixWeight down;
    VectorWeight down_bias;
    NormWeights mlp_post_norm;
  };
  MatrixWeight embedding;
  MatrixWeight positions;
  std::vector<Layer> layers;
  NormWeights norm;
  MatrixWeight head;
};

// Logits of the wanted rows, [wanted.size(), vocabulary]. `rotary` is of the shape.
Var decoder(Ops& ops, const DecoderShape& shape, const DecoderWeights& weights, const RotaryTables& rotary,
            std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted);

}  // namespace sil::nn
