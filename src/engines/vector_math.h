// base/math.h over arrays, eight lanes at a time where the CPU has AVX2 and FMA. Every element has the bits that the
// scalar function gives. Lengths are multiples of 16 (log_softmax.h, `padded`).
#pragma once

#include <span>

namespace sil {

void exp_each(std::span<float> values);
// -log(-log(u)): standard Gumbel noise of uniforms in (0, 1).
void gumbel_each(std::span<float> uniforms);
// Sum of exp(z - max) over 16 lanes and one tree.
float exp_sum(std::span<const float> z, float max);
float largest(std::span<const float> z);

// The same on one lane, for CPUs without AVX2 and for the comparison of both.
namespace scalar {
void exp_each(std::span<float> values);
void gumbel_each(std::span<float> uniforms);
float exp_sum(std::span<const float> z, float max);
float largest(std::span<const float> z);
}  // namespace scalar

}  // namespace sil
