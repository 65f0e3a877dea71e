// The CPU back end of nn/kernels.h: our own bit-stable kernels in fp32.
//
// A weight matrix [rows, columns] lies in panels of 16 rows: element (n, k) at (n / 16) * 16 * columns + k * 16 + n %
// 16, the rows of the last panel filled up with zeros. The forward product reads panels as they are, the backward one
// transposes them as it goes, and a gradient has the same layout, so the optimizer works on flat buffers.
#pragma once

#include <memory>

#include "base/threads.h"
#include "nn/cpu/primitives.h"
#include "nn/ops/kernels.h"

namespace sil::nn {

// `primitives`: what it calls; the quickest that this CPU has unless a test says so. Without a pool a call uses the
// caller's thread alone. With one, a forward product of a large matrix and the runs of an attention are shared among
// the pool's threads, and calls must come one at a time, from outside the pool. The bits are the same.
std::unique_ptr<Kernels> cpu_kernels(const cpu::Primitives& primitives = cpu::quickest(), ThreadPool* pool = nullptr);

}  // namespace sil::nn
