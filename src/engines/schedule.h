// Learning rates over the steps of one update.
#pragma once

#include <cstdint>

#include "sil/engine.h"

namespace sil {

// Throws Error(Exit::usage) on options out of range or names that do not exist.
void check_optimizer(const OptimizerOptions& options);

// What the learning rate of step `step` (from 0) of `steps` is multiplied with. Warm-up rises linearly and reaches 1
// with its last step. After it, with x in [0, 1) the part of the remaining steps that is behind:
//   constant 1   linear 1 - x   cosine (1 + cos(pi x)) / 2 (Loshchilov & Hutter 2016)
//   wsd 1, and over the last fifth 1 - sqrt(part of it that is behind) (Hägele et al. 2024)
// Only operations that IEEE 754 rounds exactly, so that every machine trains with the same rates.
double schedule_factor(const OptimizerOptions& options, int64_t step, int64_t steps);

// x^n by squaring: the same bits everywhere, which std::pow does not promise.
double exact_power(double x, int64_t n);

}  // namespace sil
