#include "base/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "sil/error.h"
#include "support/catch.h"

using namespace sil;

TEST_CASE("pass@k is one minus the chance that k draws are all wrong") {
  CHECK(pass_at_k(5, 2, 3) == Approx(1 - 1.0 / 10).epsilon(1e-14));    // 1 - C(3,3)/C(5,3)
  CHECK(pass_at_k(10, 3, 2) == Approx(1 - 21.0 / 45).epsilon(1e-14));  // 1 - C(7,2)/C(10,2)
  CHECK(pass_at_k(8, 3, 1) == Approx(3.0 / 8).epsilon(1e-14));
  CHECK(pass_at_k(4, 0, 4) == 0);
  CHECK(pass_at_k(4, 2, 3) == 1);  // two wrong ones only
  CHECK(pass_at_k(4, 4, 1) == 1);
  // 1 - C(100,10)/C(200,10), by Python's exact fractions.
  CHECK(pass_at_k(200, 100, 10) == Approx(0.99922897393728216).epsilon(1e-13));
  CHECK_THROWS_AS(pass_at_k(3, 1, 4), Error);
  CHECK_THROWS_AS(pass_at_k(3, 1, 0), Error);
}

// By Python's decimal with 40 digits from Wilson's formula.
// The share of the subsets of k samples whose best is correct, equal scores counted in parts: by trying all.
double best_by_enumeration(const std::vector<RankedSample>& samples, int k) {
  double sum = 0;
  int subsets = 0;
  for (unsigned set = 0; set < 1u << samples.size(); ++set) {
    if (std::popcount(set) != k) continue;
    double best = -std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < samples.size(); ++i)
      if (set >> i & 1) best = std::max(best, samples[i].score);
    double correct = 0, firsts = 0;
    for (size_t i = 0; i < samples.size(); ++i)
      if ((set >> i & 1) && samples[i].score == best) ++firsts, correct += samples[i].correct;
    sum += correct / firsts;
    ++subsets;
  }
  return sum / subsets;
}

TEST_CASE("best_of_k is the mean over all subsets of k samples") {
  const double lowest = -std::numeric_limits<double>::infinity();  // a ranker that abstained
  const std::vector<RankedSample> samples{{0.5, true}, {0.9, false}, {0.5, false}, {lowest, true},
                                          {0.9, true}, {0.1, true},  {0.5, false}, {lowest, false}};
  for (int k = 1; k <= 8; ++k) {
    INFO(k);
    CHECK(best_of_k(samples, k) == Approx(best_by_enumeration(samples, k)).epsilon(1e-12));
  }
  CHECK(best_of_k(samples, 8) == Approx(0.5));
}

TEST_CASE("best_of_k of a ranker that knows the truth is pass_at_k, of one that knows nothing the mean") {
  std::vector<RankedSample> knows, blind;
  for (int i = 0; i < 9; ++i) {
    knows.push_back({i < 4 ? 1.0 : 0.0, i < 4});
    blind.push_back({0.5, i < 4});
  }
  for (int64_t k = 1; k <= 9; ++k) {
    CHECK(best_of_k(knows, k) == Approx(pass_at_k(9, 4, k)));
    CHECK(best_of_k(blind, k) == Approx(4.0 / 9));
  }
}

TEST_CASE("Wilson's interval") {
  CHECK(wilson(8, 10).low == Approx(0.49016247153664174).epsilon(1e-14));
  CHECK(wilson(8, 10).high == Approx(0.94331784854562474).epsilon(1e-14));
  CHECK(wilson(0, 10).low == Approx(0).margin(1e-15));
  CHECK(wilson(0, 10).high == Approx(0.27753279986288921).epsilon(1e-14));
  CHECK(wilson(10, 10).low == Approx(0.72246720013711080).epsilon(1e-14));
  CHECK(wilson(10, 10).high == Approx(1).epsilon(1e-15));
  CHECK(wilson(137, 1000).low == Approx(0.11707313063299477).epsilon(1e-14));
  CHECK(wilson(137, 1000).high == Approx(0.15970509602751830).epsilon(1e-14));
  CHECK(wilson(0, 0).low == 0);
  CHECK(wilson(0, 0).high == 1);
}

// By Python's exact fractions: min(1, 2 sum_{i <= min} C(n, i) / 2^n).
TEST_CASE("McNemar's exact test") {
  CHECK(mcnemar_exact(0, 0) == 1);
  CHECK(mcnemar_exact(1, 0) == 1);
  CHECK(mcnemar_exact(5, 5) == 1);
  CHECK(mcnemar_exact(3, 7) == Approx(11.0 / 32).epsilon(1e-14));
  CHECK(mcnemar_exact(7, 3) == mcnemar_exact(3, 7));
  CHECK(mcnemar_exact(2, 15) == Approx(77.0 / 32768).epsilon(1e-14));
  CHECK(mcnemar_exact(0, 60) == Approx(0x1p-59).epsilon(1e-14));
  CHECK(mcnemar_exact(100, 150) == Approx(0.001883300935076157).epsilon(1e-12));
  CHECK(mcnemar_exact(1000, 1200) == Approx(2.1817026407914712e-05).epsilon(1e-12));
  CHECK(mcnemar_exact(0, 1100) == 0);  // 2^-1099 is below the smallest double
  CHECK(mcnemar_exact(500000, 500000) == 1);
}

TEST_CASE("bootstrap: certain differences") {
  const std::vector<double> zeros(50, 0.0), ones(50, 1.0);
  const PairedTest better = paired_bootstrap(zeros, ones, 1, 999);
  CHECK(better.difference == 1);
  CHECK(better.interval.low == 1);
  CHECK(better.interval.high == 1);
  CHECK(better.p_value == Approx(1.0 / 1000));
  const PairedTest worse = paired_bootstrap(ones, zeros, 1, 999);
  CHECK(worse.difference == -1);
  CHECK(worse.p_value == 1);
  const PairedTest same = paired_bootstrap(ones, ones, 1);
  CHECK(same.difference == 0);
  CHECK(same.p_value == 1);
  CHECK(paired_bootstrap({}, {}, 1).p_value == 1);
}

// Resamples of the differences {+1, -1} have mean -1, 0, 1 with probability 1/4, 1/2, 1/4.
TEST_CASE("bootstrap: the resampling distribution of two pairs") {
  const std::vector<double> a = {0, 1}, b = {1, 0};
  const PairedTest test = paired_bootstrap(a, b, 7, 40000);
  CHECK(test.difference == 0);
  CHECK(test.interval.low == -1);
  CHECK(test.interval.high == 1);
  CHECK(test.p_value == Approx(0.75).margin(0.011));  // five standard errors
}

TEST_CASE("bootstrap: close to the normal approximation for many pairs") {
  std::vector<double> a(1000, 0.0), b(1000, 0.0);
  for (size_t i = 0; i < 120; ++i) b[i] = 1;
  for (size_t i = 120; i < 200; ++i) a[i] = 1;
  // Differences: 120 times +1, 80 times -1: mean 0.04, variance 0.2 - 0.04^2.
  const double error = std::sqrt((0.2 - 0.0016) / 1000);
  const PairedTest test = paired_bootstrap(a, b, 3, 20000);
  CHECK(test.difference == Approx(0.04));
  CHECK(test.interval.low == Approx(0.04 - 1.96 * error).margin(0.0015));
  CHECK(test.interval.high == Approx(0.04 + 1.96 * error).margin(0.0015));
  CHECK(test.p_value == Approx(0.5 * std::erfc(0.04 / error / std::sqrt(2))).margin(0.002));
  const PairedTest again = paired_bootstrap(a, b, 3, 20000);
  CHECK(again.p_value == test.p_value);
  CHECK(again.interval.low == test.interval.low);
}
