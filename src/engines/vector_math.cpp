// The formulas are those of base/math.cpp, step for step; tests compare every path with exact_exp and exact_log.
#include "engines/vector_math.h"

#include <algorithm>
#include <array>

#include "base/math.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define SIL_WIDE [[gnu::target("avx2,fma")]]
#endif

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

#if defined(SIL_WIDE)
namespace {

constexpr float kLn2High = 0x1.62e4p-1F;
constexpr float kLn2Low = 0x1.7f7d1cp-20F;

SIL_WIDE inline __m256 power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

SIL_WIDE inline __m256 exp8(__m256 x) {
  const __m256 round = _mm256_set1_ps(0x1.8p23F);
  const __m256 n = _mm256_sub_ps(_mm256_fmadd_ps(x, _mm256_set1_ps(0x1.715476p+0F), round), round);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(kLn2High), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(kLn2Low), r);
  __m256 e = _mm256_set1_ps(1 / 5040.F);
  for (float coefficient : {1 / 720.F, 1 / 120.F, 1 / 24.F, 1 / 6.F, 1 / 2.F, 1.F, 1.F})
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(coefficient));
  const __m256i whole = _mm256_cvttps_epi32(n);
  // Half of it, towards zero.
  const __m256i half = _mm256_srai_epi32(_mm256_add_epi32(whole, _mm256_srli_epi32(whole, 31)), 1);
  e = _mm256_mul_ps(_mm256_mul_ps(e, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
  const __m256 low = _mm256_cmp_ps(x, _mm256_set1_ps(-103.F), _CMP_LT_OQ);
  const __m256 high = _mm256_cmp_ps(x, _mm256_set1_ps(88.73F), _CMP_GT_OQ);
  e = _mm256_andnot_ps(low, e);
  e = _mm256_blendv_ps(e, _mm256_set1_ps(__builtin_inff()), high);
  return _mm256_blendv_ps(e, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

// Of normal positive numbers, which is all that Gumbel noise takes logarithms of.
SIL_WIDE inline __m256 log8(__m256 x) {
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  constexpr int32_t kOne = 0x3f800000;
  const __m256i shifted = _mm256_add_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(kOne - kSqrtHalf));
  const __m256i k = _mm256_sub_epi32(_mm256_srli_epi32(shifted, 23), _mm256_set1_epi32(127));
  const __m256i mantissa = _mm256_and_si256(shifted, _mm256_set1_epi32(0x007fffff));
  const __m256 m = _mm256_castsi256_ps(_mm256_add_epi32(mantissa, _mm256_set1_epi32(kSqrtHalf)));
  const __m256 f = _mm256_sub_ps(m, _mm256_set1_ps(1));
  const __m256 s = _mm256_div_ps(f, _mm256_add_ps(_mm256_set1_ps(2), f));
  const __m256 z = _mm256_mul_ps(s, s);
  __m256 sum = _mm256_set1_ps(2 / 11.F);
  for (float coefficient : {2 / 9.F, 2 / 7.F, 2 / 5.F, 2 / 3.F})
    sum = _mm256_fmadd_ps(sum, z, _mm256_set1_ps(coefficient));
  const __m256 rest = _mm256_mul_ps(s, _mm256_fnmadd_ps(z, sum, f));
  const __m256 n = _mm256_cvtepi32_ps(k);
  const __m256 low = _mm256_sub_ps(f, _mm256_fnmadd_ps(n, _mm256_set1_ps(kLn2Low), rest));
  return _mm256_fmadd_ps(n, _mm256_set1_ps(kLn2High), low);
}

SIL_WIDE inline __m256 negated(__m256 x) {
  return _mm256_xor_ps(x, _mm256_set1_ps(-0.F));
}

SIL_WIDE void wide_exp_each(std::span<float> values) {
  for (size_t i = 0; i < values.size(); i += 8) {
    float* at = values.data() + i;
    _mm256_storeu_ps(at, exp8(_mm256_loadu_ps(at)));
  }
}

SIL_WIDE void wide_gumbel_each(std::span<float> uniforms) {
  for (size_t i = 0; i < uniforms.size(); i += 8) {
    float* at = uniforms.data() + i;
    _mm256_storeu_ps(at, negated(log8(negated(log8(_mm256_loadu_ps(at))))));
  }
}

SIL_WIDE float wide_exp_sum(std::span<const float> z, float max) {
  __m256 even = _mm256_setzero_ps();
  __m256 odd = _mm256_setzero_ps();
  for (size_t i = 0; i < z.size(); i += 16) {
    even = _mm256_add_ps(even, exp8(_mm256_sub_ps(_mm256_loadu_ps(z.data() + i), _mm256_set1_ps(max))));
    odd = _mm256_add_ps(odd, exp8(_mm256_sub_ps(_mm256_loadu_ps(z.data() + i + 8), _mm256_set1_ps(max))));
  }
  const __m256 eight = _mm256_add_ps(even, odd);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

SIL_WIDE float wide_largest(std::span<const float> z) {
  __m256 max = _mm256_loadu_ps(z.data());
  for (size_t i = 8; i < z.size(); i += 8) max = _mm256_max_ps(max, _mm256_loadu_ps(z.data() + i));
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(max), _mm256_extractf128_ps(max, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

// The compiler's runtime asks the CPU once, before main; this reads the answer.
bool wide() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

}  // namespace

void exp_each(std::span<float> values) {
  wide() ? wide_exp_each(values) : scalar::exp_each(values);
}
void gumbel_each(std::span<float> uniforms) {
  wide() ? wide_gumbel_each(uniforms) : scalar::gumbel_each(uniforms);
}
float exp_sum(std::span<const float> z, float max) {
  return wide() ? wide_exp_sum(z, max) : scalar::exp_sum(z, max);
}
float largest(std::span<const float> z) {
  return wide() ? wide_largest(z) : scalar::largest(z);
}

#else

void exp_each(std::span<float> values) {
  scalar::exp_each(values);
}
void gumbel_each(std::span<float> uniforms) {
  scalar::gumbel_each(uniforms);
}
float exp_sum(std::span<const float> z, float max) {
  return scalar::exp_sum(z, max);
}
float largest(std::span<const float> z) {
  return scalar::largest(z);
}

#endif

}  // namespace sil
