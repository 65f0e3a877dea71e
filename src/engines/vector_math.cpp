// Compiled once an instruction set; tests compare every path with exact_exp and exact_log.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engines/vector_math.cpp"
#include "base/simd_targets.h"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "base/simd_math_inl.h"
// clang-format on

#include "engines/vector_math.h"

HWY_BEFORE_NAMESPACE();
namespace sil::HWY_NAMESPACE {
#if SIL_HAS_FMA
namespace {

using Lanes = hn::CappedTag<float, 16>;
constexpr Lanes kLanes;
constexpr size_t kWidth = hn::MaxLanes(kLanes);
constexpr size_t kVectors = 16 / kWidth;  // sixteen lanes

}  // namespace

void exp_each(std::span<float> values) {
  for (size_t i = 0; i < values.size(); i += kWidth) {
    float* const at = values.data() + i;
    hn::StoreU(exp_of(kLanes, hn::LoadU(kLanes, at)), kLanes, at);
  }
}

void gumbel_each(std::span<float> uniforms) {
  for (size_t i = 0; i < uniforms.size(); i += kWidth) {
    float* const at = uniforms.data() + i;
    const auto inner = hn::Neg(log_of(kLanes, hn::LoadU(kLanes, at)));
    hn::StoreU(hn::Neg(log_of(kLanes, inner)), kLanes, at);
  }
}

float exp_sum(std::span<const float> z, float max) {
  hn::Vec<Lanes> sums[kVectors];
  for (auto& sum : sums) sum = hn::Zero(kLanes);
  for (size_t i = 0; i < z.size(); i += 16)
    for (size_t v = 0; v < kVectors; ++v) {
      const auto part = hn::LoadU(kLanes, z.data() + i + v * kWidth);
      sums[v] = hn::Add(sums[v], exp_of(kLanes, hn::Sub(part, hn::Set(kLanes, max))));
    }
  HWY_ALIGN float lanes[16];
  for (size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], kLanes, lanes + v * kWidth);
  for (int half = 8; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

float largest(std::span<const float> z) {
  auto max = hn::LoadU(kLanes, z.data());
  for (size_t i = kWidth; i < z.size(); i += kWidth) max = hn::Max(max, hn::LoadU(kLanes, z.data() + i));
  return hn::GetLane(hn::MaxOfLanes(kLanes, max));
}

#endif
}  // namespace sil::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>

#include "base/math.h"
#include "base/simd.h"

namespace sil {
namespace scalar {

void exp_each(std::span<float> values) {
  for (float& value : values) value = exact_exp(value);
}

void gumbel_each(std::span<float> uniforms) {
  for (float& value : uniforms) value = -exact_log(-exact_log(value));
}

float exp_sum(std::span<const float> z, float max) {
  std::array<float, 16> lanes{};
  for (size_t i = 0; i < z.size(); ++i) lanes[i % 16] += exact_exp(z[i] - max);
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

float largest(std::span<const float> z) {
  return *std::max_element(z.begin(), z.end());
}

}  // namespace scalar

namespace {

struct Paths {
  void (*exp_each)(std::span<float>) = scalar::exp_each;
  void (*gumbel_each)(std::span<float>) = scalar::gumbel_each;
  float (*exp_sum)(std::span<const float>, float) = scalar::exp_sum;
  float (*largest)(std::span<const float>) = scalar::largest;
};

const Paths& paths() {
#if defined(__x86_64__)
  static const Paths found =
      widest_simd() == Simd::avx512 ? Paths{N_AVX3::exp_each, N_AVX3::gumbel_each, N_AVX3::exp_sum, N_AVX3::largest}
      : widest_simd() == Simd::avx2 ? Paths{N_AVX2::exp_each, N_AVX2::gumbel_each, N_AVX2::exp_sum, N_AVX2::largest}
                                    : Paths{};
#else
  static const Paths found;
#endif
  return found;
}

}  // namespace

void exp_each(std::span<float> values) {
  paths().exp_each(values);
}
void gumbel_each(std::span<float> uniforms) {
  paths().gumbel_each(uniforms);
}
float exp_sum(std::span<const float> z, float max) {
  return paths().exp_sum(z, max);
}
float largest(std::span<const float> z) {
  return paths().largest(z);
}

}  // namespace sil
#endif
