// Which instruction sets a source that includes Highway is compiled for: AVX2 and AVX-512. Highway's lowest one is the
// compiler's baseline, without FMA: nothing is compiled for it, plain loops serve such CPUs.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define SIL_HAS_FMA (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)
