#include <array>

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
      // The compiler's runtime asks the CPU once, before main; this reads the answer.
      const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
      if (wide) tables[count++] = &N_AVX3::kPrimitives;
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[count++] = &N_AVX2::kPrimitives;
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
