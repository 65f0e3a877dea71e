#include <array>

#include "base/simd.h"
#include "nn/cpu/primitives.h"

namespace sil::nn::cpu {

#if defined(__x86_64__)
namespace N_AVX2 {
extern const Primitives kPrimitives;
}
namespace N_AVX3 {
extern const Primitives kPrimitives;
}
#endif

std::span<const Primitives* const> runnable() {
  struct Found {
    std::array<const Primitives*, 3> tables{};
    size_t count = 0;
    Found() {
#if defined(__x86_64__)
      if (widest_simd() >= Simd::avx512) tables[count++] = &N_AVX3::kPrimitives;
      if (widest_simd() >= Simd::avx2) tables[count++] = &N_AVX2::kPrimitives;
#endif
      tables[count++] = &twins();
    }
  };
  static const Found found;
  return {found.tables.data(), found.count};
}

const Primitives& quickest() {
  return *runnable().front();
}

}  // namespace sil::nn::cpu
