// Runs a model on kernels and, when asked to, remembers how to go back (reverse-mode differentiation). What a call was
// given must outlive the tape's use of it: weights, layouts, ids, rows.
#pragma once

#include <functional>
#include <vector>

#include "nn/ops/ops.h"

namespace sil::nn {

class Tape final : public Ops {
 public:
  // Everything it makes lies in `arena` until clear().
  Tape(const Kernels& kernels, Arena& arena, bool records) : kernels_(kernels), arena_(arena), records_(records) {}

  Var embed(const MatrixWeight& table, std::span<const TokenId> ids) override;
  Var embed_positions(const MatrixWeight& table, const Layout& layout) override;
  Var linear(Var x, const MatrixWeight& matrix, const VectorWeight& bias) override;
  Var rms_norm(Var x, const VectorWeight& weight, const RmsNorm& norm) override;
  Var layer_norm(Var x, const VectorWeight& scale, const VectorWeight& shift, float epsilon) override;
  Var head_norm(Var qkv, const Heads& heads, const VectorWeight& query, const VectorWeight& key,
                const RmsNorm& norm) override;
  Var rotate(Var qkv, const Heads& heads, const RotaryTable& table, const Layout& layout) override;
  Var attention(Var qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout) override;
  Var silu_gate(Var gate_up) override;
  Var gelu_gate(Var gate_up) override;
  Var gelu(Var x) override;
  Var scale(Var x, float by) override;
  Var add(Var a, Var b) override;
  Var take_rows(Var x, std::span<const int32_t> rows) override;
  Var block(Var like, const std::function<Var()>& body) override;

  Tensor value(Var var) const { return nodes_[static_cast<size_t>(var.index)].value; }
  // Where dL/dvalue is to be put before backward(): zeros.
  Tensor gradient(Var var);
  // From all gradients that were put, to the sinks of the weights.
  void backward();
  void clear();

 private:
  struct Node {
    Tensor value;
    Tensor gradient;                 // data is null until something arrives
    std::function<void()> backward;  // empty where nothing is recorded
  };

  Var push(Tensor value);
  Tensor borrow(int64_t rows, int64_t columns);
  // An elementwise operation of the table with `columns` results a row, and its backward, which sets.
  Var activation(Var x, int64_t columns, void (Kernels::*there)(Tensor, Tensor) const,
                 void (Kernels::*back)(Tensor, Tensor, Tensor) const);
  void factors_backward(Tensor x, Tensor dout, const LowRank& factors);
  // Adds the gradient of `from`, which is not needed any more, to that of `to`.
  void hand_over(Var from, Var to);
  template <class Backward>
  void record(Var var, Backward backward) {
    if (records_) nodes_[static_cast<size_t>(var.index)].backward = std::move(backward);
  }

  const Kernels& kernels_;
  Arena& arena_;
  bool records_;
  std::vector<Node> nodes_;
  std::vector<Tensor> spare_;  // gradients that are done with
};

}  // namespace sil::nn
