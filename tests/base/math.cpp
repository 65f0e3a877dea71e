#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/math_paths.h"
#include "sil/rng.h"
#include "support/catch.h"

using namespace sil;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kInfinityF = std::numeric_limits<float>::infinity();

// Distance of `value` to the true result in units in the last place of T at that result.
template <class T>
double ulps(T value, long double truth) {
  if (std::isinf(value)) return std::fabs(truth) > static_cast<long double>(std::numeric_limits<T>::max()) ? 0 : 1e9;
  int exponent;
  std::frexp(truth, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
  const int unit = std::max(exponent - std::numeric_limits<T>::digits, lowest);
  return static_cast<double>(std::fabs(std::ldexp(static_cast<long double>(value) - truth, -unit)));
}

template <class T>
struct Worst {
  double error = 0;
  T at = 0;
  void see(T x, T value, long double truth) {
    const double here = ulps(value, truth);
    if (!(here <= error)) {
      error = here;
      at = x;
    }
  }
};

// Every `step`-th float from `low` to `high` (bits of positive floats are ordered).
template <class Work>
void floats(float low, float high, uint32_t step, Work work) {
  const auto end = std::bit_cast<uint32_t>(high);
  for (uint32_t bits = std::bit_cast<uint32_t>(low); bits <= end; bits += step) work(std::bit_cast<float>(bits));
}

template <class T>
bool same_bits(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}

double random_double(RandomStream& random, double low, double high) {
  return low + (high - low) * random.unit();
}

}  // namespace

TEST_CASE("float exp is within 2 ulp of the true value from -103 to overflow") {
  Worst<float> worst;
  const auto see = [&](float x) { worst.see(x, exact_exp(x), std::exp(static_cast<long double>(x))); };
  floats(1e-30f, 88.722839f, 997, [&](float x) { see(x); });
  floats(1e-30f, 103.0f, 997, [&](float x) { see(-x); });
  INFO("exp(" << worst.at << ") is " << worst.error << " ulp off");
  CHECK(worst.error <= 2);
}

TEST_CASE("float log is within 2 ulp of the true value, denormal numbers and the neighbourhood of 1 included") {
  Worst<float> worst;
  const auto see = [&](float x) { worst.see(x, exact_log(x), std::log(static_cast<long double>(x))); };
  floats(1e-45f, std::numeric_limits<float>::max(), 1499, see);
  floats(0.5f, 2.0f, 13, see);
  floats(1 - 0x1p-13f, 1 + 0x1p-13f, 1, see);
  INFO("log(" << worst.at << ") is " << worst.error << " ulp off");
  CHECK(worst.error <= 2);
}

TEST_CASE("double exp and log are within 2 ulp of the true value") {
  Worst<double> worst_exp, worst_log;
  const auto see_exp = [&](double x) { worst_exp.see(x, exact_exp(x), std::exp(static_cast<long double>(x))); };
  const auto see_log = [&](double x) { worst_log.see(x, exact_log(x), std::log(static_cast<long double>(x))); };
  RandomStream random(2, 0);
  for (int i = 0; i < 300000; ++i) {
    see_exp(random_double(random, -745, 709.78));
    see_exp(random_double(random, -30, 1));
    see_exp(random_double(random, -1e-3, 1e-3));
    see_log(random_double(random, 0.5, 2));
    see_log(random_double(random, 1 - 1e-4, 1 + 1e-4));
    see_log(std::exp2(random_double(random, -1074, 1024)));
  }
  INFO("exp(" << worst_exp.at << ") is " << worst_exp.error << " ulp off, log(" << worst_log.at << ") "
              << worst_log.error);
  CHECK(worst_exp.error <= 2);
  CHECK(worst_log.error <= 2);
}

TEST_CASE("exact where the result is exact") {
  CHECK(exact_exp(0.0f) == 1);
  CHECK(exact_exp(-0.0) == 1);
  CHECK(same_bits(exact_log(1.0f), 0.0f));
  CHECK(same_bits(exact_log(1.0), 0.0));
}

TEST_CASE("exp at and beyond the ends of its range") {
  CHECK(exact_exp(-103.0f) == std::numeric_limits<float>::denorm_min());
  CHECK(exact_exp(std::nextafter(-103.0f, -200.0f)) == 0);
  CHECK(exact_exp(-kInfinityF) == 0);
  CHECK(std::isfinite(exact_exp(88.72283f)));
  CHECK(exact_exp(88.73f) == kInfinityF);
  CHECK(exact_exp(1e30f) == kInfinityF);
  CHECK(std::isnan(exact_exp(std::numeric_limits<float>::quiet_NaN())));
  CHECK(exact_exp(-745.2) == 0);
  CHECK(exact_exp(-kInfinity) == 0);
  CHECK(exact_exp(709.8) == kInfinity);
  CHECK(std::isnan(exact_exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("log at and beyond the ends of its range") {
  CHECK(exact_log(0.0f) == -kInfinityF);
  CHECK(exact_log(-0.0f) == -kInfinityF);
  CHECK(std::isnan(exact_log(-1.0f)));
  CHECK(std::isnan(exact_log(-kInfinityF)));
  CHECK(exact_log(kInfinityF) == kInfinityF);
  CHECK(std::isnan(exact_log(std::numeric_limits<float>::quiet_NaN())));
  CHECK(exact_log(0.0) == -kInfinity);
  CHECK(std::isnan(exact_log(-1e-300)));
  CHECK(exact_log(kInfinity) == kInfinity);
}

TEST_CASE("with and without the FMA instruction the bits are the same") {
  const MathPath* fused = fused_math();
  if (!fused) return;  // this CPU has one path only
  const MathPath& portable = portable_math();
  int64_t different = 0;
  floats(1e-45f, std::numeric_limits<float>::max(), 4999, [&](float x) {
    different += !same_bits(fused->log_float(x), portable.log_float(x));
    different += !same_bits(fused->exp_float(x), portable.exp_float(x));
    different += !same_bits(fused->exp_float(-x), portable.exp_float(-x));
  });
  RandomStream random(3, 0);
  for (int i = 0; i < 300000; ++i) {
    const double x = random_double(random, -745, 709.78);
    different += !same_bits(fused->exp_double(x), portable.exp_double(x));
    const double y = std::exp2(random_double(random, -1074, 1024));
    different += !same_bits(fused->log_double(y), portable.log_double(y));
  }
  CHECK(different == 0);
}

TEST_CASE("exp never decreases over neighbouring floats where probabilities live") {
  float before = exact_exp(-20.0f);
  bool monotone = true;
  for (uint32_t bits = std::bit_cast<uint32_t>(20.0f); bits > std::bit_cast<uint32_t>(0.01f); bits -= 7) {
    const float value = exact_exp(-std::bit_cast<float>(bits));
    monotone = monotone && value >= before;
    before = value;
  }
  CHECK(monotone);
}
