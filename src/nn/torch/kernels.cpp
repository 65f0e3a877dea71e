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

// Of bf16 factors, added up and left in fp32. A CPU has no such product: there the rounded factors go through one in
// fp32, which is the same but for the order of the sums.
at::Tensor bf16_product(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.to(at::kBFloat16);
  const at::Tensor right = b.to(at::kBFloat16);
  return left.is_cuda() ? at::mm(left, right, at::kFloat) : at::mm(left.to(at::kFloat), right.to(at::kFloat));
}

// [rows][max, log] of the host.
at::Tensor host_sums(std::span<const LogSum> sums) {
  return host({&sums.front().max, 2 * sums.size()}).view({-1, 2});
}

struct Gate {
  at::Tensor gate, up;
};
Gate gate_of(const Views& on, Tensor gate_up) {
  const std::vector<at::Tensor> halves = on.view(gate_up).chunk(2, 1);
  return {.gate = halves[0], .up = halves[1]};
}

// Rows of norms over the last dimension: x [.., width], inverse [.., 1].
void norm(const at::Tensor& x, const at::Tensor& weight, const RmsNorm& of, at::Tensor out, at::Tensor inverse) {
  inverse.copy_(at::rsqrt(x.square().mean(-1, true) + static_cast<double>(of.epsilon)));
  out.copy_(x * inverse * (weight + of.base));
}

// With y = x r s and r = 1 / sqrt(mean(x^2) + epsilon): dx = r (g - x r^2 mean(g x)), g = dy s.
// Of no gradient for the weight, `dweight` is undefined.
void norm_backward(const at::Tensor& x, const at::Tensor& weight, const RmsNorm& of, const at::Tensor& inverse,
                   const at::Tensor& dout, at::Tensor dx, at::Tensor dweight) {
  const at::Tensor g = dout * (weight + of.base);
  dx.add_(inverse * (g - x * inverse.square() * (g * x).mean(-1, true)));
  if (dweight.defined()) dweight.add_((dout * x * inverse).reshape({-1, x.size(-1)}).sum(0));
}

// With y = n s + b and n = (x - mean) r: dx = r (g - mean(g) - n mean(g n)), g = dy s.
void layer_norm_backward(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& stats, const at::Tensor& dout,
                         at::Tensor dx, at::Tensor dscale, at::Tensor dshift) {
  const at::Tensor inverse = stats.narrow(1, 1, 1);
  const at::Tensor normed = (x - stats.narrow(1, 0, 1)) * inverse;
  const at::Tensor g = dout * scale;
  dx.add_(inverse * (g - g.mean(1, true) - normed * (g * normed).mean(1, true)));
  if (!dscale.defined()) return;
  dscale.add_((dout * normed).sum(0));
  dshift.add_(dout.sum(0));
}

// Query heads, key heads and values of rows of qkv, each [T][heads][width].
struct HeadViews {
  at::Tensor query, key, value;
};
HeadViews head_views(const Views& on, Tensor qkv, const Heads& heads) {
  const at::Tensor all = on.view(qkv).view({qkv.rows, heads.query + 2 * heads.key, heads.width});
  return {.query = all.narrow(1, 0, heads.query),
          .key = all.narrow(1, heads.query, heads.key),
          .value = all.narrow(1, heads.query + heads.key, heads.key)};
}
struct HeadInverses {
  at::Tensor query, key;  // [T][heads][1]
};
HeadInverses head_inverses(const Views& on, const float* inverse, int64_t rows, const Heads& heads) {
  const at::Tensor all = on.view(inverse, {rows, heads.query + heads.key, 1});
  return {.query = all.narrow(1, 0, heads.query), .key = all.narrow(1, heads.query, heads.key)};
}

class TorchKernels final : public Kernels, private Rounding, private Views {
 public:
  TorchKernels(const TorchCore& core, const TorchOptions& options)
      : Views(at::kCPU), core_(core), bf16_(options.bf16) {}

  const Memory& memory() const override { return core_.host; }
  const Rounding* rounding() const override { return bf16_ ? this : nullptr; }
  void round(const float* x, int64_t length, float* out) const override {
    view(out, {length}).copy_(view(x, {length}).to(at::kBFloat16));
  }
  void narrow(const float* x, int64_t length, float* out) const override {
    narrow_view(out, length).copy_(view(x, {length}));
  }

  int64_t matrix_floats(int64_t rows, int64_t columns) const override { return rows * columns; }
  void pack(const float* plain, int64_t first, int64_t count, const Matrix& matrix, float* packed) const override {
    memory().write(plain, count * matrix.columns, packed + first * matrix.columns);
  }
  void unpack(const Matrix& matrix, int64_t first, int64_t count, float* plain) const override {
    memory().read(matrix.data + first * matrix.columns, count * matrix.columns, plain);
  }

  void embed(const Matrix& table, std::span<const TokenId> ids, Tensor out) const override {
    view(out).copy_(view(table).index_select(0, here(ids)));
  }
  void embed_backward(std::span<const TokenId> ids, Tensor dout, const Matrix& table, float* dtable) const override {
    view(dtable, {table.rows, table.columns}).index_add_(0, here(ids), view(dout));
  }

  void linear(Tensor x, const Matrix& matrix, const float* bias, Tensor out) const override {
    at::Tensor y = view(out);
    if (matrix.bf16) {
      y.copy_(bf16_product(view(x), view(matrix).t()));
      if (bias != nullptr) y.add_(view(bias, {matrix.rows}));
    } else if (bias == nullptr)
      at::mm_out(y, view(x), view(matrix).t());
    else
      at::addmm_out(y, view(bias, {matrix.rows}), view(x), view(matrix).t());
  }
  void linear_input(Tensor dout, const Matrix& matrix, Tensor dx, Arena&) const override {
    if (matrix.bf16)
      view(dx).add_(bf16_product(view(dout), view(matrix)));
    else
      view(dx).addmm_(view(dout), view(matrix));
  }
  void linear_matrix(Tensor x, Tensor dout, const Matrix& matrix, float* dmatrix, Arena&) const override {
    const at::Tensor sum = view(dmatrix, {matrix.rows, matrix.columns});
    if (matrix.bf16)
      sum.add_(bf16_product(view(dout).t(), view(x)));
    else
      sum.addmm_(view(dout).t(), view(x));
  }
  void linear_bias(Tensor dout, float* dbias) const override { view(dbias, {dout.columns}).add_(view(dout).sum(0)); }

  void rms_norm(Tensor x, const float* weight, const RmsNorm& of, Tensor out, float* inverse) const override {
    norm(view(x), view(weight, {x.columns}), of, view(out), view(inverse, {x.rows, 1}));
  }
  void rms_norm_backward(Tensor x, const float* weight, const RmsNorm& of, const float* inverse, Tensor dout, Tensor dx,
                         float* dweight) const override {
    norm_backward(view(x), view(weight, {x.columns}), of, view(inverse, {x.rows, 1}), view(dout), view(dx),
                  optional_view(dweight, x.columns));
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
    torch::layer_norm_backward(view(x), view(scale, {x.columns}), view(&stats->mean, {x.rows, 2}), view(dout), view(dx),
                               optional_view(dscale, x.columns), optional_view(dshift, x.columns));
  }
  void head_norm(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight, const RmsNorm& of,
                 Tensor out, float* inverse) const override {
    const HeadViews x = head_views(*this, qkv, heads);
    const HeadViews y = head_views(*this, out, heads);
    const HeadInverses r = head_inverses(*this, inverse, qkv.rows, heads);
    norm(x.query, view(query_weight, {heads.width}), of, y.query, r.query);
    norm(x.key, view(key_weight, {heads.width}), of, y.key, r.key);
    y.value.copy_(x.value);
  }
  void head_norm_backward(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                          const RmsNorm& of, const float* inverse, Tensor dout, Tensor dqkv, float* dquery_weight,
                          float* dkey_weight) const override {
    const HeadViews x = head_views(*this, qkv, heads);
    const HeadViews dy = head_views(*this, dout, heads);
    HeadViews dx = head_views(*this, dqkv, heads);
    const HeadInverses r = head_inverses(*this, inverse, qkv.rows, heads);
    norm_backward(x.query, view(query_weight, {heads.width}), of, r.query, dy.query, dx.query,
                  optional_view(dquery_weight, heads.width));
    norm_backward(x.key, view(key_weight, {heads.width}), of, r.key, dy.key, dx.key,
                  optional_view(dkey_weight, heads.width));
    dx.value.add_(dy.value);
  }

  void rotate(Tensor qkv, const Heads& heads, const RotaryTable& table, const Layout& layout,
              bool back) const override {
    const std::vector<int32_t> positions = layout.positions();
    const auto angles = [&](const std::vector<float>& of) {
      return host(of)
          .view({-1, table.half})
          .index_select(0, at::tensor(positions, at::kInt))
          .unsqueeze(1)  // [T][1][half]
          .to(device());
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
    torch::attention(*this, qkv, heads, layer, layout, out, stats);
  }
  void attention_backward(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                          const SoftmaxStats* stats, Tensor dout, Tensor dqkv, Arena&) const override {
    torch::attention_backward(*this, qkv, heads, layer, layout, out, stats, dout, dqkv);
  }

  void silu_gate(Tensor gate_up, Tensor out) const override {
    const Gate of = gate_of(*this, gate_up);
    view(out).copy_(at::silu(of.gate) * of.up);
  }
  void silu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    const Gate of = gate_of(*this, gate_up);
    const Gate slope = gate_of(*this, dgate_up);
    const at::Tensor d = view(dout);
    slope.gate.copy_(at::silu_backward(d * of.up, of.gate));
    slope.up.copy_(d * at::silu(of.gate));
  }

  void gelu_gate(Tensor gate_up, Tensor out) const override {
    const Gate of = gate_of(*this, gate_up);
    view(out).copy_(at::gelu(of.gate, "tanh") * of.up);
  }
  void gelu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const override {
    const Gate of = gate_of(*this, gate_up);
    const Gate slope = gate_of(*this, dgate_up);
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
    at::index_select_out(taken, view(x), 0, here(rows));
  }
  void take_columns(Tensor x, int64_t first, Tensor out) const override {
    view(out).copy_(view(x).narrow(1, first, out.columns));
  }
  void put_rows(Tensor dout, std::span<const int32_t> rows, Tensor dx) const override {
    view(dx).index_add_(0, here(rows), view(dout));
  }

  void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                 std::span<LogSum> sums, std::span<float> logp) const override {
    const at::Tensor z = view(logits) / here(temperature).unsqueeze(1);
    const at::Tensor max = std::get<0>(z.max(1, true));
    const at::Tensor log = (z - max).exp_().sum(1, true).log_();
    host_sums(sums).copy_(at::cat({max, log}, 1));
    host(logp).unsqueeze(1).copy_(z.gather(1, here(ids).to(at::kLong).unsqueeze(1)) - max - log);
  }
  void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                          std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits) const override {
    const at::Tensor t = here(temperature).unsqueeze(1);
    const at::Tensor total = host_sums(sums).to(device()).sum(1, true);
    const at::Tensor p = at::exp(view(logits) / t - total);
    const at::Tensor weight = here(dlogp).unsqueeze(1) / t;
    const at::Tensor out = view(dlogits);
    out.sub_(weight * p);
    out.scatter_add_(1, here(ids).to(at::kLong).unsqueeze(1), weight);
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
    const at::Tensor values = view(logits.row(row), {logits.columns}).to(at::kCPU);
    return core_.draw(sampler, {values.const_data_ptr<float>(), static_cast<size_t>(logits.columns)}, address);
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
  at::Tensor optional_view(float* data, int64_t length) const {
    return data == nullptr ? at::Tensor() : view(data, {length});
  }

  TorchCore core_;
  bool bf16_;
};

}  // namespace
}  // namespace sil::nn::torch

sil::nn::Kernels* sil_torch_kernels(const sil::nn::TorchCore& core, const sil::nn::TorchOptions& options) {
  at::set_num_threads(1);  // ours do the work; OpenMP's would spin
  return new sil::nn::torch::TorchKernels(core, options);
}

const char* sil_torch_version() {
  return TORCH_VERSION;
}
