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
    MatrixWeight out{.value = {.data = values_ + p.offset, .rows = p.rows, .columns = p.columns}, .sink = sink(p)};
    out.sink.factors = factors;
    return out;
  }
  VectorWeight vector() {
    const Parameter& p = next();
    return {.value = values_ + p.offset, .sink = sink(p)};
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

Var normed(Ops& ops, const LlamaShape& shape, Var x, const LlamaWeights::NormWeights& norm) {
  if (shape.norm == Norm::layer) return ops.layer_norm(x, norm.scale, norm.shift, shape.epsilon);
  return ops.rms_norm(x, norm.scale, shape.epsilon);
}

Var attention_of(Ops& ops, const LlamaShape& shape, const LlamaWeights::Layer& layer, const RotaryTable& rotary, Var x,
                 int64_t index, const Layout& layout) {
  Var qkv = ops.linear(x, layer.qkv, layer.qkv_bias);
  if (shape.qk_norm) qkv = ops.head_norm(qkv, shape.heads, layer.query_norm, layer.key_norm, shape.epsilon);
  if (shape.rope_theta > 0) qkv = ops.rotate(qkv, shape.heads, rotary, layout);
  return ops.linear(ops.attention(qkv, shape.heads, index, layout), layer.output, layer.output_bias);
}

Var mlp_of(Ops& ops, const LlamaShape& shape, const LlamaWeights::Layer& layer, Var x) {
  const Var up = ops.linear(x, layer.up, layer.up_bias);
  const Var inner = shape.activation == Activation::gelu ? ops.gelu(up) : ops.silu_gate(up);
  return ops.linear(inner, layer.down, layer.down_bias);
}

Var layer_of(Ops& ops, const LlamaShape& shape, const LlamaWeights::Layer& layer, const RotaryTable& rotary, Var x,
             int64_t index, const Layout& layout) {
  const Var seen = attention_of(ops, shape, layer, rotary, normed(ops, shape, x, layer.attention_norm), index, layout);
  x = ops.add(x, seen);
  return ops.add(x, mlp_of(ops, shape, layer, normed(ops, shape, x, layer.mlp_norm)));
}

int64_t query_width(const LlamaShape& shape) {
  return shape.heads.query * shape.heads.width;
}

void list_llama_layer(const LlamaShape& shape, const Kernels& kernels, const std::string& block, Parameters& list) {
  const int64_t query = query_width(shape);
  const int64_t key = shape.heads.key * shape.heads.width;
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
  list.add_matrix(kernels, query, {{attention + "o_proj.weight", shape.width}}, {.residual = true});
  list.add_vector(true, {{block + "post_attention_layernorm.weight", shape.width}});
  list.add_matrix(kernels, shape.width,
                  {{block + "mlp.gate_proj.weight", shape.hidden}, {block + "mlp.up_proj.weight", shape.hidden}});
  list.add_matrix(kernels, shape.hidden, {{block + "mlp.down_proj.weight", shape.width}}, {.residual = true});
}

// GPT-2's linear maps are published as [inputs, outputs].
void list_gpt2_map(const Kernels& kernels, const std::string& name, int64_t inputs, int64_t outputs, bool residual,
                   Parameters& list) {
  list.add_matrix(kernels, inputs, {{name + ".weight", outputs}}, {.residual = residual, .transposed = true});
  list.add_vector(false, {{name + ".bias", outputs}});
}

void list_layer_norm(const std::string& name, int64_t width, Parameters& list) {
  list.add_vector(true, {{name + ".weight", width}});
  list.add_vector(false, {{name + ".bias", width}});
}

void list_gpt2_layer(const LlamaShape& shape, const Kernels& kernels, const std::string& block, Parameters& list) {
  list_layer_norm(block + "ln_1", shape.width, list);
  list_gpt2_map(kernels, block + "attn.c_attn", shape.width, shape.heads.row(), false, list);
  list_gpt2_map(kernels, block + "attn.c_proj", query_width(shape), shape.width, true, list);
  list_layer_norm(block + "ln_2", shape.width, list);
  list_gpt2_map(kernels, block + "mlp.c_fc", shape.width, shape.hidden, false, list);
  list_gpt2_map(kernels, block + "mlp.c_proj", shape.hidden, shape.width, true, list);
}

}  // namespace

Parameters llama_parameters(const LlamaShape& shape, const Kernels& kernels) {
  Parameters list;
  const bool gpt2 = shape.learned_positions;
  list.add_matrix(kernels, shape.width,
                  {{gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight", shape.vocabulary}});
  if (gpt2) list.add_matrix(kernels, shape.width, {{"transformer.wpe.weight", shape.context}});
  for (int64_t i = 0; i < shape.layers; ++i) {
    const std::string index = std::to_string(i) + ".";
    if (gpt2)
      list_gpt2_layer(shape, kernels, "transformer.h." + index, list);
    else
      list_llama_layer(shape, kernels, "model.layers." + index, list);
  }
  if (gpt2)
    list_layer_norm("transformer.ln_f", shape.width, list);
  else
    list.add_vector(true, {{"model.norm.weight", shape.width}});
  if (!shape.tied) list.add_matrix(kernels, shape.width, {{"lm_head.weight", shape.vocabulary}});
  return list;
}

LlamaWeights::LlamaWeights(const LlamaShape& shape, const Parameters& parameters, const float* values, float* gradients,
                           const LoraFactors* factors) {
  Handing hand(parameters, values, gradients, factors);
  const auto norm_weights = [&] {
    NormWeights out{.scale = hand.vector(), .shift = {}};
    if (shape.norm == Norm::layer) out.shift = hand.vector();
    return out;
  };
  embedding = hand.matrix();
  if (shape.learned_positions) positions = hand.matrix();
  for (int64_t i = 0; i < shape.layers; ++i) {
    Layer layer;
    layer.attention_norm = norm_weights();
    layer.qkv = hand.matrix();
    if (shape.qkv_bias) layer.qkv_bias = hand.vector();
    if (shape.qk_norm) {
      layer.query_norm = hand.vector();
      layer.key_norm = hand.vector();
    }
    layer.output = hand.matrix();
    if (shape.other_biases) layer.output_bias = hand.vector();
    layer.mlp_norm = norm_weights();
    layer.up = hand.matrix();
    if (shape.other_biases) layer.up_bias = hand.vector();
    layer.down = hand.matrix();
    if (shape.other_biases) layer.down_bias = hand.vector();
    layers.push_back(layer);
  }
  norm = norm_weights();
  head = shape.tied ? embedding : hand.matrix();
}

Var llama(Ops& ops, const LlamaShape& shape, const LlamaWeights& weights, const RotaryTable& rotary,
          std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted) {
  Var x = ops.embed(weights.embedding, ids);
  if (shape.learned_positions) x = ops.add(x, ops.embed_positions(weights.positions, layout));
  for (int64_t i = 0; i < shape.layers; ++i)
    x = ops.block(x,
                  [&] { return layer_of(ops, shape, weights.layers[static_cast<size_t>(i)], rotary, x, i, layout); });
  const Var last = ops.take_rows(x, wanted);
  return ops.linear(normed(ops, shape, last, weights.norm), weights.head, kNoBias);
}

}  // namespace sil::nn
