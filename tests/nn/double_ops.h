// The operations of a model in double precision by plain loops, written from their formulas: what gradients and logits
// are compared with. Forward only.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "nn/ops/ops.h"

namespace sil::test {

class DoubleOps final : public nn::Ops {
 public:
  explicit DoubleOps(const nn::Kernels& kernels) : kernels_(kernels) {}

  struct Value {
    size_t rows = 0;
    size_t columns = 0;
    std::vector<double> data;
    double& at(size_t row, size_t column) { return data[row * columns + column]; }
    double at(size_t row, size_t column) const { return data[row * columns + column]; }
  };
  const Value& value(nn::Var var) const { return values_[static_cast<size_t>(var.index)]; }

  nn::Var embed(const nn::MatrixWeight& table, std::span<const TokenId> ids) override {
    const Value w = plain(table);
    Value out = make(ids.size(), w.columns);
    for (size_t t = 0; t < ids.size(); ++t)
      for (size_t k = 0; k < w.columns; ++k) out.at(t, k) = w.at(static_cast<size_t>(ids[t]), k);
    return push(std::move(out));
  }

  nn::Var embed_positions(const nn::MatrixWeight& table, const nn::Layout& layout) override {
    std::vector<TokenId> positions;
    for (const nn::Run& run : layout.runs)
      for (int64_t i = 0; i < run.rows; ++i) positions.push_back(static_cast<TokenId>(run.position() + i));
    return embed(table, positions);
  }

  nn::Var linear(nn::Var x, const nn::MatrixWeight& matrix, const nn::VectorWeight& bias) override {
    const Value w = plain(matrix);
    Value out = make(value(x).rows, w.rows);
    for (size_t t = 0; t < out.rows; ++t) {
      for (size_t n = 0; n < w.rows; ++n) {
        double sum = bias.value == nullptr ? 0 : static_cast<double>(bias.value[n]);
        for (size_t k = 0; k < w.columns; ++k) sum += value(x).at(t, k) * w.at(n, k);
        out.at(t, n) = sum;
      }
    }
    return push(std::move(out));
  }

  nn::Var rms_norm(nn::Var x, const nn::VectorWeight& weight, const nn::RmsNorm& of) override {
    Value out = value(x);
    for (size_t t = 0; t < out.rows; ++t) norm(out, t, 0, out.columns, weight, of);
    return push(std::move(out));
  }

  nn::Var layer_norm(nn::Var x, const nn::VectorWeight& scale, const nn::VectorWeight& shift, float epsilon) override {
    Value out = value(x);
    const auto width = static_cast<double>(out.columns);
    for (size_t t = 0; t < out.rows; ++t) {
      double mean = 0, variance = 0;
      for (size_t j = 0; j < out.columns; ++j) mean += out.at(t, j) / width;
      for (size_t j = 0; j < out.columns; ++j) variance += std::pow(out.at(t, j) - mean, 2) / width;
      for (size_t j = 0; j < out.columns; ++j)
        out.at(t, j) = (out.at(t, j) - mean) / std::sqrt(variance + static_cast<double>(epsilon)) *
                           static_cast<double>(scale.value[j]) +
                       static_cast<double>(shift.value[j]);
    }
    return push(std::move(out));
  }

  nn::Var head_norm(nn::Var qkv, const nn::Heads& heads, const nn::VectorWeight& query, const nn::VectorWeight& key,
                    const nn::RmsNorm& of) override {
    Value out = value(qkv);
    const auto width = static_cast<size_t>(heads.width);
    for (size_t t = 0; t < out.rows; ++t)
      for (size_t h = 0; h < static_cast<size_t>(heads.query + heads.key); ++h)
        norm(out, t, h * width, width, h < static_cast<size_t>(heads.query) ? query : key, of);
    return push(std::move(out));
  }

  nn::Var rotate(nn::Var qkv, const nn::Heads& heads, const nn::RotaryTable& table, const nn::Layout& layout) override {
    Value out = value(qkv);
    const auto half = static_cast<size_t>(table.half);
    for (const nn::Run& run : layout.runs) {
      for (int64_t i = 0; i < run.rows; ++i) {
        const auto row = static_cast<size_t>(run.row + i);
        const auto angles = static_cast<size_t>(run.position() + i) * half;
        for (size_t h = 0; h < static_cast<size_t>(heads.query + heads.key); ++h) {
          for (size_t j = 0; j < half; ++j) {
            const size_t low = h * 2 * half + j;
            const double a = out.at(row, low);
            const double b = out.at(row, low + half);
            const auto cosine = static_cast<double>(table.cosines[angles + j]);
            const auto sine = static_cast<double>(table.sines[angles + j]);
            out.at(row, low) = a * cosine - b * sine;
            out.at(row, low + half) = b * cosine + a * sine;
          }
        }
      }
    }
    return push(std::move(out));
  }

  nn::Var attention(nn::Var qkv, const nn::Heads& heads, const nn::AttentionLayer& layer,
                    const nn::Layout& layout) override {
    const Value& in = value(qkv);
    Value out = make(in.rows, static_cast<size_t>(heads.output()));
    for (const nn::Run& run : layout.runs)
      for (int64_t h = 0; h < heads.query; ++h)
        for (int64_t i = 0; i < run.rows; ++i) attend(in, heads, layer, run.row, h, i, out);
    return push(std::move(out));
  }

  nn::Var silu_gate(nn::Var gate_up) override {
    return push(gated(gate_up, [](double gate) { return gate / (1 + std::exp(-gate)); }));
  }
  nn::Var gelu_gate(nn::Var gate_up) override { return push(gated(gate_up, gelu_of)); }

  nn::Var gelu(nn::Var x) override {
    Value out = value(x);
    for (double& v : out.data) v = gelu_of(v);
    return push(std::move(out));
  }

  nn::Var scale(nn::Var x, float by) override {
    Value out = value(x);
    for (double& v : out.data) v *= static_cast<double>(by);
    return push(std::move(out));
  }

  nn::Var add(nn::Var a, nn::Var b) override {
    Value out = value(a);
    for (size_t i = 0; i < out.data.size(); ++i) out.data[i] += value(b).data[i];
    return push(std::move(out));
  }

  nn::Var take_rows(nn::Var x, std::span<const int32_t> rows) override {
    Value out = make(rows.size(), value(x).columns);
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t j = 0; j < out.columns; ++j) out.at(i, j) = value(x).at(static_cast<size_t>(rows[i]), j);
    return push(std::move(out));
  }

  nn::Var block(nn::Var, const std::function<nn::Var()>& body) override { return body(); }

 private:
  static Value make(size_t rows, size_t columns) { return {rows, columns, std::vector<double>(rows * columns)}; }
  nn::Var push(Value value) {
    values_.push_back(std::move(value));
    return {static_cast<int32_t>(values_.size() - 1)};
  }
  Value plain(const nn::MatrixWeight& matrix) const {
    std::vector<float> data(static_cast<size_t>(matrix.value.rows * matrix.value.columns));
    kernels_.unpack(matrix.value, 0, matrix.value.rows, data.data());
    return {
        static_cast<size_t>(matrix.value.rows), static_cast<size_t>(matrix.value.columns), {data.begin(), data.end()}};
  }
  static double gelu_of(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  template <class Activation>
  Value gated(nn::Var gate_up, const Activation& activation) const {
    const Value& in = value(gate_up);
    Value out = make(in.rows, in.columns / 2);
    for (size_t t = 0; t < out.rows; ++t)
      for (size_t j = 0; j < out.columns; ++j) out.at(t, j) = activation(in.at(t, j)) * in.at(t, out.columns + j);
    return out;
  }
  static void norm(Value& x, size_t row, size_t first, size_t width, const nn::VectorWeight& weight,
                   const nn::RmsNorm& of) {
    double squares = 0;
    for (size_t j = 0; j < width; ++j) squares += x.at(row, first + j) * x.at(row, first + j);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + static_cast<double>(of.epsilon));
    for (size_t j = 0; j < width; ++j)
      x.at(row, first + j) *= inverse * (static_cast<double>(of.base) + static_cast<double>(weight.value[j]));
  }
  // Row `first` + i of a sequence that begins at row `first`.
  static void attend(const Value& in, const nn::Heads& heads, const nn::AttentionLayer& layer, int64_t first, int64_t h,
                     int64_t i, Value& out) {
    const auto width = static_cast<size_t>(heads.width);
    const auto group = static_cast<size_t>(h / heads.group());
    const size_t query = static_cast<size_t>(h) * width;
    const size_t key = (static_cast<size_t>(heads.query) + group) * width;
    const size_t value_column = key + static_cast<size_t>(heads.key) * width;
    const auto row = static_cast<size_t>(first + i);
    std::vector<double> weights(static_cast<size_t>(i) + 1);
    double sum = 0;
    for (int64_t j = 0; j <= i; ++j) {
      if (layer.window > 0 && i - j >= layer.window) continue;
      double score = 0;
      for (size_t d = 0; d < width; ++d)
        score += in.at(row, query + d) * in.at(static_cast<size_t>(first + j), key + d);
      sum += weights[static_cast<size_t>(j)] = std::exp(score * static_cast<double>(layer.scale));
    }
    for (int64_t j = 0; j <= i; ++j)
      for (size_t d = 0; d < width; ++d)
        out.at(row, query + d) +=
            weights[static_cast<size_t>(j)] / sum * in.at(static_cast<size_t>(first + j), value_column + d);
  }

  const nn::Kernels& kernels_;
  std::vector<Value> values_;
};

}  // namespace sil::test
