#include "nn/ops/kernels.h"

namespace sil::nn {

Cache::Cache(const Heads& heads, int64_t layers, int64_t positions)
    : heads_(heads),
      positions_(positions),
      data_(static_cast<size_t>(layers * positions * position_floats(heads) + 16)) {}

}  // namespace sil::nn
