// The table of operations that a back end implements: each with its forward and its backward, on tensors in an arena.
// Models, losses, sampler and trainer know only this. A back end decides how a weight matrix lies in memory and in
// which order sums run; both are the same in every call, so an output row depends on nothing but its own inputs.
//
// T rows of activations are the tokens of one or more sequences, end to end. "Adds to": the result is added in place.
// "Goes on": the sum over rows continues from what the gradient holds, so that cutting the rows changes no bit.
// Pointers are into the back end's memory, spans and what is returned are the host's. Thread-safe; `scratch` is used
// inside a call only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engines/log_softmax.h"
#include "engines/sampling.h"
#include "nn/ops/tensor.h"
#include "sil/records.h"

namespace sil::nn {

// Weights of a linear map from `columns` inputs to `rows` outputs, packed by the back end.
struct Matrix {
  const float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  bool bf16 = false;  // they lie there as Rounding::narrow leaves them
};

// How a row [q of all heads | k of the key heads | v of the key heads] divides.
struct Heads {
  int64_t query = 0;  // heads
  int64_t key = 0;    // heads of keys and values; query % key == 0
  int64_t width = 0;  // of one head

  int64_t row() const { return (query + 2 * key) * width; }
  int64_t output() const { return query * width; }
  int64_t group() const { return query / key; }  // query heads that read one key head
};

// Keys and values that outlive a call, of all layers: a region a sequence or shared prefix. Positions of a region are
// counted from its beginning; its capacity is a multiple of 16.
class Cache {
 public:
  Cache(const Heads& heads, int64_t layers, int64_t positions, const Memory& memory = host_memory());

  struct Region {
    int64_t offset = 0;    // positions before it
    int64_t capacity = 0;  // positions
  };
  // The keys of a region, capacity * key heads * width floats, then as many of its values, in the back end's own
  // layout.
  float* keys(int64_t layer, const Region& region) const {
    return const_cast<float*>(data_.data()) + (layer * positions_ + region.offset) * position_floats(heads_);
  }
  float* values(int64_t layer, const Region& region) const {
    return keys(layer, region) + region.capacity * heads_.key * heads_.width;
  }

  static int64_t position_floats(const Heads& heads) { return 2 * heads.key * heads.width; }  // of one layer
  const Heads& heads() const { return heads_; }
  int64_t positions() const { return positions_; }
  static constexpr int64_t whole(int64_t positions) { return (positions + 15) / 16 * 16; }

 private:
  Heads heads_;
  int64_t positions_;
  Buffer data_;
};

// Query rows of one sequence at consecutive positions, and the keys and values that they see: all of the prefix, and of
// their own region what lies before and at each row.
struct Run {
  int64_t row = 0;  // the first one
  int64_t rows = 0;
  int64_t start = 0;  // positions of the own region before the first row
  Cache::Region own;  // without a cache: unused, and start is 0
  Cache::Region prefix;
  int64_t prefix_length = 0;  // positions; 0 = no prefix

  int64_t position() const { return prefix_length + start; }  // of the first row within the sequence
};

// What attention sees of T rows. Without a cache, keys and values are those of the rows themselves.
struct Layout {
  std::vector<Run> runs;  // rows ascending, without gaps
  Cache* cache = nullptr;

  int64_t rows() const { return runs.empty() ? 0 : runs.back().row + runs.back().rows; }
  std::vector<int32_t> positions() const {  // of every row within its sequence
    std::vector<int32_t> out;
    for (const Run& run : runs)
      for (int64_t i = 0; i < run.rows; ++i) out.push_back(static_cast<int32_t>(run.position() + i));
    return out;
  }
};

// What sets a layer's attention apart from the others'.
struct AttentionLayer {
  int64_t index = 0;   // of its keys and values in a cache
  float scale = 1;     // of scores
  int64_t window = 0;  // positions that a row sees, its own included; 0: all up to its own
  // The first position that a row sees which is the `length`-th of its sequence.
  int64_t first_seen(int64_t length) const { return window > 0 && window < length ? length - window : 0; }
};

// Root mean square norms (Zhang & Sennrich 2019): x / sqrt(mean(x^2) + epsilon) (base + weight).
struct RmsNorm {
  float epsilon = 1e-6F;
  float base = 0;  // 1 where weights are published as what differs from it
};

// Mean and 1 / sqrt(variance + epsilon) of a row of a layer norm.
struct LayerNormStats {
  float mean = 0;
  float inverse = 0;
};

// Largest score and sum of exponentials of a row of attention.
struct SoftmaxStats {
  float max = 0;
  float sum = 0;
};

// How rotary frequencies are stretched for contexts longer than a model was first trained on. Without an original
// context all are divided by `factor` (Chen et al. 2023); with one, as Llama 3.1 does it, those that turn less than
// `low` times in it are, those that turn more than `high` times are not, and between them the two are blended.
struct RotaryScaling {
  double factor = 1;  // 1: none
  int64_t original_context = 0;
  double low = 1, high = 4;
};

// Cosines and sines [positions][width / 2] of rotary position embeddings (Su et al. 2021), in halves as Llama pairs
// them: angle(position, i) = position * theta^(-2 i / width), where nothing is stretched.
struct RotaryTable {
  int64_t half = 0;
  std::vector<float> cosines;
  std::vector<float> sines;
};
RotaryTable rotary_table(int64_t positions, int64_t width, double theta, const RotaryScaling& scaling = {});

// One optimizer step over a flat buffer. Both kinds multiply the gradient with `scale` first.
//   AdamW (Loshchilov & Hutter 2017, in the form of PyTorch): w -= rate decay w; m, v by beta; bias corrected.
//   SGD: w -= rate (g + decay w).
struct OptimizerStep {
  bool adamw = true;
  double rate = 0, decay = 0, beta1 = 0, beta2 = 0, epsilon = 0, scale = 1;
  int64_t step = 1;  // counted from 1
};

// To bf16, the upper half of fp32, by round-to-nearest-even. Of a back end whose forward reads bf16 of the weights;
// what is trained and saved, gradients and moments stay fp32. A product with such a matrix rounds its other factor too,
// and adds up in fp32.
class Rounding {
 public:
  virtual ~Rounding() = default;
  virtual void round(const float* x, int64_t length, float* out) const = 0;   // kept as floats
  virtual void narrow(const float* x, int64_t length, float* out) const = 0;  // two bytes each, side by side
};

class Kernels {
 public:
  virtual ~Kernels() = default;

  virtual const Memory& memory() const = 0;
  // Null: forward reads the weights as they are trained.
  virtual const Rounding* rounding() const { return nullptr; }

  // --- weights -------------------------------------------------------------------------------------------------------
  virtual int64_t matrix_floats(int64_t rows, int64_t columns) const = 0;
  // Rows [first, first + count) of a matrix of `rows` rows, in fp32, from and to row-major floats of the host.
  virtual void pack(const float* plain, int64_t first, int64_t count, const Matrix& matrix, float* packed) const = 0;
  virtual void unpack(const Matrix& matrix, int64_t first, int64_t count, float* plain) const = 0;

  // --- operations ----------------------------------------------------------------------------------------------------
  virtual void embed(const Matrix& table, std::span<const TokenId> ids, Tensor out) const = 0;
  virtual void embed_backward(std::span<const TokenId> ids, Tensor dout, const Matrix& table,
                              float* dtable) const = 0;  // goes on

  // y = x W^T + bias, bias [rows of W] or null.
  virtual void linear(Tensor x, const Matrix& matrix, const float* bias, Tensor out) const = 0;
  virtual void linear_input(Tensor dout, const Matrix& matrix, Tensor dx, Arena& scratch) const = 0;  // adds to
  virtual void linear_matrix(Tensor x, Tensor dout, const Matrix& matrix, float* dmatrix,
                             Arena& scratch) const = 0;           // goes on
  virtual void linear_bias(Tensor dout, float* dbias) const = 0;  // goes on

  // Of each row; `inverse` [T] is what the backward pass needs.
  virtual void rms_norm(Tensor x, const float* weight, const RmsNorm& norm, Tensor out, float* inverse) const = 0;
  virtual void rms_norm_backward(Tensor x, const float* weight, const RmsNorm& norm, const float* inverse, Tensor dout,
                                 Tensor dx, float* dweight) const = 0;  // adds to dx; dweight (may be null) goes on
  // Layer norm (Ba et al. 2016, arXiv 1607.06450) of each row; `stats` [T] is what the backward pass needs.
  virtual void layer_norm(Tensor x, const float* scale, const float* shift, float epsilon, Tensor out,
                          LayerNormStats* stats) const = 0;
  virtual void layer_norm_backward(Tensor x, const float* scale, const LayerNormStats* stats, Tensor dout, Tensor dx,
                                   float* dscale, float* dshift) const = 0;  // as rms_norm_backward
  // The same for every query and key head of rows of `heads`; values pass. `inverse` [T][query + key].
  virtual void head_norm(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                         const RmsNorm& norm, Tensor out, float* inverse) const = 0;
  virtual void head_norm_backward(Tensor qkv, const Heads& heads, const float* query_weight, const float* key_weight,
                                  const RmsNorm& norm, const float* inverse, Tensor dout, Tensor dqkv,
                                  float* dquery_weight, float* dkey_weight) const = 0;

  // Turns query and key heads in place by their positions; `back` undoes it.
  virtual void rotate(Tensor qkv, const Heads& heads, const RotaryTable& table, const Layout& layout,
                      bool back) const = 0;

  // Causal attention of the layout's runs. `stats` [T][query heads] or null.
  virtual void attention(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout, Tensor out,
                         SoftmaxStats* stats, Arena& scratch) const = 0;
  // Without a cache. Sets dqkv.
  virtual void attention_backward(Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
                                  Tensor out, const SoftmaxStats* stats, Tensor dout, Tensor dqkv,
                                  Arena& scratch) const = 0;

  // gate_up [T, 2 F] -> silu(gate) * up [T, F] (Shazeer 2020).
  virtual void silu_gate(Tensor gate_up, Tensor out) const = 0;
  virtual void silu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const = 0;  // sets
  // gelu(x) is x Phi(x) in the tanh form, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016).
  virtual void gelu_gate(Tensor gate_up, Tensor out) const = 0;                             // as silu_gate
  virtual void gelu_gate_backward(Tensor gate_up, Tensor dout, Tensor dgate_up) const = 0;  // sets
  virtual void gelu(Tensor x, Tensor out) const = 0;
  virtual void gelu_backward(Tensor x, Tensor dout, Tensor dx) const = 0;  // sets

  virtual void add(Tensor a, Tensor b, Tensor out) const = 0;
  virtual void scale(Tensor x, float by) const = 0;  // in place
  virtual void take_rows(Tensor x, std::span<const int32_t> rows, Tensor out) const = 0;
  virtual void take_columns(Tensor x, int64_t first, Tensor out) const = 0;
  virtual void put_rows(Tensor dout, std::span<const int32_t> rows, Tensor dx) const = 0;  // adds to

  // --- the head ------------------------------------------------------------------------------------------------------
  // Log-probability of one id a row, at a temperature a row, with the row's log-sum for the backward pass.
  virtual void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                         std::span<LogSum> sums, std::span<float> logp) const = 0;
  // dlogits += dlogp (onehot - p) / T.
  virtual void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                                  std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits) const = 0;
  // KL over the vocabulary, row by row, `forward`: of the reference to the logits, else the other way; returns its sum
  // and adds weight * gradient to dlogits.
  virtual double divergence(Tensor logits, Tensor reference, bool forward, double weight, Tensor dlogits) const = 0;
  virtual Sampled sample(TokenSampler& sampler, Tensor logits, int64_t row, const DrawAddress& address) const = 0;

  // --- flat buffers --------------------------------------------------------------------------------------------------
  virtual void add_into(const float* x, int64_t length, float* sum) const = 0;
  virtual double sum_of_squares(const float* x, int64_t length) const = 0;  // in a fixed order
  virtual void mix(const float* x, const float* y, float share, int64_t length, float* out) const = 0;
  // m and v are null for SGD.
  virtual void optimize(const OptimizerStep& step, const float* gradient, int64_t length, float* w, float* m,
                        float* v) const = 0;
};

}  // namespace sil::nn
