// exp: x = n ln 2 + r with |r| <= ln(2)/2, exp(r) by Taylor's series, then an exact scaling by 2^n.
// log: x = 2^k m with m in [sqrt(1/2), sqrt(2)), log(m) = 2 artanh(s) with s = (m-1)/(m+1) by its series in s^2.
// Series instead of fitted polynomials: their coefficients can be checked by eye, and one or two more terms cost less
// than a nanosecond. Every step is an IEEE operation that rounds alike everywhere (contraction is off; fma only where
// written).
#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/math_paths.h"

// Each body is compiled twice: plain, where fma is a call of the C library (correctly rounded without hardware too),
// and for CPUs with the instruction. Always inlined, as a shared copy would belong to only one of them.
#define SIL_BODY [[gnu::always_inline]] static inline
#if defined(__x86_64__)
#define SIL_FUSED [[gnu::target("fma")]]
#endif

namespace sil {
namespace {

SIL_BODY float fma_of(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
SIL_BODY double fma_of(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}

template <class T, int N>
SIL_BODY T horner(const T (&coefficients)[N], T x) {
  T sum = coefficients[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = fma_of(sum, x, coefficients[i]);
  return sum;
}

template <class T>
struct Constants;

template <>
struct Constants<float> {
  using Bits = uint32_t;
  using Int = int32_t;
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kRound = 0x1.8p23f;  // adding it rounds to the nearest integer
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kLn2High = 0x1.62e4p-1f;  // 15 bits: n * kLn2High is exact
  static constexpr float kLn2Low = 0x1.7f7d1cp-20f;
  static constexpr float kExpLow = -103.0f, kExpHigh = 88.73f;
  static constexpr Bits kSqrtHalf = 0x3f3504f3;  // bits of sqrt(1/2)
  static constexpr float kExp[] = {1, 1, 1 / 2.f, 1 / 6.f, 1 / 24.f, 1 / 120.f, 1 / 720.f, 1 / 5040.f};
  static constexpr float kArtanh[] = {2 / 3.f, 2 / 5.f, 2 / 7.f, 2 / 9.f, 2 / 11.f};
};

template <>
struct Constants<double> {
  using Bits = uint64_t;
  using Int = int64_t;
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kLn2High = 0x1.62e42fefap-1;  // 36 bits
  static constexpr double kLn2Low = 0x1.cf79abc9e3b39803f2f6af40f343267p-40;
  static constexpr double kExpLow = -745.14, kExpHigh = 709.79;
  static constexpr Bits kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kExp[] = {
      1,         1,          1 / 2.,      1 / 6.,       1 / 24.,       1 / 120.,       1 / 720.,
      1 / 5040., 1 / 40320., 1 / 362880., 1 / 3628800., 1 / 39916800., 1 / 479001600., 1 / 6227020800.};
  static constexpr double kArtanh[] = {2 / 3.,  2 / 5.,  2 / 7.,  2 / 9.,  2 / 11.,
                                       2 / 13., 2 / 15., 2 / 17., 2 / 19., 2 / 21.};
};

// 2^n for a normal result.
template <class T>
SIL_BODY T power_of_two(typename Constants<T>::Int n) {
  using C = Constants<T>;
  return std::bit_cast<T>(static_cast<typename C::Bits>(n + C::kBias) << C::kMantissa);
}

template <class T>
SIL_BODY T exp_body(T x) {
  using C = Constants<T>;
  if (x != x) return x;
  if (x < C::kExpLow) return 0;
  if (x > C::kExpHigh) return std::numeric_limits<T>::infinity();
  const T n = fma_of(x, C::kLog2e, C::kRound) - C::kRound;
  T r = fma_of(n, -C::kLn2High, x);
  r = fma_of(n, -C::kLn2Low, r);
  const T e = horner(C::kExp, r);
  // In two halves, as 2^n alone may be out of range; only the second product can round (to a denormal number).
  const auto whole = static_cast<typename C::Int>(n);
  const auto half = whole / 2;
  return e * power_of_two<T>(half) * power_of_two<T>(whole - half);
}

template <class T>
SIL_BODY T log_body(T x) {
  using C = Constants<T>;
  using Bits = typename C::Bits;
  using Int = typename C::Int;
  if (!(x > 0)) return x == 0 ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::quiet_NaN();
  if (x == std::numeric_limits<T>::infinity()) return x;
  Int k = 0;
  if (x < std::numeric_limits<T>::min()) {
    x *= power_of_two<T>(C::kMantissa + 1);
    k = -(C::kMantissa + 1);
  }
  // Counting exponents from sqrt(1/2) puts m into [sqrt(1/2), sqrt(2)).
  constexpr Bits kOne = Bits{C::kBias} << C::kMantissa;
  const Bits shifted = std::bit_cast<Bits>(x) + (kOne - C::kSqrtHalf);
  k += static_cast<Int>(shifted >> C::kMantissa) - C::kBias;
  const T m = std::bit_cast<T>((shifted & ((Bits{1} << C::kMantissa) - 1)) + C::kSqrtHalf);
  const T f = m - 1;  // exact
  const T s = f / (2 + f);
  const T z = s * s;
  // log(1+f) = 2s + s R with R = z (2/3 + 2/5 z + ...), and 2s = f - s f: only small terms carry rounding errors.
  const T rest = s * fma_of(-z, horner(C::kArtanh, z), f);
  const auto n = static_cast<T>(k);
  return fma_of(n, C::kLn2High, f - fma_of(-n, C::kLn2Low, rest));
}

float exp_portable(float x) {
  return exp_body(x);
}
float log_portable(float x) {
  return log_body(x);
}
double exp_portable(double x) {
  return exp_body(x);
}
double log_portable(double x) {
  return log_body(x);
}

#if defined(SIL_FUSED)
SIL_FUSED float exp_fused(float x) {
  return exp_body(x);
}
SIL_FUSED float log_fused(float x) {
  return log_body(x);
}
SIL_FUSED double exp_fused(double x) {
  return exp_body(x);
}
SIL_FUSED double log_fused(double x) {
  return log_body(x);
}

// The compiler's runtime asks the CPU once, before main; this reads the answer.
bool has_fma() {
  return __builtin_cpu_supports("fma");
}
#else
#define exp_fused exp_portable
#define log_fused log_portable
constexpr bool has_fma() {
  return false;
}
#endif

}  // namespace

const MathPath& portable_math() {
  static constexpr MathPath kPath = {exp_portable, log_portable, exp_portable, log_portable};
  return kPath;
}

const MathPath* fused_math() {
  static constexpr MathPath kPath = {exp_fused, log_fused, exp_fused, log_fused};
  return has_fma() ? &kPath : nullptr;
}

float exact_exp(float x) {
  return has_fma() ? exp_fused(x) : exp_portable(x);
}
float exact_log(float x) {
  return has_fma() ? log_fused(x) : log_portable(x);
}
double exact_exp(double x) {
  return has_fma() ? exp_fused(x) : exp_portable(x);
}
double exact_log(double x) {
  return has_fma() ? log_fused(x) : log_portable(x);
}

}  // namespace sil
