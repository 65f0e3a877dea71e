// The operations on libtorch. A weight matrix lies row-major. Every operation is one or a few ATen functions: this back
// end is what the exact kernels are compared with, so it must be plain. It is not exact itself: ATen's products are
// MKL's, whose rows depend on how many there are.
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cmath>
#include <vector>

#include "nn/torch/attention.h"
#include "nn/torch/module.h"
#include "nn/torch/views.h"

namespace sil::nn::torch {
namespace {

struct Gate {
  at::Tensor gate, up;
};
Gate gate_of(Tensor gate_up) {
  const std::vector<at::Tensor> halves = view(gate_up).chunk(2, 1);
  return {.gate = halves[0], .up = halves[1]};
}

// Rows of norms over the last dimension: x [.., width], inverse [.., 1].
void norm(const at::Tensor& x, const float* weight, const RmsNorm& of, at::Tensor out, at::Tensor inverse) {
  inverse.copy_(at::rsqrt(x.square().mean(-1, true) + static_cast<double>(of.epsilon)));
  out.copy_(x * inverse * (view(weight, {x.size(-1)}) + of.base));
}

// With y = x r s and r = 1 / sqrt(mean(x^2) + epsilon): dx = r (g - x r^2 mean(g x)), g = dy s.
void norm_backward(const at::Tensor& x, const float* weight, const RmsNorm& of, const at::Tensor& inverse,
                   const at::Tensor& dout, at::Tensor dx, float* dweight) {
  const at::Tensor g = dout * (view(weight, {x.size(-1)}) + of.base);
  dx.add_(inverse * (g - x * inverse.square() * (g * x).mean(-1, true)));
  if (dweight == nullptr) return;
  view(dweight, {x.size(-1)}).add_((dout * x * inverse).reshape({-1, x.size(-1)}).sum(0));
}

// With y = n s + b and n = (x - mean) r: dx = r (g - mean(g) - n mean(g n)), g = dy s.
void layer_norm_backward(const at::Tensor& x, const float* scale, const at::Tensor& stats, const at::Tensor& dout,
                         at::Tensor dx, float* dscale, float* dshift) {
  const at::Tensor inverse = stats.narrow(1, 1, 1);
  const at::Tensor normed = (x - stats.narrow(1, 0, 1)) * inverse;
  const at::Tensor g = dout * view(scale, {x.size(1)});
  dx.add_(inverse * (g - g.mean(1, true) - normed * (g * normed).mean(1, true)));
  if (dscale == nullptr) return;
  view(dscale, {x.size(1)}).add_((dout * normed).sum(0));
  view(dshift, {x.size(1)}).add_(dout.sum(0));
}

// Query heads, key heads and values of rows of qkv, each [T][heads][width].
struct HeadViews {
  at::Tensor query, key, value;
};
HeadViews head_views(Tensor qkv, const Heads& heads) {
  const at::Tensor all = view(qkv).view({qkv.rows, heads.query + 2 * heads.key, heads.width});
  return {.query = all.narrow(1, 0, heads.query),
          .key = all.narrow(1, heads.query, heads.key),
          .value = all.narrow(1, heads.query + heads.key, heads.key)};
}
struct HeadInverses {
  at::Tensor query, key;  // [T][heads][1]
};
HeadInverses head_inverses(const float* inverse, int64_t rows, const Heads& heads) {
  const at::Tensor all = view(inverse, {rows, heads.query + heads.key, 1});
  return {.query = all.narrow(1, 0, heads.query), .key = all.narrow(1, heads.query, heads.key)};
}

class TorchKernels final : public Kernels {
 public:
  explicit TorchKernels(const TorchCore& core) : core_(core) {}

  int64_t matrix_floats(int64_t rows, int64_t columns) const override { return rows * columns; }
  void pack(const float* plain, int64_t first, int64_t count, const Matrix& matrix, float* packed) const override {
    std::copy_n(plain, count * matrix.columns, packed + first * matrix.columns);
  }
  void unpack(const Matrix& matrix, int64_t first, int64_t count, float* plain) const override {
    std::copy_n(matrix.data + first * matrix.columns, count * matrix.columns, plain);
  }

  void embed(const Matrix& table, std::span<const TokenId> ids, Tensor out) const override {
    at::Tensor rows = view(out);
    at::index_select_out(rows, view(table), 0, view(ids));
  }
  void embed_backward(std::span<const TokenId> ids, Tensor dout, const Matrix& table, float* dtable) const override {
    view(dtable, {table.rows, table.columns}).index_add_(0, view(ids), view(dout));
  }

  void linear(Tensor x, const Matrix& matrix, const float* bias, Tensor out) const override {
    at::Tensor y = view(out);
    if (bias == nullptr)
      at::mm_out(y, view(x), view(matrix).t());
    else
      at::addmm_out(y, view(bias, {matrix.rows}), view(x), view(matrix).t());
  }
  void linear_input(Tensor dout, const Matrix& matrix, Tensor dx, Arena&) const override {
    view(dx).addmm_(view(dout), view(matrix));
  }
  void linear_matrix(Tensor x, Tensor dout, const Matrix& matrix, float* dmatrix, Arena&) const override {
    view(dmatrix, {matrix.rows, matrix.columns}).addmm_(view(dout).t(), view(x));
  }
  void linear_bias(Tensor dout, float* dbias) const override { view(dbias, {dout.columns}).add_(view(dout).sum(0)); }

  void rms_norm(Tensor x, const float* weight, const RmsNorm& of, Tensor out, float* inverse) const override {
    norm(view(x), weight, of, view(out), view(inverse, {x.rows, 1}));
  }
  void rms_norm_backward(Tensor x, const float* weight, const RmsNorm& of, const float* inverse, Tensor dout, Tensor dx,
                         float* dweight) const override {
    norm_backward(view(x), weight, of, view(inverse, {x.rows, 1}), view(dout), view(dx), dweight);
  }
  void layer_norm(Tensor x, const float* scale, const float* shift, float epsilon, Tensor out,
                  LayerNormStats* stats) const override {
    const auto [y, mean, inverse] = at::native_layer_norm(view(x), {x.columns}, view(scale, {x.columns}),
                                                          view(shift, {x.columns}), static_cast<double>(epsilon));
    view(out).copy_(y);
    view(&stats->mean, {x.rows, 2}).copy_(at::cat({mean, inverse}, 1));
  }
  void layer_norm_backward(Tensor x, const float* scale, const LayerNormStats* stats, Tensor dout, Tensor dx,
                           float* dscale, float* dshift) const override {
    torch::layer_norm_backward(view(x), scale, view(&stats->mean, {x.rows, 2}), view(dout), view(dx), dscale, dshift);
  }
  void head_norm(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight, const RmsNorm& of,
                 Tensor out, float* inverse) const override {
    const HeadViews x = head_views(qkv, heads);
    const HeadViews y = head_views(out, heads);
    const HeadInverses r = head_inverses(inverse, qkv.rows, heads);
    norm(x.query, query_weight, of, y.query, r.query);
    norm(x.key, key_weight, of, y.key, r.key);
    y.value.copy_(x.value);
  }
  void head_norm_backward(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                          const RmsNorm& of, const float* inverse, Tensor dout, Tensor dqkv, float* dquery_weight,
                          float* dkey_weight) const override {
    const HeadViews x = head_views(qkv, heads);
    const HeadViews dy = head_views(dout, heads);
    HeadViews dx = head_views(dqkv, heads);
    const HeadInverses r = head_inverses(inverse, qkv.rows, heads);
    norm_backward(x.query, query_weight, of, r.query, dy.query, dx.query, dquery_weight);
    norm_backward(x.key, key_weight, of, r.key, dy.key, dx.key, dkey_weight);
    dx.value.add_(dy.value);
  }

  void rotate(Tensor qkv, const Heads& heads, const RotaryTable& table, const Layout& layout,
              bool back) const override {
    const std::vector<int32_t> positions = layout.positions();
    const auto angles = [&](const std::vector<float>& of) {
      return view(std::span(of))
          .view({-1, table.half})
          .index_select(0, view(std::span(positions)))
          .unsqueeze(1);  // [T][1][half]
    };
    const at::Tensor cosines = angles(table.cosines);
    const at::Tensor sines = back ? -angles(table.sines) : angles(table.sines);
    const at::Tensor turned =
        view(qkv).view({qkv.rows, heads.query + 2 * heads.key, heads.width}).narrow(1, 0, heads.query + heads.key);
    const at::Tensor low = turned.narrow(2, 0, table.half);
    const at::Tensor high = turned.narrow(2, table.half, table.half);
    turned.copy_(at::cat({low * cosines - high * sines, high * cosines + low * sines}, 2));
  }

  void attention(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                 SoftmaxStats* stats, Arena&) const override {
    torch::attention(qkv, heads, layer, layout, out, stats);
  }
  void attention_backward(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                          const SoftmaxStats* stats, Tensor dout, Tensor dqkv, Arena&) const override {
    torch::attention_backward(qkv, heads, layer, layout, out, stats, dout, dqkv);
  }

  void silu_gate(Tensor gate_up, Tensor out) const override {
    const Gate of = gate_of(gate_up);
    view(out).copy_(at::silu(of.gate) * of.up);
  }
  void silu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    const Gate of = gate_of(gate_up);
    const Gate slope = gate_of(dgate_up);
    const at::Tensor d = view(dout);
    slope.gate.copy_(at::silu_backward(d * of.up, of.gate));
    slope.up.copy_(d * at::silu(of.gate));
  }

  void gelu_gate(Tensor gate_up, Tensor out) const override {
    const Gate of = gate_of(gate_up);
    view(out).copy_(at::gelu(of.gate, "tanh") * of.up);
  }
  void gelu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    const Gate of = gate_of(gate_up);
    const Gate slope = gate_of(dgate_up);
    const at::Tensor d = view(dout);
    slope.gate.copy_(at::gelu_backward(d * of.up, of.gate, "tanh"));
    slope.up.copy_(d * at::gelu(of.gate, "tanh"));
  }
  void gelu(Tensor x, Tensor out) const override { view(out).copy_(at::gelu(view(x), "tanh")); }
  void gelu_backward(Tensor x, Tensor dout, Tensor dx) const override {
    view(dx).copy_(at::gelu_backward(view(dout), view(x), "tanh"));
  }

  void add(Tensor a, Tensor b, Tensor out) const override {
    at::Tensor sum = view(out);
    at::add_out(sum, view(a), view(b));
  }
  void scale(Tensor x, float by) const override { view(x).mul_(by); }
  void take_rows(Tensor x, std::span<const int32_t> rows, Tensor out) const override {
    at::Tensor taken = view(out);
    at::index_select_out(taken, view(x), 0, view(rows));
  }
  void take_columns(Tensor x, int64_t first, Tensor out) const override {
    view(out).copy_(view(x).narrow(1, first, out.columns));
  }
  void put_rows(Tensor dout, std::span<const int32_t> rows, Tensor dx) const override {
    view(dx).index_add_(0, view(rows), view(dout));
  }

  void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                 std::span<LogSum> sums, std::span<float> logp) const override {
    const at::Tensor z = view(logits) / view(temperature).unsqueeze(1);
    const at::Tensor max = std::get<0>(z.max(1, true));
    const at::Tensor log = (z - max).exp_().sum(1, true).log_();
    const at::Tensor all = view(&sums.front().max, {logits.rows, 2});
    all.copy_(at::cat({max, log}, 1));
    view(logp.data(), {logits.rows, 1}).copy_(z.gather(1, view(ids).to(at::kLong).unsqueeze(1)) - max - log);
  }
  void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                          std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits) const override {
    const at::Tensor t = view(temperature).unsqueeze(1);
    const at::Tensor total = view(&sums.front().max, {logits.rows, 2}).sum(1, true);
    const at::Tensor p = at::exp(view(logits) / t - total);
    const at::Tensor weight = view(dlogp).unsqueeze(1) / t;
    const at::Tensor out = view(dlogits);
    out.sub_(weight * p);
    out.scatter_add_(1, view(ids).to(at::kLong).unsqueeze(1), weight);
  }
  double divergence(Tensor logits, Tensor reference, bool forward, double weight, Tensor dlogits) const override {
    const at::Tensor s = at::log_softmax(view(logits).to(at::kDouble), 1);
    const at::Tensor t = at::log_softmax(view(reference).to(at::kDouble), 1);
    const at::Tensor kl = (forward ? t.exp() * (t - s) : s.exp() * (s - t)).sum(1, true);
    const at::Tensor slope = forward ? s.exp() - t.exp() : s.exp() * (s - t - kl);
    view(dlogits).add_(slope.to(at::kFloat), weight);
    return kl.sum().item<double>();
  }
  Sampled sample(TokenSampler& sampler, Tensor logits, int64_t row, const DrawAddress& address) const override {
    return core_.draw(sampler, {logits.row(row), static_cast<size_t>(logits.columns)}, address);
  }

  void add_into(const float* x, int64_t length, float* sum) const override {
    view(sum, {length}).add_(view(x, {length}));
  }
  double sum_of_squares(const float* x, int64_t length) const override {
    return view(x, {length}).to(at::kDouble).square().sum().item<double>();
  }
  void mix(const float* x, const float* y, float share, int64_t length, float* out) const override {
    view(out, {length}).copy_(view(x, {length}) * share + view(y, {length}) * (1 - share));
  }
  void optimize(const OptimizerStep& step, const float* gradient, int64_t length, float* w, float* m,
                float* v) const override {
    const at::Tensor g = view(gradient, {length}) * step.scale;
    const at::Tensor weights = view(w, {length});
    weights.mul_(1 - step.rate * step.decay);
    if (!step.adamw) {
      weights.sub_(g, step.rate);
      return;
    }
    const auto steps = static_cast<double>(step.step);
    const at::Tensor first = view(m, {length}).mul_(step.beta1).add_(g, 1 - step.beta1);
    const at::Tensor second = view(v, {length}).mul_(step.beta2).add_(g.square(), 1 - step.beta2);
    const at::Tensor root = (second / (1 - std::pow(step.beta2, steps))).sqrt_().add_(step.epsilon);
    weights.sub_(first / (1 - std::pow(step.beta1, steps)) / root, step.rate);
  }

 private:
  TorchCore core_;
};

}  // namespace
}  // namespace sil::nn::torch

sil::nn::Kernels* sil_torch_kernels(const sil::nn::TorchCore& core) {
  at::set_num_threads(1);  // ours do the work; OpenMP's would spin
  return new sil::nn::torch::TorchKernels(core);
}

const char* sil_torch_version() {
  return TORCH_VERSION;
}
