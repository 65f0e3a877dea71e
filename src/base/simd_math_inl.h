// base/math.h on vectors of any width, for sources that Highway compiles once an instruction set. The formulas are
// those of base/math.cpp, step for step, so every lane has the bits that the scalar function gives.
#if defined(SIL_SIMD_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIL_SIMD_MATH_INL_H
#undef SIL_SIMD_MATH_INL_H
#else
#define SIL_SIMD_MATH_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace sil::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> power_of_two(D d, hn::Vec<hn::RebindToSigned<D>> n) {
  const hn::RebindToSigned<D> integers;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(integers, 127))));
}

template <class D>
HWY_INLINE hn::Vec<D> exp_of(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> integers;
  const auto round = hn::Set(d, 0x1.8p23F);
  const auto n = hn::Sub(hn::MulAdd(x, hn::Set(d, 0x1.715476p+0F), round), round);
  auto r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1F), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20F), r);
  auto e = hn::Set(d, 1 / 5040.F);
  for (float coefficient : {1 / 720.F, 1 / 120.F, 1 / 24.F, 1 / 6.F, 1 / 2.F, 1.F, 1.F})
    e = hn::MulAdd(e, r, hn::Set(d, coefficient));
  const auto whole = hn::ConvertTo(integers, n);
  // Half of it, towards zero.
  const hn::RebindToUnsigned<D> bits;
  const auto sign = hn::BitCast(integers, hn::ShiftRight<31>(hn::BitCast(bits, whole)));
  const auto half = hn::ShiftRight<1>(hn::Add(whole, sign));
  e = hn::Mul(hn::Mul(e, power_of_two(d, half)), power_of_two(d, hn::Sub(whole, half)));
  e = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -103.F)), e);
  e = hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.73F)), hn::Set(d, std::numeric_limits<float>::infinity()), e);
  return hn::IfThenElse(hn::Ne(x, x), x, e);
}

// Of normal positive numbers.
template <class D>
HWY_INLINE hn::Vec<D> log_of(D d, hn::Vec<D> x) {
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  constexpr int32_t kOne = 0x3f800000;
  const hn::RebindToSigned<D> integers;
  const auto shifted = hn::Add(hn::BitCast(integers, x), hn::Set(integers, kOne - kSqrtHalf));
  const auto k = hn::Sub(hn::ShiftRight<23>(shifted), hn::Set(integers, 127));
  const auto mantissa = hn::And(shifted, hn::Set(integers, 0x007fffff));
  const auto m = hn::BitCast(d, hn::Add(mantissa, hn::Set(integers, kSqrtHalf)));
  const auto f = hn::Sub(m, hn::Set(d, 1.F));
  const auto s = hn::Div(f, hn::Add(hn::Set(d, 2.F), f));
  const auto z = hn::Mul(s, s);
  auto sum = hn::Set(d, 2 / 11.F);
  for (float coefficient : {2 / 9.F, 2 / 7.F, 2 / 5.F, 2 / 3.F}) sum = hn::MulAdd(sum, z, hn::Set(d, coefficient));
  const auto rest = hn::Mul(s, hn::NegMulAdd(z, sum, f));
  const auto n = hn::ConvertTo(d, k);
  const auto low = hn::Sub(f, hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20F), rest));
  return hn::MulAdd(n, hn::Set(d, 0x1.62e4p-1F), low);
}

}  // namespace sil::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
