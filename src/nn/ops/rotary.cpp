#include <algorithm>
#include <numbers>

#include "base/math.h"
#include "nn/ops/kernels.h"

namespace sil::nn {
namespace {

double stretched(double frequency, const RotaryScaling& scaling) {
  if (scaling.factor == 1) return frequency;
  if (scaling.original_context == 0) return frequency / scaling.factor;
  const double turns = static_cast<double>(scaling.original_context) * frequency / (2 * std::numbers::pi);
  const double kept = std::clamp((turns - scaling.low) / (scaling.high - scaling.low), 0.0, 1.0);
  return (1 - kept) * frequency / scaling.factor + kept * frequency;
}

}  // namespace

RotaryTable rotary_table(int64_t positions, int64_t width, double theta, const RotaryScaling& scaling) {
  RotaryTable table;
  table.half = width / 2;
  const double log_theta = exact_log(theta);
  for (int64_t p = 0; p < positions; ++p) {
    for (int64_t i = 0; i < table.half; ++i) {
      const double frequency =
          stretched(exact_exp(-2 * static_cast<double>(i) / static_cast<double>(width) * log_theta), scaling);
      const CosSin turn = exact_cos_sin(static_cast<double>(p) * frequency);
      table.cosines.push_back(static_cast<float>(turn.cosine));
      table.sines.push_back(static_cast<float>(turn.sine));
    }
  }
  table.cosines.resize(table.cosines.size() + 16);  // read in whole vectors
  table.sines.resize(table.sines.size() + 16);
  return table;
}

}  // namespace sil::nn
