// Statistics of pass rates and paired comparisons. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sil {

// Unbiased probability that one of k draws without replacement from n samples, c of them correct, is correct:
// 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, "Evaluating Large Language Models Trained on Code"). Needs 1 <= k <= n.
double pass_at_k(int64_t n, int64_t c, int64_t k);

// A sample as a ranker scores it and as it really is.
struct RankedSample {
  double score = 0;  // no NaN
  bool correct = false;
};
// Unbiased probability that the sample with the highest score of k draws without replacement is correct; of equal
// scores each is as likely to be taken. Needs 1 <= k <= samples.size().
double best_of_k(std::vector<RankedSample> samples, int64_t k);

struct Interval {
  double low = 0, high = 0;
};
// Wilson's score interval of a proportion (Wilson 1927); n = 0 gives [0, 1].
Interval wilson(double successes, double n, double z = 1.959963984540054);

struct PairedTest {
  double difference = 0;  // mean of b - a
  Interval interval;      // 95 %, percentile bootstrap over pairs
  double p_value = 1;     // of "b is not better than a", one-sided: share of resamples with difference <= 0, add-one
};
// Resamples pairs with the random stream of `key`; the same inputs give the same figures everywhere.
PairedTest paired_bootstrap(std::span<const double> a, std::span<const double> b, uint64_t key, int resamples = 2000);

// Two-sided exact McNemar test: `only_a` problems solved by a alone, `only_b` by b alone.
double mcnemar_exact(int64_t only_a, int64_t only_b);

}  // namespace sil
