#include "nn/ops/kernels.h"

namespace sil::nn {

Cache::Cache(const Heads& heads, int64_t layers, int64_t positions)
    : heads_(heads),
      positions_(positions),
      data_(static_cast<size_t>(layers * positions * 2 * heads.key * heads.width + 16)) {}

float* Cache::keys(int64_t layer, const Region& region) const {
  const int64_t per_position = 2 * heads_.key * heads_.width;
  return const_cast<float*>(data_.data()) + (layer * positions_ + region.offset) * per_position;
}

float* Cache::values(int64_t layer, const Region& region) const {
  return keys(layer, region) + region.capacity * heads_.key * heads_.width;
}

}  // namespace sil::nn
