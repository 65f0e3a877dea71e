// The two compilations of base/math.cpp, for the test that they agree.
#pragma once

namespace sil {

struct MathPath {
  float (*exp_float)(float);
  float (*log_float)(float);
  double (*exp_double)(double);
  double (*log_double)(double);
};

const MathPath& portable_math();  // fma by the C library where the compiler may not use the instruction
const MathPath* fused_math();     // with the instruction; null when this CPU lacks it

}  // namespace sil
