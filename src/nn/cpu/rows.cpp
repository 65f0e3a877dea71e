// Everything but products: norms, softmax, gates, rotations, optimizer, over rows of floats.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/cpu/rows.cpp"
#include "base/simd_targets.h"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "base/simd_math_inl.h"
// clang-format on

#include <cmath>

#include "nn/cpu/primitives.h"

HWY_BEFORE_NAMESPACE();
namespace sil::nn::cpu::HWY_NAMESPACE {
#if SIL_HAS_FMA
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Lanes = hn::CappedTag<float, kPanel>;
using Vector = hn::Vec<Lanes>;
using Mask = hn::Mask<Lanes>;
constexpr Lanes kLanes;
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(kLanes));
constexpr int kVectors = static_cast<int>(kPanel / kWidth);

HWY_INLINE Vector load(const float* at) {
  return hn::LoadU(kLanes, at);
}
HWY_INLINE Vector all(float value) {
  return hn::Set(kLanes, value);
}

// Calls body(i) for whole vectors, and tail(i, mask) for what is left.
template <class Body, class Tail>
HWY_INLINE void each(int64_t length, const Body& body, const Tail& tail) {
  int64_t i = 0;
  for (; i + kWidth <= length; i += kWidth) body(i);
  if (i < length) tail(i, hn::FirstN(kLanes, static_cast<size_t>(length - i)));
}

// out[i] = value(i), reading whole vectors and writing none of what lies behind.
template <class Value>
HWY_INLINE void write_each(int64_t length, float* out, const Value& value) {
  each(
      length, [&](int64_t i) { hn::StoreU(value(i), kLanes, out + i); },
      [&](int64_t i, Mask mask) { hn::BlendedStore(value(i), mask, kLanes, out + i); });
}

// Sixteen lanes; element i belongs to lane i mod 16.
struct Sum16 {
  Vector lanes[kVectors];
  Sum16() {
    for (Vector& lane : lanes) lane = hn::Zero(kLanes);
  }
  HWY_INLINE float joined() const {
    HWY_ALIGN float at[kPanel];
    for (int v = 0; v < kVectors; ++v) hn::Store(lanes[v], kLanes, at + v * kWidth);
    for (int half = 8; half > 0; half /= 2)
      for (int lane = 0; lane < half; ++lane) at[lane] += at[lane + half];
    return at[0];
  }
};

// Sums a(i) * b(i) in 16 lanes; nothing is added where `length` ends.
template <class A, class B>
HWY_INLINE float dot_of(int64_t length, const A& a, const B& b) {
  Sum16 sum;
  int64_t i = 0;
  for (; i + kPanel <= length; i += kPanel)
    for (int v = 0; v < kVectors; ++v) sum.lanes[v] = hn::MulAdd(a(i + v * kWidth), b(i + v * kWidth), sum.lanes[v]);
  for (int v = 0; v < kVectors && i + v * kWidth < length; ++v) {
    const int64_t at = i + v * kWidth;
    const Mask mask = hn::FirstN(kLanes, static_cast<size_t>(length - at));
    sum.lanes[v] = hn::IfThenElse(mask, hn::MulAdd(a(at), b(at), sum.lanes[v]), sum.lanes[v]);
  }
  return sum.joined();
}

HWY_INLINE Vector sigmoid(Vector x) {
  return hn::Div(all(1), hn::Add(all(1), sil::HWY_NAMESPACE::exp_of(kLanes, hn::Neg(x))));
}

// Activations x s(x): the share s that passes, and the slope of x s(x).
struct Silu {
  static HWY_INLINE Vector share(Vector x) { return sigmoid(x); }
  static HWY_INLINE Vector slope(Vector x, Vector s) { return hn::Mul(s, hn::MulAdd(x, hn::Sub(all(1), s), all(1))); }
};
struct Gelu {
  static HWY_INLINE Vector share(Vector x) {
    return sigmoid(hn::Mul(x, hn::MulAdd(all(kGeluCubic), hn::Mul(x, x), all(kGeluLinear))));
  }
  static HWY_INLINE Vector slope(Vector x, Vector s) {
    const Vector steepness = hn::MulAdd(all(3 * kGeluCubic), hn::Mul(x, x), all(kGeluLinear));
    return hn::Mul(s, hn::MulAdd(hn::Mul(x, hn::Sub(all(1), s)), steepness, all(1)));
  }
};

HWY_INLINE Vector softmax_value(const float* s, float scale, float max) {
  return sil::HWY_NAMESPACE::exp_of(kLanes, hn::Mul(hn::Sub(load(s), all(max)), all(scale)));
}

}  // namespace

// Of product.cpp.
void product(const Product& p);
void pack_left(const float* in, int64_t stride, int64_t rows, int64_t depth, float* out);

void transpose_panel(const float* in, int64_t stride, int64_t rows, int64_t columns, float* out) {
  // Sixteen streams are read in turn, one line of 16 is written: the cache lines of all streams stay near.
  for (int64_t j = 0; j < columns; ++j) {
    float* line = out + j * kPanel;
    for (int64_t i = 0; i < rows; ++i) line[i] = in[i * stride + j];
    for (int64_t i = rows; i < kPanel; ++i) line[i] = 0;
  }
}

float dot(const float* a, const float* b, int64_t length) {
  return dot_of(
      length, [&](int64_t i) { return load(a + i); }, [&](int64_t i) { return load(b + i); });
}

float rms_norm(const float* x, const float* weight, float base, int64_t width, float epsilon, float* out) {
  const float inverse = 1 / std::sqrt(dot(x, x, width) / static_cast<float>(width) + epsilon);
  write_each(width, out, [&](int64_t i) {
    return hn::Mul(hn::Mul(load(x + i), all(inverse)), hn::Add(all(base), load(weight + i)));
  });
  return inverse;
}

void rms_norm_backward(const float* x, const float* weight, float base, int64_t width, float inverse, const float* dout,
                       float* dx, float* dweight) {
  const auto through = [&](int64_t i) { return hn::Mul(load(dout + i), hn::Add(all(base), load(weight + i))); };
  const float along = dot_of(width, through, [&](int64_t i) { return load(x + i); });
  const float pull = along * (inverse * inverse * inverse) / static_cast<float>(width);
  write_each(width, dx, [&](int64_t i) {
    const Vector straight = hn::Mul(through(i), all(inverse));
    return hn::Add(load(dx + i), hn::NegMulAdd(load(x + i), all(pull), straight));
  });
  if (dweight == nullptr) return;
  write_each(width, dweight, [&](int64_t i) {
    return hn::MulAdd(load(dout + i), hn::Mul(load(x + i), all(inverse)), load(dweight + i));
  });
}

float layer_norm(const float* x, const float* scale, const float* shift, int64_t width, float epsilon, float* out,
                 float* mean) {
  const auto one = [](int64_t) { return all(1); };
  *mean = dot_of(
              width, [&](int64_t i) { return load(x + i); }, one) /
          static_cast<float>(width);
  const Vector middle = all(*mean);
  const auto centred = [&](int64_t i) { return hn::Sub(load(x + i), middle); };
  const float inverse = 1 / std::sqrt(dot_of(width, centred, centred) / static_cast<float>(width) + epsilon);
  write_each(width, out, [&](int64_t i) {
    return hn::MulAdd(hn::Mul(centred(i), all(inverse)), load(scale + i), load(shift + i));
  });
  return inverse;
}

void layer_norm_backward(const float* x, const float* scale, int64_t width, float mean, float inverse,
                         const float* dout, float* dx, float* dscale, float* dshift) {
  const auto normed = [&](int64_t i) { return hn::Mul(hn::Sub(load(x + i), all(mean)), all(inverse)); };
  const auto through = [&](int64_t i) { return hn::Mul(load(dout + i), load(scale + i)); };
  const float shared = dot_of(width, through, [](int64_t) { return all(1); }) / static_cast<float>(width);
  const float pull = dot_of(width, through, normed) / static_cast<float>(width);
  write_each(width, dx, [&](int64_t i) {
    const Vector inner = hn::NegMulAdd(normed(i), all(pull), hn::Sub(through(i), all(shared)));
    return hn::MulAdd(inner, all(inverse), load(dx + i));
  });
  if (dscale == nullptr) return;
  write_each(width, dscale, [&](int64_t i) { return hn::MulAdd(load(dout + i), normed(i), load(dscale + i)); });
  write_each(width, dshift, [&](int64_t i) { return hn::Add(load(dshift + i), load(dout + i)); });
}

namespace {

template <class Activation>
void gate(const float* gates, const float* up, int64_t width, float* out) {
  write_each(width, out, [&](int64_t i) {
    const Vector g = load(gates + i);
    return hn::Mul(hn::Mul(g, Activation::share(g)), load(up + i));
  });
}

template <class Activation>
void gate_backward(const float* gates, const float* up, int64_t width, const float* dout, float* dgates, float* dup) {
  const auto both = [&](int64_t i, Vector& d_gate, Vector& d_up) {
    const Vector g = load(gates + i);
    const Vector s = Activation::share(g);
    const Vector d = load(dout + i);
    d_up = hn::Mul(d, hn::Mul(g, s));
    d_gate = hn::Mul(hn::Mul(d, load(up + i)), Activation::slope(g, s));
  };
  Vector d_gate;
  Vector d_up;
  each(
      width,
      [&](int64_t i) {
        both(i, d_gate, d_up);
        hn::StoreU(d_gate, kLanes, dgates + i);
        hn::StoreU(d_up, kLanes, dup + i);
      },
      [&](int64_t i, Mask mask) {
        both(i, d_gate, d_up);
        hn::BlendedStore(d_gate, mask, kLanes, dgates + i);
        hn::BlendedStore(d_up, mask, kLanes, dup + i);
      });
}

}  // namespace

void silu_gate(const float* gates, const float* up, int64_t width, float* out) {
  gate<Silu>(gates, up, width, out);
}
void silu_gate_backward(const float* gates, const float* up, int64_t width, const float* dout, float* dgates,
                        float* dup) {
  gate_backward<Silu>(gates, up, width, dout, dgates, dup);
}
void gelu_gate(const float* gates, const float* up, int64_t width, float* out) {
  gate<Gelu>(gates, up, width, out);
}
void gelu_gate_backward(const float* gates, const float* up, int64_t width, const float* dout, float* dgates,
                        float* dup) {
  gate_backward<Gelu>(gates, up, width, dout, dgates, dup);
}

void gelu(const float* x, int64_t width, float* out) {
  write_each(width, out, [&](int64_t i) { return hn::Mul(load(x + i), Gelu::share(load(x + i))); });
}

void gelu_backward(const float* x, int64_t width, const float* dout, float* dx) {
  write_each(width, dx, [&](int64_t i) {
    const Vector at = load(x + i);
    return hn::Mul(load(dout + i), Gelu::slope(at, Gelu::share(at)));
  });
}

namespace {

// Angles are negated for the way back.
HWY_INLINE void turn(float* x, int64_t half, const float* cosines, const float* sines, bool back) {
  const auto both = [&](int64_t i, Vector& low, Vector& high) {
    const Vector a = load(x + i);
    const Vector b = load(x + half + i);
    const Vector c = load(cosines + i);
    const Vector s = back ? hn::Neg(load(sines + i)) : load(sines + i);
    low = hn::NegMulAdd(b, s, hn::Mul(a, c));
    high = hn::MulAdd(a, s, hn::Mul(b, c));
  };
  Vector low;
  Vector high;
  each(
      half,
      [&](int64_t i) {
        both(i, low, high);
        hn::StoreU(low, kLanes, x + i);
        hn::StoreU(high, kLanes, x + half + i);
      },
      [&](int64_t i, Mask mask) {
        both(i, low, high);
        hn::BlendedStore(low, mask, kLanes, x + i);
        hn::BlendedStore(high, mask, kLanes, x + half + i);
      });
}

}  // namespace

void rotate(float* x, int64_t half, const float* cosines, const float* sines) {
  turn(x, half, cosines, sines, false);
}
void rotate_back(float* x, int64_t half, const float* cosines, const float* sines) {
  turn(x, half, cosines, sines, true);
}

float softmax_row(float* s, int64_t length, int64_t width, float scale, float* max) {
  float largest = s[0];
  if (length >= kWidth) {
    Vector most = load(s);
    for (int64_t i = kWidth; i + kWidth <= length; i += kWidth) most = hn::Max(most, load(s + i));
    most = hn::Max(most, load(s + length - kWidth));
    largest = hn::GetLane(hn::MaxOfLanes(kLanes, most));
  } else {
    for (int64_t i = 1; i < length; ++i) largest = s[i] > largest ? s[i] : largest;
  }
  *max = largest;
  for (int64_t i = length; i < width; ++i) s[i] = 0;
  write_each(length, s, [&](int64_t i) { return softmax_value(s + i, scale, largest); });
  return dot_of(
      length, [&](int64_t i) { return load(s + i); }, [&](int64_t) { return all(1); });
}

void softmax_again(float* s, int64_t length, int64_t width, float scale, float max, float sum) {
  write_each(length, s, [&](int64_t i) { return hn::Div(softmax_value(s + i, scale, max), all(sum)); });
  for (int64_t i = length; i < width; ++i) s[i] = 0;
}

void softmax_backward(const float* p, const float* dp, int64_t length, float d, float scale, float* ds) {
  write_each(length, ds,
             [&](int64_t i) { return hn::Mul(hn::Mul(load(p + i), hn::Sub(load(dp + i), all(d))), all(scale)); });
}

void add(const float* a, const float* b, int64_t length, float* out) {
  write_each(length, out, [&](int64_t i) { return hn::Add(load(a + i), load(b + i)); });
}

void divide(float* x, int64_t length, float by) {
  write_each(length, x, [&](int64_t i) { return hn::Div(load(x + i), all(by)); });
}

void mix(const float* x, const float* y, float a, int64_t length, float* out) {
  write_each(length, out, [&](int64_t i) { return hn::MulAdd(all(a), load(x + i), hn::Mul(all(1 - a), load(y + i))); });
}

void adamw(const AdamwStep& step, const float* gradient, int64_t length, float* w, float* m, float* v) {
  for (int64_t i = 0; i < length; i += kWidth) {
    const auto put = [&](Vector value, float* at) {
      if (i + kWidth <= length)
        hn::StoreU(value, kLanes, at + i);
      else
        hn::BlendedStore(value, hn::FirstN(kLanes, static_cast<size_t>(length - i)), kLanes, at + i);
    };
    const Vector g = hn::Mul(load(gradient + i), all(step.scale));
    const Vector first = hn::MulAdd(all(step.beta1), load(m + i), hn::Mul(all(1 - step.beta1), g));
    const Vector second = hn::MulAdd(all(step.beta2), load(v + i), hn::Mul(all(1 - step.beta2), hn::Mul(g, g)));
    const Vector kept = hn::NegMulAdd(all(step.decay), load(w + i), load(w + i));
    const Vector root = hn::Add(hn::Sqrt(hn::Mul(second, all(step.correction2))), all(step.epsilon));
    const Vector move = hn::Div(hn::Mul(first, all(step.correction1)), root);
    put(first, m);
    put(second, v);
    put(hn::NegMulAdd(all(step.rate), move, kept), w);
  }
}

void sgd(const AdamwStep& step, const float* gradient, int64_t length, float* w) {
  write_each(length, w, [&](int64_t i) {
    const Vector kept = hn::NegMulAdd(all(step.decay), load(w + i), load(w + i));
    return hn::NegMulAdd(all(step.rate), hn::Mul(load(gradient + i), all(step.scale)), kept);
  });
}

extern const Primitives kPrimitives;
const Primitives kPrimitives = SIL_PRIMITIVES(HWY_TARGET == HWY_AVX3 ? "avx512" : "avx2");

#endif
}  // namespace sil::nn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
