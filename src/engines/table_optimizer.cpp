#include "engines/table_optimizer.h"

#include <cmath>

#include "engines/pieces.h"
#include "engines/schedule.h"
#include "sil/error.h"

namespace sil {
namespace {

// Constants of one AdamW step.
struct AdamStep {
  float decay, beta1, rest1, beta2, rest2, rate, root_correction, epsilon, scale;
};

void adamw_row(const AdamStep& a, std::span<float> w, std::span<float> m, std::span<float> v) {
  for (size_t i = 0; i < w.size(); ++i) {
    m[i] = a.beta1 * m[i];
    v[i] = a.beta2 * v[i];
    w[i] = w[i] * a.decay - a.rate * (m[i] / (std::sqrt(v[i]) / a.root_correction + a.epsilon));
  }
}

void adamw_row(const AdamStep& a, std::span<float> w, std::span<float> m, std::span<float> v, const float* gradient) {
  for (size_t i = 0; i < w.size(); ++i) {
    const float g = gradient[i] * a.scale;
    m[i] = a.beta1 * m[i] + a.rest1 * g;
    v[i] = a.beta2 * v[i] + a.rest2 * g * g;
    w[i] = w[i] * a.decay - a.rate * (m[i] / (std::sqrt(v[i]) / a.root_correction + a.epsilon));
  }
}

}  // namespace

double gradient_norm(const TableGradient& gradient) {
  double squares = 0;
  for (float value : gradient.values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

void TableOptimizer::step(TableState& state, const TableGradient& gradient, double learning_rate, double scale) {
  place_.assign(state.table.rows(), -1);
  for (size_t i = 0; i < gradient.rows.size(); ++i)
    place_[static_cast<size_t>(gradient.rows[i])] = static_cast<int32_t>(i);
  if (options_.kind == "sgd")
    sgd_rows(state, gradient, learning_rate, static_cast<float>(scale));
  else
    adamw_rows(state, gradient, learning_rate, static_cast<float>(scale));
}

void TableOptimizer::adamw_rows(TableState& state, const TableGradient& gradient, double learning_rate, float scale) {
  TableMoments& moments = state.moments;
  SIL_CHECK(moments.first.size() == state.table.all_logits().size());
  const int64_t t = ++moments.steps;
  const AdamStep a{
      .decay = static_cast<float>(1 - learning_rate * options_.weight_decay),
      .beta1 = static_cast<float>(options_.beta1),
      .rest1 = static_cast<float>(1 - options_.beta1),
      .beta2 = static_cast<float>(options_.beta2),
      .rest2 = static_cast<float>(1 - options_.beta2),
      .rate = static_cast<float>(learning_rate / (1 - exact_power(options_.beta1, t))),
      .root_correction = static_cast<float>(std::sqrt(1 - exact_power(options_.beta2, t))),
      .epsilon = static_cast<float>(options_.epsilon),
      .scale = scale,
  };
  const size_t width = state.table.vocabulary();
  for_pieces(pool_, state.table.rows(), rows_a_piece(width), [&](size_t first, size_t last) {
    for (size_t row = first; row < last; ++row) {
      const std::span<float> m(moments.first.data() + row * width, width);
      const std::span<float> v(moments.second.data() + row * width, width);
      if (place_[row] < 0)
        adamw_row(a, state.table.row(row), m, v);
      else
        adamw_row(a, state.table.row(row), m, v, gradient.values.data() + static_cast<size_t>(place_[row]) * width);
    }
  });
}

void TableOptimizer::sgd_rows(TableState& state, const TableGradient& gradient, double learning_rate, float scale) {
  const size_t width = state.table.vocabulary();
  const auto rate = static_cast<float>(learning_rate);
  const auto decay = static_cast<float>(options_.weight_decay);
  for (size_t row = 0; row < state.table.rows(); ++row) {
    const std::span<float> w = state.table.row(row);
    const float* g = place_[row] < 0 ? nullptr : gradient.values.data() + static_cast<size_t>(place_[row]) * width;
    if (g == nullptr && decay == 0) continue;
    for (size_t i = 0; i < width; ++i) w[i] -= rate * ((g == nullptr ? 0 : g[i] * scale) + decay * w[i]);
  }
}

}  // namespace sil
