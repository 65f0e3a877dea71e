#include "nn/cpu/kernels.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "engines/schedule.h"
#include "nn/cpu/attention.h"
#include "nn/cpu/head.h"
#include "sil/error.h"

namespace sil::nn {
namespace {

using cpu::kLongestChain;
using cpu::kPanel;
using cpu::Primitives;
using cpu::Product;

// Numbers of a matrix that take a thread longer to read than to wake up.
constexpr int64_t kWorthSharing = 64 * 1024;
constexpr int64_t kParts = 4;  // of a shared product for each thread: one that comes late leaves some to the others

class CpuKernels final : public Kernels {
 public:
  CpuKernels(const Primitives& by, ThreadPool* pool)
      : by_(by), pool_(pool), scratch_(pool == nullptr ? 0 : static_cast<size_t>(pool->threads())) {}

  const Memory& memory() const override { return host_memory(); }
  int64_t matrix_floats(int64_t rows, int64_t columns) const override { return cpu::panels(rows) * kPanel * columns; }
  void pack(const float* plain, int64_t first, int64_t count, const Matrix& matrix, float* packed) const override {
    for (int64_t n = first; n < first + count; ++n, plain += matrix.columns) {
      float* const lane = packed + lane_of(n, matrix.columns);
      for (int64_t k = 0; k < matrix.columns; ++k) lane[k * kPanel] = plain[k];
    }
  }
  void unpack(const Matrix& matrix, int64_t first, int64_t count, float* plain) const override {
    for (int64_t n = first; n < first + count; ++n, plain += matrix.columns) {
      const float* const lane = matrix.data + lane_of(n, matrix.columns);
      for (int64_t k = 0; k < matrix.columns; ++k) plain[k] = lane[k * kPanel];
    }
  }

  void embed(const Matrix& table, std::span<const TokenId> ids, Tensor out) const override {
    for (size_t t = 0; t < ids.size(); ++t) unpack(table, ids[t], 1, out.row(static_cast<int64_t>(t)));
  }
  void embed_backward(std::span<const TokenId> ids, Tensor dout, const Matrix& table, float* dtable) const override {
    for (size_t t = 0; t < ids.size(); ++t) {
      float* const lane = dtable + lane_of(ids[t], table.columns);
      const float* const row = dout.row(static_cast<int64_t>(t));
      for (int64_t k = 0; k < table.columns; ++k) lane[k * kPanel] += row[k];
    }
  }

  void linear(Tensor x, const Matrix& matrix, const float* bias, Tensor out) const override {
    const int64_t panels = cpu::panels(matrix.rows);
    const bool shared = pool_ != nullptr && matrix.rows * matrix.columns >= kWorthSharing;
    const int64_t parts = shared ? std::min<int64_t>(kParts * pool_->threads(), panels) : 1;
    const auto part = [&](int64_t i) { product_panels(x, matrix, out, panels * i / parts, panels * (i + 1) / parts); };
    if (parts > 1)
      pool_->for_each(parts, part);
    else
      part(0);
    if (bias == nullptr) return;
    for (int64_t t = 0; t < out.rows; ++t) by_.add(out.row(t), bias, out.columns, out.row(t));
  }
  void linear_input(Tensor dout, const Matrix& matrix, Tensor dx, Arena& scratch) const override;
  void linear_matrix(Tensor x, Tensor dout, const Matrix& matrix, float* dmatrix, Arena& scratch) const override;
  void linear_bias(Tensor dout, float* dbias) const override {
    for (int64_t t = 0; t < dout.rows; ++t) by_.add(dbias, dout.row(t), dout.columns, dbias);
  }

  void rms_norm(Tensor x, const float* weight, const RmsNorm& norm, Tensor out, float* inverse) const override {
    for (int64_t t = 0; t < x.rows; ++t)
      inverse[t] = by_.rms_norm(x.row(t), weight, norm.base, x.columns, norm.epsilon, out.row(t));
  }
  void rms_norm_backward(Tensor x, const float* weight, const RmsNorm& norm, const float* inverse, Tensor dout,
                         Tensor dx, float* dweight) const override {
    for (int64_t t = 0; t < x.rows; ++t)
      by_.rms_norm_backward(x.row(t), weight, norm.base, x.columns, inverse[t], dout.row(t), dx.row(t), dweight);
  }
  void layer_norm(Tensor x, const float* scale, const float* shift, float epsilon, Tensor out,
                  LayerNormStats* stats) const override {
    for (int64_t t = 0; t < x.rows; ++t)
      stats[t].inverse = by_.layer_norm(x.row(t), scale, shift, x.columns, epsilon, out.row(t), &stats[t].mean);
  }
  void layer_norm_backward(Tensor x, const float* scale, const LayerNormStats* stats, Tensor dout, Tensor dx,
                           float* dscale, float* dshift) const override {
    for (int64_t t = 0; t < x.rows; ++t)
      by_.layer_norm_backward(x.row(t), scale, x.columns, stats[t].mean, stats[t].inverse, dout.row(t), dx.row(t),
                              dscale, dshift);
  }
  void head_norm(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                 const RmsNorm& norm, Tensor out, float* inverse) const override {
    each_head(qkv.rows, heads, [&](int64_t t, int64_t h, int64_t column) {
      *inverse++ = by_.rms_norm(qkv.row(t) + column, h < heads.query ? query_weight : key_weight, norm.base,
                                heads.width, norm.epsilon, out.row(t) + column);
    });
    each_value(qkv.rows, heads, [&](int64_t t, int64_t column, int64_t width) {
      std::copy_n(qkv.row(t) + column, width, out.row(t) + column);
    });
  }
  void head_norm_backward(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                          const RmsNorm& norm, const float* inverse, Tensor dout, Tensor dqkv, float* dquery_weight,
                          float* dkey_weight) const override {
    each_head(qkv.rows, heads, [&](int64_t t, int64_t h, int64_t column) {
      const bool query = h < heads.query;
      by_.rms_norm_backward(qkv.row(t) + column, query ? query_weight : key_weight, norm.base, heads.width, *inverse++,
                            dout.row(t) + column, dqkv.row(t) + column, query ? dquery_weight : dkey_weight);
    });
    each_value(qkv.rows, heads, [&](int64_t t, int64_t column, int64_t width) {
      by_.add(dqkv.row(t) + column, dout.row(t) + column, width, dqkv.row(t) + column);
    });
  }

  void rotate(Tensor qkv, const Heads& heads, const RotaryTable& table, const Layout& layout,
              bool back) const override {
    const auto turn = back ? by_.rotate_back : by_.rotate;
    for (const Run& run : layout.runs) {
      for (int64_t i = 0; i < run.rows; ++i) {
        const auto angles = static_cast<size_t>((run.position() + i) * table.half);
        for (int64_t h = 0; h < heads.query + heads.key; ++h)
          turn(qkv.row(run.row + i) + h * heads.width, table.half, table.cosines.data() + angles,
               table.sines.data() + angles);
      }
    }
  }

  void attention(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                 SoftmaxStats* stats, Arena& scratch) const override {
    if (pool_ == nullptr) return cpu::attention(by_, qkv, heads, layer, layout, out, stats, scratch);
    const std::vector<Layout> parts = cut(layout, pool_->threads());
    pool_->for_each(std::ssize(parts), [&](int64_t i) {
      const auto part = static_cast<size_t>(i);
      cpu::attention(by_, qkv, heads, layer, parts[part], out, stats, scratch_[part]);
    });
  }
  void attention_backward(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                          const SoftmaxStats* stats, Tensor dout, Tensor dqkv, Arena& scratch) const override {
    cpu::attention_backward(by_, qkv, heads, layer, layout, out, stats, dout, dqkv, scratch);
  }

  void silu_gate(Tensor gate_up, Tensor out) const override { gate(by_.silu_gate, gate_up, out); }
  void silu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    gate_backward(by_.silu_gate_backward, gate_up, dout, dgate_up);
  }
  void gelu_gate(Tensor gate_up, Tensor out) const override { gate(by_.gelu_gate, gate_up, out); }
  void gelu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    gate_backward(by_.gelu_gate_backward, gate_up, dout, dgate_up);
  }

  void gelu(Tensor x, Tensor out) const override { by_.gelu(x.data, x.size(), out.data); }
  void gelu_backward(Tensor x, Tensor dout, Tensor dx) const override {
    by_.gelu_backward(x.data, x.size(), dout.data, dx.data);
  }

  void add(Tensor a, Tensor b, Tensor out) const override { by_.add(a.data, b.data, a.size(), out.data); }
  void scale(Tensor x, float by) const override {
    for (int64_t i = 0; i < x.size(); ++i) x.data[i] *= by;
  }
  void take_rows(Tensor x, std::span<const int32_t> rows, Tensor out) const override {
    for (size_t i = 0; i < rows.size(); ++i) std::copy_n(x.row(rows[i]), x.columns, out.row(static_cast<int64_t>(i)));
  }
  void take_columns(Tensor x, int64_t first, Tensor out) const override {
    for (int64_t t = 0; t < x.rows; ++t) std::copy_n(x.row(t) + first, out.columns, out.row(t));
  }
  void put_rows(Tensor dout, std::span<const int32_t> rows, Tensor dx) const override {
    for (size_t i = 0; i < rows.size(); ++i)
      by_.add(dx.row(rows[i]), dout.row(static_cast<int64_t>(i)), dx.columns, dx.row(rows[i]));
  }

  void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                 std::span<LogSum> sums, std::span<float> logp) const override {
    cpu::log_probs(logits, ids, temperature, sums, logp);
  }
  void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                          std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits) const override {
    cpu::log_probs_backward(logits, ids, temperature, sums, dlogp, dlogits);
  }
  double divergence(Tensor logits, Tensor reference, bool forward, double weight, Tensor dlogits) const override {
    return cpu::divergence(logits, reference, forward, weight, dlogits);
  }
  Sampled sample(TokenSampler& sampler, Tensor logits, int64_t row, const DrawAddress& address) const override {
    return sampler.draw({logits.row(row), static_cast<size_t>(logits.columns)}, address);
  }

  void add_into(const float* x, int64_t length, float* sum) const override { by_.add(sum, x, length, sum); }
  double sum_of_squares(const float* x, int64_t length) const override;
  void mix(const float* x, const float* y, float share, int64_t length, float* out) const override {
    by_.mix(x, y, share, length, out);
  }
  void optimize(const OptimizerStep& step, const float* gradient, int64_t length, float* w, float* m,
                float* v) const override;

 private:
  static int64_t lane_of(int64_t row, int64_t columns) { return row / kPanel * kPanel * columns + row % kPanel; }

  template <class Visit>
  static void each_head(int64_t rows, const Heads& heads, const Visit& visit) {
    for (int64_t t = 0; t < rows; ++t)
      for (int64_t h = 0; h < heads.query + heads.key; ++h) visit(t, h, h * heads.width);
  }
  template <class Visit>
  static void each_value(int64_t rows, const Heads& heads, const Visit& visit) {
    for (int64_t t = 0; t < rows; ++t) visit(t, (heads.query + heads.key) * heads.width, heads.key * heads.width);
  }

  // At most `parts` layouts with about as many rows each.
  static std::vector<Layout> cut(const Layout& layout, int64_t parts) {
    std::vector<Layout> out;
    for (const Run& run : layout.runs) {
      const int64_t part = run.row * parts / layout.rows();
      if (out.empty() || part != out.back().runs.front().row * parts / layout.rows())
        out.push_back({.runs = {}, .cache = layout.cache});
      out.back().runs.push_back(run);
    }
    return out;
  }

  static void gate(decltype(Primitives::silu_gate) by, Tensor gate_up, Tensor out) {
    for (int64_t t = 0; t < out.rows; ++t) by(gate_up.row(t), gate_up.row(t) + out.columns, out.columns, out.row(t));
  }
  static void gate_backward(decltype(Primitives::silu_gate_backward) by, Tensor gate_up, Tensor dout, Tensor dgate_up) {
    const int64_t width = dout.columns;
    for (int64_t t = 0; t < dout.rows; ++t)
      by(gate_up.row(t), gate_up.row(t) + width, width, dout.row(t), dgate_up.row(t), dgate_up.row(t) + width);
  }

  // Panels [first, last) of a linear map.
  void product_panels(Tensor x, const Matrix& matrix, Tensor out, int64_t first, int64_t last) const {
    by_.product({.rows = x.rows,
                 .columns = std::min(matrix.rows, last * kPanel) - first * kPanel,
                 .depth = matrix.columns,
                 .a = x.data,
                 .a_row = x.columns,
                 .b = matrix.data + first * kPanel * matrix.columns,
                 .b_panel = matrix.columns * kPanel,
                 .b_depth = kPanel,
                 .c = out.data + first * kPanel,
                 .c_row = out.columns,
                 .c_panel = kPanel});
  }

  const Primitives& by_;
  ThreadPool* const pool_;
  mutable std::vector<Arena> scratch_;  // a part of an attention
};

// dx = dx + dout W. The panels of W are turned round: rows become the depth.
void CpuKernels::linear_input(Tensor dout, const Matrix& matrix, Tensor dx, Arena& scratch) const {
  const ArenaScope scope(scratch);
  const int64_t depth = cpu::panels(matrix.rows) * kPanel;
  float* const turned = scratch.floats(cpu::panels(matrix.columns) * depth * kPanel);
  for (int64_t p = 0; p < cpu::panels(matrix.rows); ++p)
    for (int64_t k = 0; k < matrix.columns; k += kPanel)
      by_.transpose_panel(matrix.data + (p * matrix.columns + k) * kPanel, kPanel, std::min(kPanel, matrix.columns - k),
                          kPanel, turned + k * depth + p * kPanel * kPanel);
  by_.product({.rows = dout.rows,
               .columns = matrix.columns,
               .depth = matrix.rows,
               .a = dout.data,
               .a_row = dout.columns,
               .b = turned,
               .b_panel = depth * kPanel,
               .b_depth = kPanel,
               .c = dx.data,
               .c_row = dx.columns,
               .c_panel = kPanel,
               .into = Product::Into::add});
}

// dW^T goes on with x^T dout. Rows beyond the longest chain are chains of their own, added in order. The columns of
// dout are laid side by side a slice at a time: read where they are, whole rows apart, they would share a few sets of
// the cache.
void CpuKernels::linear_matrix(Tensor x, Tensor dout, const Matrix& matrix, float* dmatrix, Arena& scratch) const {
  constexpr int64_t kSlice = 8 * kPanel;  // columns
  for (int64_t first = 0; first < x.rows; first += kLongestChain) {
    const ArenaScope scope(scratch);
    const int64_t rows = std::min(kLongestChain, x.rows - first);
    float* const left = scratch.floats(matrix.columns * rows);
    by_.pack_left(x.row(first), x.columns, matrix.columns, rows, left);
    float* const right = scratch.floats(kSlice * rows);
    for (int64_t column = 0; column < matrix.rows; column += kSlice) {
      const int64_t columns = std::min(kSlice, matrix.rows - column);
      for (int64_t p = 0; p < cpu::panels(columns); ++p)
        for (int64_t t = 0; t < rows; ++t)
          std::memcpy(right + (p * rows + t) * kPanel, dout.row(first + t) + column + p * kPanel,
                      kPanel * sizeof(float));
      by_.product({.rows = matrix.columns,
                   .columns = columns,
                   .depth = rows,
                   .a = left,
                   .a_row = 0,
                   .b = right,
                   .b_panel = rows * kPanel,
                   .b_depth = kPanel,
                   .c = dmatrix + column * matrix.columns,
                   .c_row = kPanel,
                   .c_panel = matrix.columns * kPanel,
                   .into = first == 0 ? Product::Into::chain : Product::Into::add});
    }
  }
}

// By pieces of 4,096, each in 16 lanes of double; pieces are added in order.
double CpuKernels::sum_of_squares(const float* x, int64_t length) const {
  double total = 0;
  for (int64_t first = 0; first < length; first += 4096) {
    double lanes[16] = {};
    const int64_t last = std::min(length, first + 4096);
    for (int64_t i = first; i < last; ++i) {
      const auto value = static_cast<double>(x[i]);
      lanes[i % 16] += value * value;
    }
    for (int half = 8; half > 0; half /= 2)
      for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    total += lanes[0];
  }
  return total;
}

void CpuKernels::optimize(const OptimizerStep& step, const float* gradient, int64_t length, float* w, float* m,
                          float* v) const {
  cpu::AdamwStep constants;
  constants.rate = static_cast<float>(step.rate);
  constants.decay = static_cast<float>(step.rate * step.decay);
  constants.scale = static_cast<float>(step.scale);
  if (!step.adamw) return by_.sgd(constants, gradient, length, w);
  constants.beta1 = static_cast<float>(step.beta1);
  constants.beta2 = static_cast<float>(step.beta2);
  constants.correction1 = static_cast<float>(1 / (1 - exact_power(step.beta1, step.step)));
  constants.correction2 = static_cast<float>(1 / (1 - exact_power(step.beta2, step.step)));
  constants.epsilon = static_cast<float>(step.epsilon);
  by_.adamw(constants, gradient, length, w, m, v);
}

}  // namespace

std::unique_ptr<Kernels> cpu_kernels(const Primitives& primitives, ThreadPool* pool) {
  return std::make_unique<CpuKernels>(primitives, pool);
}

}  // namespace sil::nn
