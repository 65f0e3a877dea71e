#include "nn/tape.h"

#include <algorithm>

namespace sil::nn {

Var Tape::push(Tensor value) {
  nodes_.push_back({.value = value, .gradient = {}, .backward = {}});
  return {static_cast<int32_t>(nodes_.size() - 1)};
}

// The last one given back first: it may still be in the cache.
Tensor Tape::borrow(int64_t rows, int64_t columns) {
  const auto fits = [&](const Tensor& t) { return t.size() == rows * columns; };
  const auto found = std::find_if(spare_.rbegin(), spare_.rend(), fits);
  if (found == spare_.rend()) return arena_.tensor(rows, columns);
  const Tensor out{found->data, rows, columns};
  spare_.erase(std::next(found).base());
  return out;
}

void Tape::hand_over(Var from, Var to) {
  Tensor& given = nodes_[static_cast<size_t>(from.index)].gradient;
  Tensor& held = nodes_[static_cast<size_t>(to.index)].gradient;
  if (held.data == nullptr)
    std::swap(given, held);
  else
    kernels_.add(held, given, held);
}

Tensor Tape::gradient(Var var) {
  Node& node = nodes_[static_cast<size_t>(var.index)];
  if (node.gradient.data == nullptr) {
    node.gradient = borrow(node.value.rows, node.value.columns);
    kernels_.memory().zero(node.gradient.data, node.gradient.size());
  }
  return node.gradient;
}

void Tape::backward() {
  for (size_t i = nodes_.size(); i-- > 0;) {
    if (nodes_[i].gradient.data == nullptr) continue;
    if (nodes_[i].backward) nodes_[i].backward();
    if (nodes_[i].gradient.data != nullptr) spare_.push_back(nodes_[i].gradient);
    nodes_[i].gradient = {};
  }
}

void Tape::clear() {
  nodes_.clear();
  spare_.clear();
}

Var Tape::embed(const MatrixWeight& table, std::span<const TokenId> ids) {
  const Var out = push(arena_.tensor(static_cast<int64_t>(ids.size()), table.value.columns));
  kernels_.embed(table.value, ids, value(out));
  record(out, [this, out, &table, ids] {
    if (table.sink.full != nullptr) kernels_.embed_backward(ids, gradient(out), table.value, table.sink.full);
  });
  return out;
}

Var Tape::embed_positions(const MatrixWeight& table, const Layout& layout) {
  const Var out = push(arena_.tensor(layout.rows(), table.value.columns));
  const std::vector<TokenId> positions = layout.positions();
  kernels_.embed(table.value, positions, value(out));
  record(out, [this, out, &table, &layout] {
    if (table.sink.full == nullptr) return;
    kernels_.embed_backward(layout.positions(), gradient(out), table.value, table.sink.full);
  });
  return out;
}

Var Tape::linear(Var x, const MatrixWeight& matrix, const VectorWeight& bias) {
  const Var out = push(arena_.tensor(value(x).rows, matrix.value.rows));
  kernels_.linear(value(x), matrix.value, bias.value, value(out));
  record(out, [this, out, x, &matrix, &bias] {
    const Tensor dout = gradient(out);
    if (matrix.sink.full != nullptr) kernels_.linear_matrix(value(x), dout, matrix.value, matrix.sink.full, arena_);
    for (const LowRank& factors : matrix.sink.factors) factors_backward(value(x), dout, factors);
    if (bias.sink.full != nullptr) kernels_.linear_bias(dout, bias.sink.full);
    kernels_.linear_input(dout, matrix.value, gradient(x), arena_);
  });
  return out;
}

// With y = x (W + s B A)^T: dB = s dy^T (x A^T) and dA = s (dy B)^T x. The gradient of W itself is never formed.
void Tape::factors_backward(Tensor x, Tensor dout, const LowRank& factors) {
  const ArenaScope scope(arena_);
  if (factors.b.rows != dout.columns) {
    const Tensor own = arena_.tensor(dout.rows, factors.b.rows);
    kernels_.take_columns(dout, factors.first, own);
    dout = own;
  }
  const Tensor inner = arena_.tensor(x.rows, factors.a.rows);
  kernels_.linear(x, factors.a, nullptr, inner);
  kernels_.scale(inner, factors.scale);
  kernels_.linear_matrix(inner, dout, factors.b, factors.db, arena_);
  kernels_.memory().zero(inner.data, inner.size());
  kernels_.linear_input(dout, factors.b, inner, arena_);
  kernels_.scale(inner, factors.scale);
  kernels_.linear_matrix(x, inner, factors.a, factors.da, arena_);
}

Var Tape::rms_norm(Var x, const VectorWeight& weight, const RmsNorm& norm) {
  const Tensor in = value(x);
  float* const inverse = arena_.floats(in.rows);
  const Var out = push(arena_.tensor(in.rows, in.columns));
  kernels_.rms_norm(in, weight.value, norm, value(out), inverse);
  record(out, [this, out, x, &weight, norm, inverse] {
    kernels_.rms_norm_backward(value(x), weight.value, norm, inverse, gradient(out), gradient(x), weight.sink.full);
  });
  return out;
}

Var Tape::layer_norm(Var x, const VectorWeight& scale, const VectorWeight& shift, float epsilon) {
  const Tensor in = value(x);
  auto* const stats = reinterpret_cast<LayerNormStats*>(arena_.floats(in.rows * 2));
  const Var out = push(arena_.tensor(in.rows, in.columns));
  kernels_.layer_norm(in, scale.value, shift.value, epsilon, value(out), stats);
  record(out, [this, out, x, &scale, &shift, stats] {
    kernels_.layer_norm_backward(value(x), scale.value, stats, gradient(out), gradient(x), scale.sink.full,
                                 shift.sink.full);
  });
  return out;
}

Var Tape::head_norm(Var qkv, const Heads& heads, const VectorWeight& query, const VectorWeight& key,
                    const RmsNorm& norm) {
  const Tensor in = value(qkv);
  float* const inverse = arena_.floats(in.rows * (heads.query + heads.key));
  const Var out = push(arena_.tensor(in.rows, in.columns));
  kernels_.head_norm(in, heads, query.value, key.value, norm, value(out), inverse);
  record(out, [this, out, qkv, &heads, &query, &key, norm, inverse] {
    kernels_.head_norm_backward(value(qkv), heads, query.value, key.value, norm, inverse, gradient(out), gradient(qkv),
                                query.sink.full, key.sink.full);
  });
  return out;
}

// In place: nobody else reads what is turned, and turning back needs only the angles.
Var Tape::rotate(Var qkv, const Heads& heads, const RotaryTable& table, const Layout& layout) {
  kernels_.rotate(value(qkv), heads, table, layout, false);
  const Var out = push(value(qkv));
  record(out, [this, out, qkv, &heads, &table, &layout] {
    kernels_.rotate(gradient(out), heads, table, layout, true);
    hand_over(out, qkv);
  });
  return out;
}

Var Tape::attention(Var qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout) {
  const Tensor in = value(qkv);
  SoftmaxStats* stats = nullptr;
  if (records_) stats = reinterpret_cast<SoftmaxStats*>(arena_.floats(in.rows * heads.query * 2));
  const Var out = push(arena_.tensor(in.rows, heads.output()));
  kernels_.attention(in, heads, layer, layout, value(out), stats, arena_);
  record(out, [this, out, qkv, &heads, layer, &layout, stats] {
    const Tensor in_again = value(qkv);
    Node& node = nodes_[static_cast<size_t>(qkv.index)];
    node.gradient = borrow(in_again.rows, in_again.columns);
    kernels_.attention_backward(in_again, heads, layer, layout, value(out), stats, gradient(out), node.gradient,
                                arena_);
  });
  return out;
}

Var Tape::activation(Var x, int64_t columns, void (Kernels::*there)(Tensor, Tensor) const,
                     void (Kernels::*back)(Tensor, Tensor, Tensor) const) {
  const Var out = push(arena_.tensor(value(x).rows, columns));
  (kernels_.*there)(value(x), value(out));
  record(out, [this, out, x, back] {
    const Tensor in = value(x);
    Node& node = nodes_[static_cast<size_t>(x.index)];
    node.gradient = borrow(in.rows, in.columns);
    (kernels_.*back)(in, gradient(out), node.gradient);
  });
  return out;
}

Var Tape::silu_gate(Var gate_up) {
  return activation(gate_up, value(gate_up).columns / 2, &Kernels::silu_gate, &Kernels::silu_gate_backward);
}

Var Tape::gelu_gate(Var gate_up) {
  return activation(gate_up, value(gate_up).columns / 2, &Kernels::gelu_gate, &Kernels::gelu_gate_backward);
}

Var Tape::gelu(Var x) {
  return activation(x, value(x).columns, &Kernels::gelu, &Kernels::gelu_backward);
}

// In place, as rotate.
Var Tape::scale(Var x, float by) {
  kernels_.scale(value(x), by);
  const Var out = push(value(x));
  record(out, [this, out, x, by] {
    kernels_.scale(gradient(out), by);
    hand_over(out, x);
  });
  return out;
}

Var Tape::add(Var a, Var b) {
  const Var out = push(arena_.tensor(value(a).rows, value(a).columns));
  kernels_.add(value(a), value(b), value(out));
  record(out, [this, out, a, b] {
    const Tensor dout = gradient(out);
    kernels_.add(gradient(b), dout, gradient(b));
    hand_over(out, a);
  });
  return out;
}

Var Tape::take_rows(Var x, std::span<const int32_t> rows) {
  const Var out = push(arena_.tensor(static_cast<int64_t>(rows.size()), value(x).columns));
  kernels_.take_rows(value(x), rows, value(out));
  record(out, [this, out, x, rows] { kernels_.put_rows(gradient(out), rows, gradient(x)); });
  return out;
}

// Without a way back, every block uses the same memory, which stays in the cache.
Var Tape::block(Var like, const std::function<Var()>& body) {
  if (records_) return body();
  const Tensor out = arena_.tensor(value(like).rows, value(like).columns);
  const size_t nodes = nodes_.size();
  {
    const ArenaScope scope(arena_);
    const Tensor made = value(body());
    kernels_.memory().copy(made.data, made.size(), out.data);
  }
  nodes_.resize(nodes);
  return push(out);
}

}  // namespace sil::nn
