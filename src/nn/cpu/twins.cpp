// The primitives as plain loops: what the vectors must equal, and what serves a CPU without AVX2 and FMA. std::fma is
// rounded once on every machine.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "nn/cpu/primitives.h"

namespace sil::nn::cpu {
namespace {

constexpr int64_t kTileRows = 1;  // of a packed left side

float chain(const Product& p, int64_t i, int64_t j, int64_t first, int64_t last, float sum) {
  const float* b = p.b + j / kPanel * p.b_panel + j % kPanel;
  for (int64_t k = first; k < last; ++k) {
    const float a = p.a_row == 0 ? p.a[i * p.depth + k] : p.a[i * p.a_row + k];
    sum = std::fma(a, b[k * p.b_depth], sum);
  }
  return sum;
}

float element(const Product& p, int64_t i, int64_t j) {
  std::vector<float> chains;
  for (int64_t k = 0; k < p.depth; k += kLongestChain)
    chains.push_back(chain(p, i, j, k, std::min(p.depth, k + kLongestChain), 0));
  for (size_t stride = 1; stride < chains.size(); stride *= 2)
    for (size_t c = 0; c + stride < chains.size(); c += 2 * stride) chains[c] += chains[c + stride];
  return chains.empty() ? 0 : chains[0];
}

void product(const Product& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.columns; ++j) {
      float& c = p.c[i * p.c_row + j / kPanel * p.c_panel + j % kPanel];
      if (p.into == Product::Into::chain && p.depth <= kLongestChain)
        c = chain(p, i, j, 0, p.depth, c);
      else
        c = p.into == Product::Into::add ? c + element(p, i, j) : element(p, i, j);
    }
  }
}

void pack_left(const float* in, int64_t stride, int64_t rows, int64_t depth, float* out) {
  static_assert(kTileRows == 1);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < depth; ++k) *out++ = in[k * stride + i];
}

void transpose_panel(const float* in, int64_t stride, int64_t rows, int64_t columns, float* out) {
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < kPanel; ++i) out[j * kPanel + i] = i < rows ? in[i * stride + j] : 0;
}

using Sixteen = std::array<float, 16>;

size_t lane_of(int64_t i) {
  return static_cast<size_t>(i % 16);
}

float joined(Sixteen lanes) {
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

float dot(const float* a, const float* b, int64_t length) {
  Sixteen lanes{};
  for (int64_t i = 0; i < length; ++i) lanes[lane_of(i)] = std::fma(a[i], b[i], lanes[lane_of(i)]);
  return joined(lanes);
}

float rms_norm(const float* x, const float* weight, float base, int64_t width, float epsilon, float* out) {
  const float inverse = 1 / std::sqrt(dot(x, x, width) / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; ++i) out[i] = x[i] * inverse * (base + weight[i]);
  return inverse;
}

void rms_norm_backward(const float* x, const float* weight, float base, int64_t width, float inverse, const float* dout,
                       float* dx, float* dweight) {
  const auto through = [&](int64_t i) { return dout[i] * (base + weight[i]); };
  Sixteen lanes{};
  for (int64_t i = 0; i < width; ++i) lanes[lane_of(i)] = std::fma(through(i), x[i], lanes[lane_of(i)]);
  const float pull = joined(lanes) * (inverse * inverse * inverse) / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) dx[i] += std::fma(-x[i], pull, through(i) * inverse);
  if (dweight == nullptr) return;
  for (int64_t i = 0; i < width; ++i) dweight[i] = std::fma(dout[i], x[i] * inverse, dweight[i]);
}

float layer_norm(const float* x, const float* scale, const float* shift, int64_t width, float epsilon, float* out,
                 float* mean) {
  Sixteen sum{}, squares{};
  for (int64_t i = 0; i < width; ++i) sum[lane_of(i)] += x[i];
  *mean = joined(sum) / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) squares[lane_of(i)] = std::fma(x[i] - *mean, x[i] - *mean, squares[lane_of(i)]);
  const float inverse = 1 / std::sqrt(joined(squares) / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; ++i) out[i] = std::fma((x[i] - *mean) * inverse, scale[i], shift[i]);
  return inverse;
}

void layer_norm_backward(const float* x, const float* scale, int64_t width, float mean, float inverse,
                         const float* dout, float* dx, float* dscale, float* dshift) {
  const auto normed = [&](int64_t i) { return (x[i] - mean) * inverse; };
  Sixteen sum{}, along{};
  for (int64_t i = 0; i < width; ++i) {
    sum[lane_of(i)] += dout[i] * scale[i];
    along[lane_of(i)] = std::fma(dout[i] * scale[i], normed(i), along[lane_of(i)]);
  }
  const float shared = joined(sum) / static_cast<float>(width);
  const float pull = joined(along) / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i)
    dx[i] = std::fma(std::fma(-normed(i), pull, dout[i] * scale[i] - shared), inverse, dx[i]);
  if (dscale == nullptr) return;
  for (int64_t i = 0; i < width; ++i) {
    dscale[i] = std::fma(dout[i], normed(i), dscale[i]);
    dshift[i] += dout[i];
  }
}

float sigmoid(float x) {
  return 1 / (1 + exact_exp(-x));
}

void silu_gate(const float* gate, const float* up, int64_t width, float* out) {
  for (int64_t i = 0; i < width; ++i) out[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

void silu_gate_backward(const float* gate, const float* up, int64_t width, const float* dout, float* dgate,
                        float* dup) {
  for (int64_t i = 0; i < width; ++i) {
    const float s = sigmoid(gate[i]);
    dup[i] = dout[i] * (gate[i] * s);
    dgate[i] = dout[i] * up[i] * (s * std::fma(gate[i], 1 - s, 1.0F));
  }
}

float gelu_argument(float x) {
  return x * std::fma(kGeluCubic, x * x, kGeluLinear);
}

float gelu_slope(float x) {
  const float s = sigmoid(gelu_argument(x));
  return s * std::fma(x * (1 - s), std::fma(3 * kGeluCubic, x * x, kGeluLinear), 1.0F);
}

void gelu(const float* x, int64_t width, float* out) {
  for (int64_t i = 0; i < width; ++i) out[i] = x[i] * sigmoid(gelu_argument(x[i]));
}

void gelu_gate(const float* gate, const float* up, int64_t width, float* out) {
  for (int64_t i = 0; i < width; ++i) out[i] = gate[i] * sigmoid(gelu_argument(gate[i])) * up[i];
}

void gelu_gate_backward(const float* gate, const float* up, int64_t width, const float* dout, float* dgate,
                        float* dup) {
  for (int64_t i = 0; i < width; ++i) {
    dup[i] = dout[i] * (gate[i] * sigmoid(gelu_argument(gate[i])));
    dgate[i] = dout[i] * up[i] * gelu_slope(gate[i]);
  }
}

void gelu_backward(const float* x, int64_t width, const float* dout, float* dx) {
  for (int64_t i = 0; i < width; ++i) dx[i] = dout[i] * gelu_slope(x[i]);
}

void turn(float* x, int64_t half, const float* cosines, const float* sines, float sign) {
  for (int64_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    const float s = sign * sines[i];
    x[i] = std::fma(-b, s, a * cosines[i]);
    x[half + i] = std::fma(a, s, b * cosines[i]);
  }
}

void rotate(float* x, int64_t half, const float* cosines, const float* sines) {
  turn(x, half, cosines, sines, 1);
}

void rotate_back(float* x, int64_t half, const float* cosines, const float* sines) {
  turn(x, half, cosines, sines, -1);
}

float softmax_row(float* s, int64_t length, int64_t width, float scale, float* max) {
  *max = *std::max_element(s, s + length);
  for (int64_t i = 0; i < length; ++i) s[i] = exact_exp((s[i] - *max) * scale);
  std::fill(s + length, s + std::max(length, width), 0.0F);
  Sixteen lanes{};
  for (int64_t i = 0; i < length; ++i) lanes[lane_of(i)] += s[i];
  return joined(lanes);
}

void softmax_again(float* s, int64_t length, int64_t width, float scale, float max, float sum) {
  for (int64_t i = 0; i < length; ++i) s[i] = exact_exp((s[i] - max) * scale) / sum;
  std::fill(s + length, s + std::max(length, width), 0.0F);
}

void softmax_backward(const float* p, const float* dp, int64_t length, float d, float scale, float* ds) {
  for (int64_t i = 0; i < length; ++i) ds[i] = p[i] * (dp[i] - d) * scale;
}

void add(const float* a, const float* b, int64_t length, float* out) {
  for (int64_t i = 0; i < length; ++i) out[i] = a[i] + b[i];
}

void divide(float* x, int64_t length, float by) {
  for (int64_t i = 0; i < length; ++i) x[i] /= by;
}

void mix(const float* x, const float* y, float a, int64_t length, float* out) {
  for (int64_t i = 0; i < length; ++i) out[i] = std::fma(a, x[i], (1 - a) * y[i]);
}

void adamw(const AdamwStep& step, const float* gradient, int64_t length, float* w, float* m, float* v) {
  for (int64_t i = 0; i < length; ++i) {
    const float g = gradient[i] * step.scale;
    m[i] = std::fma(step.beta1, m[i], (1 - step.beta1) * g);
    v[i] = std::fma(step.beta2, v[i], (1 - step.beta2) * (g * g));
    const float root = std::sqrt(v[i] * step.correction2) + step.epsilon;
    w[i] = std::fma(-step.rate, m[i] * step.correction1 / root, std::fma(-step.decay, w[i], w[i]));
  }
}

void sgd(const AdamwStep& step, const float* gradient, int64_t length, float* w) {
  for (int64_t i = 0; i < length; ++i)
    w[i] = std::fma(-step.rate, gradient[i] * step.scale, std::fma(-step.decay, w[i], w[i]));
}

constexpr Primitives kTwins = SIL_PRIMITIVES("scalar");

}  // namespace

const Primitives& twins() {
  return kTwins;
}

}  // namespace sil::nn::cpu
