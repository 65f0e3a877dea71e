// The CPU back end of nn/kernels.h: our own bit-stable kernels in fp32.
//
// A weight matrix [rows, columns] lies in panels of 16 rows: element (n, k) at (n / 16) * 16 * columns + k * 16 + n %
// 16, the rows of the last panel filled up with zeros. The forward product reads panels as they are, the backward one
// transposes them as it goes, and a gradient has the same layout, so the optimizer works on flat buffers.
#pragma once

#include <memory>

#include "nn/cpu/primitives.h"
#include "nn/ops/kernels.h"

namespace sil::nn {

// Uses one thread of the caller's. `primitives`: what it calls; the quickest that this CPU has unless a test says so.
std::unique_ptr<Kernels> cpu_kernels(const cpu::Primitives& primitives = cpu::quickest());

}  // namespace sil::nn
