// How much memory sampling and training need, known before the first allocation: the model runs on the CPU's kernels
// over primitives that do nothing, so activations and scratch are counted by the code that will take them.
#pragma once

#include "nn/model.h"
#include "sil/engine.h"

namespace sil::nn {

// On all `threads` together.
Plan sampling_plan(const Model& model, const SamplingWorkload& work, int threads);
Plan training_plan(const Model& model, const TrainingWorkload& work, int threads);

}  // namespace sil::nn
