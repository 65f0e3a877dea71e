// The operations of a model as functions of ATen in double precision, differentiated by torch's autograd: what our
// gradients are compared with.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "nn/ops/ops.h"

namespace sil::test {

class AutogradOps final : public nn::Ops {
 public:
  explicit AutogradOps(const nn::Kernels& kernels) : kernels_(kernels) {}

  const at::Tensor& value(nn::Var var) const { return values_[static_cast<size_t>(var.index)]; }
  // dL/dweight after a backward pass over what was computed with it.
  at::Tensor gradient(const nn::MatrixWeight& weight) { return matrix(weight).grad(); }
  at::Tensor gradient(const nn::VectorWeight& weight, int64_t length) { return vector(weight, length).grad(); }

  nn::Var embed(const nn::MatrixWeight& table, std::span<const TokenId> ids) override {
    return push(matrix(table).index_select(0, indices(ids)));
  }
  nn::Var embed_positions(const nn::MatrixWeight& table, const nn::Layout& layout) override {
    return push(matrix(table).index_select(0, positions_of(layout)));
  }
  nn::Var linear(nn::Var x, const nn::MatrixWeight& weight, const nn::VectorWeight& bias) override {
    const at::Tensor y = at::matmul(value(x), matrix(weight).t());
    return push(bias.value == nullptr ? y : y + vector(bias, weight.value.rows));
  }
  nn::Var rms_norm(nn::Var x, const nn::VectorWeight& weight, const nn::RmsNorm& of) override {
    return push(normed(value(x), vector(weight, value(x).size(1)), of));
  }
  nn::Var layer_norm(nn::Var x, const nn::VectorWeight& scale, const nn::VectorWeight& shift, float epsilon) override {
    const int64_t width = value(x).size(1);
    return push(
        at::layer_norm(value(x), {width}, vector(scale, width), vector(shift, width), static_cast<double>(epsilon)));
  }
  nn::Var head_norm(nn::Var qkv, const nn::Heads& heads, const nn::VectorWeight& query, const nn::VectorWeight& key,
                    const nn::RmsNorm& of) override {
    const std::vector<at::Tensor> parts = parts_of(value(qkv), heads);
    return join(
        {normed(parts[0], vector(query, heads.width), of), normed(parts[1], vector(key, heads.width), of), parts[2]});
  }
  nn::Var rotate(nn::Var qkv, const nn::Heads& heads, const nn::RotaryTable& table, const nn::Layout& layout) override {
    const at::Tensor positions = positions_of(layout);
    const auto angles = [&](const std::vector<float>& of) {
      return at::tensor(at::ArrayRef<float>(of), at::kFloat)
          .to(at::kDouble)
          .view({-1, table.half})
          .index_select(0, positions)
          .unsqueeze(1);
    };
    const at::Tensor cosines = angles(table.cosines);
    const at::Tensor sines = angles(table.sines);
    std::vector<at::Tensor> parts = parts_of(value(qkv), heads);
    for (at::Tensor& part : {std::ref(parts[0]), std::ref(parts[1])}) {
      const std::vector<at::Tensor> halves = part.chunk(2, 2);
      part = at::cat({halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines}, 2);
    }
    return join(parts);
  }
  // Packed sequences only.
  nn::Var attention(nn::Var qkv, const nn::Heads& heads, const nn::AttentionLayer& layer,
                    const nn::Layout& layout) override {
    std::vector<at::Tensor> out;
    for (const nn::Run& run : layout.runs) {
      const std::vector<at::Tensor> parts = parts_of(value(qkv).narrow(0, run.row, run.rows), heads);
      const at::Tensor query = parts[0].transpose(0, 1);
      const at::Tensor key = parts[1].transpose(0, 1).repeat_interleave(heads.group(), 0);
      const at::Tensor values = parts[2].transpose(0, 1).repeat_interleave(heads.group(), 0);
      const at::Tensor distance = at::arange(run.rows).unsqueeze(1) - at::arange(run.rows);
      at::Tensor unseen = distance < 0;
      if (layer.window > 0) unseen = unseen.logical_or(distance >= layer.window);
      const at::Tensor scores = (at::matmul(query, key.transpose(1, 2)) * static_cast<double>(layer.scale))
                                    .masked_fill(unseen, -std::numeric_limits<double>::infinity());
      out.push_back(at::matmul(at::softmax(scores, 2), values).transpose(0, 1).reshape({run.rows, heads.output()}));
    }
    return push(at::cat(out, 0));
  }
  nn::Var silu_gate(nn::Var gate_up) override {
    const std::vector<at::Tensor> halves = value(gate_up).chunk(2, 1);
    return push(at::silu(halves[0]) * halves[1]);
  }
  nn::Var gelu_gate(nn::Var gate_up) override {
    const std::vector<at::Tensor> halves = value(gate_up).chunk(2, 1);
    return push(at::gelu(halves[0], "tanh") * halves[1]);
  }
  nn::Var scale(nn::Var x, float by) override { return push(value(x) * static_cast<double>(by)); }
  nn::Var gelu(nn::Var x) override { return push(at::gelu(value(x), "tanh")); }
  nn::Var add(nn::Var a, nn::Var b) override { return push(value(a) + value(b)); }
  nn::Var take_rows(nn::Var x, std::span<const int32_t> rows) override {
    return push(value(x).index_select(0, indices(rows)));
  }
  nn::Var block(nn::Var, const std::function<nn::Var()>& body) override { return body(); }

  static at::Tensor indices(std::span<const int32_t> ids) {
    return at::tensor(at::ArrayRef<int32_t>(ids.data(), ids.size()), at::kInt).to(at::kLong);
  }

 private:
  static at::Tensor positions_of(const nn::Layout& layout) {
    std::vector<int64_t> positions;
    for (const nn::Run& run : layout.runs)
      for (int64_t i = 0; i < run.rows; ++i) positions.push_back(run.position() + i);
    return at::tensor(positions, at::kLong);
  }
  nn::Var push(at::Tensor value) {
    values_.push_back(std::move(value));
    return {static_cast<int32_t>(values_.size() - 1)};
  }
  // Query, key and value heads, each [T][heads][width].
  static std::vector<at::Tensor> parts_of(const at::Tensor& qkv, const nn::Heads& heads) {
    return qkv.view({qkv.size(0), heads.query + 2 * heads.key, heads.width})
        .split_with_sizes({heads.query, heads.key, heads.key}, 1);
  }
  nn::Var join(const std::vector<at::Tensor>& parts) {
    const at::Tensor all = at::cat(parts, 1);
    return push(all.reshape({all.size(0), -1}));
  }
  static at::Tensor normed(const at::Tensor& x, const at::Tensor& weight, const nn::RmsNorm& of) {
    return x * at::rsqrt(x.square().mean(-1, true) + static_cast<double>(of.epsilon)) * (weight + of.base);
  }

  // A weight is one leaf, however often the model reads it.
  at::Tensor& leaf(const float* key, const std::function<at::Tensor()>& make) {
    auto found = leaves_.find(key);
    if (found == leaves_.end()) found = leaves_.emplace(key, make().to(at::kDouble).clone().requires_grad_(true)).first;
    return found->second;
  }
  at::Tensor& matrix(const nn::MatrixWeight& weight) {
    return leaf(weight.value.data, [&] {
      std::vector<float> plain(static_cast<size_t>(weight.value.rows * weight.value.columns));
      kernels_.unpack(weight.value, 0, weight.value.rows, plain.data());
      return at::tensor(at::ArrayRef<float>(plain), at::kFloat).view({weight.value.rows, weight.value.columns});
    });
  }
  at::Tensor& vector(const nn::VectorWeight& weight, int64_t length) {
    return leaf(weight.value,
                [&] { return at::tensor(at::ArrayRef<float>(weight.value, static_cast<size_t>(length)), at::kFloat); });
  }

  const nn::Kernels& kernels_;
  std::map<const float*, at::Tensor> leaves_;
  std::vector<at::Tensor> values_;
};

}  // namespace sil::test
