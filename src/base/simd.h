// What this CPU can run of what was compiled for it.
#pragma once

namespace sil {

enum class Simd { none, avx2, avx512 };  // each has all before it

// The widest. The compiler's runtime asks the CPU once, before main; this reads the answer.
inline Simd widest_simd() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Simd::none;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd");
  return wide ? Simd::avx512 : Simd::avx2;
#else
  return Simd::none;
#endif
}

}  // namespace sil
