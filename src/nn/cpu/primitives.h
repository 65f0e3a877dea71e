// The arithmetic of the CPU back end, one function a primitive, one table of functions an instruction set. Every table
// gives the same bits (tests/nn/cpu compares them with `twins()`, plain loops over std::fma):
//   - an element of a product is a chain of fused multiply-adds over ascending depth, cut every 4,096 terms; the chains
//     are joined by a fixed tree. So blocking, batch and threads cannot matter.
//   - a sum over a row runs in 16 lanes (element i in lane i mod 16, ascending) that one fixed tree joins.
// Nothing here allocates, throws or starts a thread. Pointers need no alignment. "Reads 16 at a time" means that up to
// 15 floats behind the last one are read and not used: buffers have that slack (kSlack).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sil::nn::cpu {

inline constexpr int64_t kPanel = 16;  // columns that lie side by side
inline constexpr int64_t kSlack = 16;  // floats readable behind every buffer
inline constexpr int64_t kLongestChain = 4096;

// 1 + tanh(u) = 2 sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x^3): the coefficients of 2 u.
inline constexpr float kGeluLinear = 1.5957691216057308F;
inline constexpr float kGeluCubic = 0.07135481627260025F;

constexpr int64_t panels(int64_t columns) {
  return (columns + kPanel - 1) / kPanel;
}

// c = a b, [rows, columns] = [rows, depth] [depth, columns].
struct Product {
  enum class Into : uint8_t {
    set,    // c = chain
    add,    // c = c + chain
    chain,  // the chain goes on from c; depth <= kLongestChain
  };
  int64_t rows = 0, columns = 0, depth = 0;
  // Element (i, k) at a[i * a_row + k]; or, where a_row is 0, as `pack_left` put it.
  const float* a = nullptr;
  int64_t a_row = 0;
  // Columns in panels of 16: element (k, j) at b[(j / 16) * b_panel + k * b_depth + j % 16]. Read 16 at a time.
  const float* b = nullptr;
  int64_t b_panel = 0, b_depth = kPanel;
  // Element (i, j) at c[i * c_row + (j / 16) * c_panel + j % 16].
  float* c = nullptr;
  int64_t c_row = 0, c_panel = kPanel;
  Into into = Into::set;
};

// AdamW's constants of one step (trainer.h).
struct AdamwStep {
  float rate = 0, decay = 0;  // learning rate; learning rate times weight decay
  float beta1 = 0, beta2 = 0;
  float correction1 = 1, correction2 = 1;  // 1 / (1 - beta^t)
  float epsilon = 0;
  float scale = 1;  // of the gradient (clipping)
};

struct Primitives {
  std::string_view name;

  void (*product)(const Product&);
  // The left side of a product from its transpose: element (i, k) is in[k * stride + i]. `out` has rows * depth floats.
  void (*pack_left)(const float* in, int64_t stride, int64_t rows, int64_t depth, float* out);
  // out[j * 16 + i] = in[i * stride + j] for i < rows <= 16, j < columns; lanes i >= rows are 0.
  void (*transpose_panel)(const float* in, int64_t stride, int64_t rows, int64_t columns, float* out);

  // out = x / sqrt(mean(x^2) + epsilon) * (base + weight) over one row; returns 1 / sqrt(...).
  float (*rms_norm)(const float* x, const float* weight, float base, int64_t width, float epsilon, float* out);
  // Adds to dx the gradient through `rms_norm` and to dweight (where not null) that of its weight.
  void (*rms_norm_backward)(const float* x, const float* weight, float base, int64_t width, float inverse,
                            const float* dout, float* dx, float* dweight);
  // out = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + shift over one row; returns 1 / sqrt(...).
  float (*layer_norm)(const float* x, const float* scale, const float* shift, int64_t width, float epsilon, float* out,
                      float* mean);
  // Adds to dx the gradient through `layer_norm` and to dscale and dshift (where not null) those of its weights.
  void (*layer_norm_backward)(const float* x, const float* scale, int64_t width, float mean, float inverse,
                              const float* dout, float* dx, float* dscale, float* dshift);
  // out = gate * sigmoid(gate) * up.
  void (*silu_gate)(const float* gate, const float* up, int64_t width, float* out);
  void (*silu_gate_backward)(const float* gate, const float* up, int64_t width, const float* dout, float* dgate,
                             float* dup);
  // out = gelu(gate) * up, with gelu(x) = x * sigmoid(x * (kGeluLinear + kGeluCubic * x^2)).
  void (*gelu_gate)(const float* gate, const float* up, int64_t width, float* out);
  void (*gelu_gate_backward)(const float* gate, const float* up, int64_t width, const float* dout, float* dgate,
                             float* dup);
  void (*gelu)(const float* x, int64_t width, float* out);
  void (*gelu_backward)(const float* x, int64_t width, const float* dout, float* dx);
  // Rotates pairs (x[i], x[i + half]) of one head by angles given as cosines and sines.
  void (*rotate)(float* x, int64_t half, const float* cosines, const float* sines);
  void (*rotate_back)(float* x, int64_t half, const float* cosines, const float* sines);

  // s[i] = exp((s[i] - max) * scale) for i < length, with max over them, and 0 up to `width`; returns the sum. scale >
  // 0.
  float (*softmax_row)(float* s, int64_t length, int64_t width, float scale, float* max);
  // The same for the backward pass, with max and sum known, divided by the sum.
  void (*softmax_again)(float* s, int64_t length, int64_t width, float scale, float max, float sum);
  // ds = p * (dp - d) * scale.
  void (*softmax_backward)(const float* p, const float* dp, int64_t length, float d, float scale, float* ds);
  float (*dot)(const float* a, const float* b, int64_t length);  // in 16 lanes

  void (*add)(const float* a, const float* b, int64_t length, float* out);
  void (*divide)(float* x, int64_t length, float by);
  // out = a * x + (1 - a) * y.
  void (*mix)(const float* x, const float* y, float a, int64_t length, float* out);

  // w, m and v in place (Loshchilov & Hutter 2017, in the form of PyTorch).
  void (*adamw)(const AdamwStep& step, const float* gradient, int64_t length, float* w, float* m, float* v);
  // w -= rate * (scale * gradient) + decay * w.
  void (*sgd)(const AdamwStep& step, const float* gradient, int64_t length, float* w);
};

// The table of the functions of these names in the enclosing namespace.
#define SIL_PRIMITIVES(NAME)                                                                                    \
  {                                                                                                             \
    NAME, product, pack_left, transpose_panel, rms_norm, rms_norm_backward, layer_norm, layer_norm_backward,    \
        silu_gate, silu_gate_backward, gelu_gate, gelu_gate_backward, gelu, gelu_backward, rotate, rotate_back, \
        softmax_row, softmax_again, softmax_backward, dot, add, divide, mix, adamw, sgd                         \
  }

const Primitives& twins();
// Those that this CPU can run, the quickest first; the twins are always the last.
std::span<const Primitives* const> runnable();
const Primitives& quickest();

}  // namespace sil::nn::cpu
