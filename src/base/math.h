// exp and log that give the same bits on every machine: polynomials with explicit FMA, no library call whose code path
// depends on the CPU. Within 2 ulp over the range that sampling and losses use.
#pragma once

namespace sil {

float exact_exp(float x);  // 0 below -103, inf above 88.73; nan stays nan
float exact_log(float x);  // x > 0; -inf at 0, nan below
double exact_exp(double x);
double exact_log(double x);

struct CosSin {
  double cosine = 1;
  double sine = 0;
};
// Within 1e-15 for |angle| up to 1e8.
CosSin exact_cos_sin(double angle);

}  // namespace sil
