#include "nn/ops/kernels.h"

namespace sil::nn {

Cache::Cache(const Heads& heads, int64_t layers, int64_t positions, const Memory& memory)
    : heads_(heads), positions_(positions), data_(layers * positions * position_floats(heads), memory) {}

}  // namespace sil::nn
