#include "nn/llama.h"

namespace sil::nn {
namespace {

const VectorWeight kNoBias;

// Gives parameters out in the order in which llama_parameters lists them.
class Handing {
 public:
  Handing(const Parameters& parameters, const float* values, float* gradients, const LoraFactors* factors)
      : parameters_(parameters), values_(values), gradients_(gradients), factors_(factors) {}

  MatrixWeight matrix() {
    const std::span<const LowRank> factors = factors_ == nullptr ? std::span<const LowRank>() : factors_->of(at_);
    const Parameter& p = next();
    MatrixWeight out{
        .value = {.data = values_ + p.read, .rows = p.rows, .columns = p.columns, .bf16 = parameters_.bf16},
        .sink = sink(p)};
    out.sink.factors = factors;
    return out;
  }
  VectorWeight vector() {
    const Parameter& p = next();
    return {.value = values_ + p.read, .sink = sink(p)};
  }

 private:
  const Parameter& next() { return parameters_.parameters[at_++]; }
  GradientSink sink(const Parameter& p) const {
    return {.full = gradients_ == nullptr ? nullptr : gradients_ + p.offset};
  }

  const Parameters& parameters_;
  const float* values_;
  float* gradients_;
  const LoraFactors* factors_;
  size_t at_ = 0;
};

Var layer_of(Ops& ops, const LlamaShape& shape, const LlamaWeights::Layer& layer, const RotaryTable& rotary, Var x,
             int64_t index, const Layout& layout) {
  const Var normed = ops.rms_norm(x, layer.attention_norm, shape.epsilon);
  Var qkv = ops.linear(normed, layer.qkv, layer.qkv_bias);
  if (shape.qk_norm) qkv = ops.head_norm(qkv, shape.heads, layer.query_norm, layer.key_norm, shape.epsilon);
  if (shape.rope_theta > 0) qkv = ops.rotate(qkv, shape.heads, rotary, layout);
  const Var seen = ops.attention(qkv, shape.heads, index, layout);
  x = ops.add(x, ops.linear(seen, layer.output, kNoBias));
  const Var gate_up = ops.linear(ops.rms_norm(x, layer.mlp_norm, shape.epsilon), layer.gate_up, kNoBias);
  return ops.add(x, ops.linear(ops.silu_gate(gate_up), layer.down, kNoBias));
}

}  // namespace

Parameters llama_parameters(const LlamaShape& shape, const Kernels& kernels) {
  Parameters list;
  const int64_t query = shape.heads.query * shape.heads.width;
  const int64_t key = shape.heads.key * shape.heads.width;
  list.add_matrix(kernels, shape.width, {{"model.embed_tokens.weight", shape.vocabulary}});
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer) + ".";
    const std::string attention = block + "self_attn.";
    list.add_vector(true, {{block + "input_layernorm.weight", shape.width}});
    list.add_matrix(
        kernels, shape.width,
        {{attention + "q_proj.weight", query}, {attention + "k_proj.weight", key}, {attention + "v_proj.weight", key}});
    if (shape.qkv_bias)
      list.add_vector(
          false,
          {{attention + "q_proj.bias", query}, {attention + "k_proj.bias", key}, {attention + "v_proj.bias", key}});
    if (shape.qk_norm) {
      list.add_vector(true, {{attention + "q_norm.weight", shape.heads.width}});
      list.add_vector(true, {{attention + "k_norm.weight", shape.heads.width}});
    }
    list.add_matrix(kernels, query, {{attention + "o_proj.weight", shape.width}}, true);
    list.add_vector(true, {{block + "post_attention_layernorm.weight", shape.width}});
    list.add_matrix(kernels, shape.width,
                    {{block + "mlp.gate_proj.weight", shape.hidden}, {block + "mlp.up_proj.weight", shape.hidden}});
    list.add_matrix(kernels, shape.hidden, {{block + "mlp.down_proj.weight", shape.width}}, true);
  }
  list.add_vector(true, {{"model.norm.weight", shape.width}});
  if (!shape.tied) list.add_matrix(kernels, shape.width, {{"lm_head.weight", shape.vocabulary}});
  return list;
}

LlamaWeights::LlamaWeights(const LlamaShape& shape, const Parameters& parameters, const float* values, float* gradients,
                           const LoraFactors* factors) {
  Handing hand(parameters, values, gradients, factors);
  embedding = hand.matrix();
  for (int64_t i = 0; i < shape.layers; ++i) {
    Layer layer;
    layer.attention_norm = hand.vector();
    layer.qkv = hand.matrix();
    if (shape.qkv_bias) layer.qkv_bias = hand.vector();
    if (shape.qk_norm) {
      layer.query_norm = hand.vector();
      layer.key_norm = hand.vector();
    }
    layer.output = hand.matrix();
    layer.mlp_norm = hand.vector();
    layer.gate_up = hand.matrix();
    layer.down = hand.matrix();
    layers.push_back(layer);
  }
  norm = hand.vector();
  head = shape.tied ? embedding : hand.matrix();
}

Var llama(Ops& ops, const LlamaShape& shape, const LlamaWeights& weights, const RotaryTable& rotary,
          std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted) {
  Var x = ops.embed(weights.embedding, ids);
  for (int64_t i = 0; i < shape.layers; ++i)
    x = ops.block(x,
                  [&] { return layer_of(ops, shape, weights.layers[static_cast<size_t>(i)], rotary, x, i, layout); });
  const Var last = ops.take_rows(x, wanted);
  return ops.linear(ops.rms_norm(last, weights.norm, shape.epsilon), weights.head, kNoBias);
}

}  // namespace sil::nn
