// Which instruction sets the primitives are compiled for. Highway's lowest one is the compiler's baseline, without FMA:
// nothing is compiled for it (the twins serve such CPUs).
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define SIL_HAS_FMA (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)
