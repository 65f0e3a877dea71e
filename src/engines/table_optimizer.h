// One optimizer step over a table.
//
// Semantics are those of a dense table of every possible context. A context without a row has zero logits, moments and
// gradient there, so leaving it out changes nothing; every row that exists is updated in every step, with a zero
// gradient where the step did not touch it (its moments still decay and move it, as in a dense AdamW).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "engines/table_state.h"
#include "sil/engine.h"

namespace sil {

// Gradient of a step: rows in the order they were first touched.
struct TableGradient {
  std::span<const int32_t> rows;
  std::span<const float> values;  // [rows][vocabulary]
};

// l2 over all values, in double, in order.
double gradient_norm(const TableGradient& gradient);

// AdamW (Loshchilov & Hutter 2017, "Decoupled Weight Decay Regularization", in the form of PyTorch), t = steps so far +
// 1:
//   w -= lr wd w,  m = b1 m + (1-b1) g,  v = b2 v + (1-b2) g^2,  w -= lr/(1-b1^t) m / (sqrt(v/(1-b2^t)) + eps)
// SGD: w -= lr (g + wd w), and no moments. The gradient is multiplied with `scale` (clipping) first.
class TableOptimizer {
 public:
  TableOptimizer(const OptimizerOptions& options, ThreadPool& pool) : options_(options), pool_(pool) {}

  // `state` has moments for all its rows where options say adamw.
  void step(TableState& state, const TableGradient& gradient, double learning_rate, double scale);

 private:
  void adamw_rows(TableState& state, const TableGradient& gradient, double learning_rate, float scale);
  void sgd_rows(TableState& state, const TableGradient& gradient, double learning_rate, float scale);

  const OptimizerOptions& options_;
  ThreadPool& pool_;
  std::vector<int32_t> place_;  // [rows] of the row within the gradient, or -1
};

}  // namespace sil
