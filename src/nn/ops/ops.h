// What a model is written in: functions over `Ops` and opaque values. The tape runs them on a back end's kernels; tests
// run the same model over other implementations.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "nn/ops/kernels.h"

namespace sil::nn {

// A matrix of activations that an Ops made. Of no meaning to another Ops.
struct Var {
  int32_t index = -1;
};

// Low-rank factors of a frozen matrix W (Hu et al. 2021, arXiv 2106.09685): what is read is W + scale B A, with A [r,
// columns of W] and B [rows of W, r]; of rows [first, first + rows of B) of W alone, where several maps are stacked in
// it. Their gradients have the factors' own layout and go on.
struct LowRank {
  Matrix a;
  Matrix b;
  int64_t first = 0;
  float scale = 1;
  float* da = nullptr;
  float* db = nullptr;
};

// Where the gradient of a weight goes: nowhere, to a buffer in the layout of the weight, or, of a linear map's matrix,
// to the factors that its value was made with. Owns nothing.
struct GradientSink {
  float* full = nullptr;
  std::span<const LowRank> factors = {};
};

// What every forward of both phases reads, and where the backward pass leaves its gradient.
struct MatrixWeight {
  Matrix value;
  GradientSink sink;
};
struct VectorWeight {
  const float* value = nullptr;  // null: the model has none
  GradientSink sink;
};

class Ops {
 public:
  virtual ~Ops() = default;

  virtual Var embed(const MatrixWeight& table, std::span<const TokenId> ids) = 0;
  // Rows of `table` by the position of each row within its sequence.
  virtual Var embed_positions(const MatrixWeight& table, const Layout& layout) = 0;
  virtual Var linear(Var x, const MatrixWeight& matrix, const VectorWeight& bias) = 0;
  virtual Var rms_norm(Var x, const VectorWeight& weight, const RmsNorm& norm) = 0;
  virtual Var layer_norm(Var x, const VectorWeight& scale, const VectorWeight& shift, float epsilon) = 0;
  virtual Var head_norm(Var qkv, const Heads& heads, const VectorWeight& query, const VectorWeight& key,
                        const RmsNorm& norm) = 0;
  virtual Var rotate(Var qkv, const Heads& heads, const RotaryTable& table, const Layout& layout) = 0;
  virtual Var attention(Var qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout) = 0;
  virtual Var silu_gate(Var gate_up) = 0;
  virtual Var gelu_gate(Var gate_up) = 0;
  virtual Var gelu(Var x) = 0;
  virtual Var scale(Var x, float by) = 0;
  virtual Var add(Var a, Var b) = 0;
  virtual Var take_rows(Var x, std::span<const int32_t> rows) = 0;

  // A part of the model whose result has the shape of `like` and of which only the result is read afterwards: what it
  // needed in between may be forgotten.
  virtual Var block(Var like, const std::function<Var()>& body) = 0;
};

}  // namespace sil::nn
