#include "nn/decoder.h"

#include <cmath>

namespace sil::nn {
namespace {

const VectorWeight kNoBias;

// Gives parameters out in the order in which decoder_parameters lists them.
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

RmsNorm rms_of(const DecoderShape& shape) {
  return {.epsilon = shape.epsilon, .base = shape.norm == Norm::rms_from_one ? 1.0F : 0.0F};
}

Var normed(Ops& ops, const DecoderShape& shape, Var x, const DecoderWeights::NormWeights& norm) {
  if (shape.norm == Norm::layer) return ops.layer_norm(x, norm.scale, norm.shift, shape.epsilon);
  return ops.rms_norm(x, norm.scale, rms_of(shape));
}

AttentionLayer attention_layer(const DecoderShape& shape, int64_t index) {
  const double scalar = shape.query_scalar > 0 ? shape.query_scalar : static_cast<double>(shape.heads.width);
  return {.index = index,
          .scale = 1 / std::sqrt(static_cast<float>(scalar)),
          .window = shape.has_window(index) ? shape.window : 0};
}

// What the layers of one pass share.
struct Pass {
  Ops& ops;
  const DecoderShape& shape;
  const RotaryTables& rotary;
  const Layout& layout;
};

Var attention_of(const Pass& pass, const DecoderWeights::Layer& layer, int64_t index, Var x) {
  const auto& [ops, shape, rotary, layout] = pass;
  Var qkv = ops.linear(x, layer.qkv, layer.qkv_bias);
  if (shape.qk_norm) qkv = ops.head_norm(qkv, shape.heads, layer.query_norm, layer.key_norm, rms_of(shape));
  if (shape.rope_theta > 0)
    qkv = ops.rotate(qkv, shape.heads, shape.has_window(index) ? rotary.windowed : rotary.full, layout);
  const Var seen = ops.attention(qkv, shape.heads, attention_layer(shape, index), layout);
  return ops.linear(seen, layer.output, layer.output_bias);
}

Var mlp_of(const Pass& pass, const DecoderWeights::Layer& layer, Var x) {
  const auto activated = [&](Var up) {
    switch (pass.shape.activation) {
      case Activation::silu_gate:
        return pass.ops.silu_gate(up);
      case Activation::gelu_gate:
        return pass.ops.gelu_gate(up);
      case Activation::gelu:
        break;
    }
    return pass.ops.gelu(up);
  };
  return pass.ops.linear(activated(pass.ops.linear(x, layer.up, layer.up_bias)), layer.down, layer.down_bias);
}

Var layer_of(const Pass& pass, const DecoderWeights::Layer& layer, int64_t index, Var x) {
  const auto& [ops, shape, rotary, layout] = pass;
  Var seen = attention_of(pass, layer, index, normed(ops, shape, x, layer.attention_norm));
  if (shape.post_norms) seen = normed(ops, shape, seen, layer.attention_post_norm);
  x = ops.add(x, seen);
  Var made = mlp_of(pass, layer, normed(ops, shape, x, layer.mlp_norm));
  if (shape.post_norms) made = normed(ops, shape, made, layer.mlp_post_norm);
  return ops.add(x, made);
}

int64_t query_width(const DecoderShape& shape) {
  return shape.heads.query * shape.heads.width;
}

void list_llama_layer(const DecoderShape& shape, const Kernels& kernels, const std::string& block, Parameters& list) {
  const int64_t query = query_width(shape);
  const int64_t key = shape.heads.key * shape.heads.width;
  const std::string attention = block + "self_attn.";
  const bool ones = shape.norm == Norm::rms;
  const auto norm = [&](const std::string& name, int64_t width) { list.add_vector(ones, {{name + ".weight", width}}); };
  norm(block + "input_layernorm", shape.width);
  list.add_matrix(
      kernels, shape.width,
      {{attention + "q_proj.weight", query}, {attention + "k_proj.weight", key}, {attention + "v_proj.weight", key}});
  if (shape.qkv_bias)
    list.add_vector(
        false,
        {{attention + "q_proj.bias", query}, {attention + "k_proj.bias", key}, {attention + "v_proj.bias", key}});
  if (shape.qk_norm) {
    norm(attention + "q_norm", shape.heads.width);
    norm(attention + "k_norm", shape.heads.width);
  }
  list.add_matrix(kernels, query, {{attention + "o_proj.weight", shape.width}}, {.residual = true});
  norm(block + "post_attention_layernorm", shape.width);  // without norms behind: that before the MLP
  if (shape.post_norms) norm(block + "pre_feedforward_layernorm", shape.width);
  list.add_matrix(kernels, shape.width,
                  {{block + "mlp.gate_proj.weight", shape.hidden}, {block + "mlp.up_proj.weight", shape.hidden}});
  list.add_matrix(kernels, shape.hidden, {{block + "mlp.down_proj.weight", shape.width}}, {.residual = true});
  if (shape.post_norms) norm(block + "post_feedforward_layernorm", shape.width);
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

void list_gpt2_layer(const DecoderShape& shape, const Kernels& kernels, const std::string& block, Parameters& list) {
  list_layer_norm(block + "ln_1", shape.width, list);
  list_gpt2_map(kernels, block + "attn.c_attn", shape.width, shape.heads.row(), false, list);
  list_gpt2_map(kernels, block + "attn.c_proj", query_width(shape), shape.width, true, list);
  list_layer_norm(block + "ln_2", shape.width, list);
  list_gpt2_map(kernels, block + "mlp.c_fc", shape.width, shape.hidden, false, list);
  list_gpt2_map(kernels, block + "mlp.c_proj", shape.hidden, shape.width, true, list);
}

}  // namespace

Parameters decoder_parameters(const DecoderShape& shape, const Kernels& kernels) {
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
    list.add_vector(shape.norm == Norm::rms, {{"model.norm.weight", shape.width}});
  if (!shape.tied) list.add_matrix(kernels, shape.width, {{"lm_head.weight", shape.vocabulary}});
  return list;
}

DecoderWeights::DecoderWeights(const DecoderShape& shape, const Parameters& parameters, const float* values,
                               float* gradients, const LoraFactors* factors) {
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
    if (shape.post_norms) layer.attention_post_norm = norm_weights();
    layer.mlp_norm = norm_weights();
    layer.up = hand.matrix();
    if (shape.other_biases) layer.up_bias = hand.vector();
    layer.down = hand.matrix();
    if (shape.other_biases) layer.down_bias = hand.vector();
    if (shape.post_norms) layer.mlp_post_norm = norm_weights();
    layers.push_back(layer);
  }
  norm = norm_weights();
  head = shape.tied ? embedding : hand.matrix();
}

RotaryTables rotary_tables(const DecoderShape& shape) {
  RotaryTables out;
  if (shape.rope_theta == 0) return out;
  out.full = rotary_table(shape.context, shape.heads.width, shape.rope_theta, shape.rope_scaling);
  if (!shape.windowed.empty()) out.windowed = rotary_table(shape.context, shape.heads.width, shape.window_rope_theta);
  return out;
}

Var decoder(Ops& ops, const DecoderShape& shape, const DecoderWeights& weights, const RotaryTables& rotary,
            std::span<const TokenId> ids, const Layout& layout, std::span<const int32_t> wanted) {
  const Pass pass{.ops = ops, .shape = shape, .rotary = rotary, .layout = layout};
  Var x = ops.embed(weights.embedding, ids);
  if (shape.embedding_scale != 1) x = ops.scale(x, shape.embedding_scale);
  if (shape.learned_positions) x = ops.add(x, ops.embed_positions(weights.positions, layout));
  for (int64_t i = 0; i < shape.layers; ++i)
    x = ops.block(x, [&] { return layer_of(pass, weights.layers[static_cast<size_t>(i)], i, x); });
  const Var last = ops.take_rows(x, wanted);
  return ops.linear(normed(ops, shape, last, weights.norm), weights.head, kNoBias);
}

}  // namespace sil::nn
