// angle = k pi/2 + r with |r| <= pi/4; sine and cosine of r by Taylor's series up to r^18, the quarter turns exactly.
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/math.h"

namespace sil {

CosSin exact_cos_sin(double angle) {
  constexpr double kHigh = 0x1.921fb54442d18p+0;  // pi/2 = high + low
  constexpr double kLow = 0x1.1a62633145c07p-54;
  const double k = std::nearbyint(angle * (2 / std::numbers::pi));
  const double r = std::fma(-k, kLow, std::fma(-k, kHigh, angle));
  const double z = r * r;
  double sine = 1;
  double cosine = 1;
  for (int n = 8; n >= 1; --n) sine = 1 - sine * z / (2 * n * (2 * n + 1));
  for (int n = 9; n >= 1; --n) cosine = 1 - cosine * z / (2 * n * (2 * n - 1));
  sine *= r;
  switch (static_cast<int64_t>(k) & 3) {
    case 0:
      return {cosine, sine};
    case 1:
      return {-sine, cosine};
    case 2:
      return {-cosine, -sine};
    default:
      return {sine, -cosine};
  }
}

}  // namespace sil
