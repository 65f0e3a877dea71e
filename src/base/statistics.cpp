#include "base/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sil/error.h"
#include "sil/rng.h"

namespace sil {

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  SIL_CHECK(1 <= k && k <= n && 0 <= c && c <= n);
  if (n - c < k) return 1;
  double all_wrong = 1;  // C(n-c, k) / C(n, k), factor by factor
  for (int64_t i = n - c + 1; i <= n; ++i) all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

double best_of_k(std::vector<RankedSample> samples, int64_t k) {
  const int64_t n = std::ssize(samples);
  SIL_CHECK(1 <= k && k <= n);
  std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
  const auto all_among_lowest = [&](int64_t m) {  // C(m, k) / C(n, k), factor by factor
    double share = m < k ? 0 : 1;
    for (int64_t i = 0; m >= k && i < k; ++i) share *= static_cast<double>(m - i) / static_cast<double>(n - i);
    return share;
  };
  double expected = 0;
  for (int64_t begin = 0, end = 0; begin < n; begin = end) {
    int64_t correct = 0;
    for (; end < n && samples[static_cast<size_t>(end)].score == samples[static_cast<size_t>(begin)].score; ++end)
      correct += samples[static_cast<size_t>(end)].correct;
    expected += (all_among_lowest(end) - all_among_lowest(begin)) * static_cast<double>(correct) /
                static_cast<double>(end - begin);
  }
  return std::min(1.0, expected);
}

Interval wilson(double successes, double n, double z) {
  SIL_CHECK(successes >= 0 && successes <= n);
  if (n == 0) return {0, 1};
  const double p = successes / n;
  const double z2n = z * z / n;
  const double centre = p + z2n / 2;
  const double half = z * std::sqrt(p * (1 - p) / n + z2n / (4 * n));
  return {std::max(0.0, (centre - half) / (1 + z2n)), std::min(1.0, (centre + half) / (1 + z2n))};
}

PairedTest paired_bootstrap(std::span<const double> a, std::span<const double> b, uint64_t key, int resamples) {
  SIL_CHECK(a.size() == b.size() && resamples >= 1);
  PairedTest test;
  const size_t n = a.size();
  if (n == 0) return test;
  std::vector<double> difference(n);
  double total = 0;
  for (size_t i = 0; i < n; ++i) total += difference[i] = b[i] - a[i];
  test.difference = total / static_cast<double>(n);

  std::vector<double> means(static_cast<size_t>(resamples));
  int64_t not_better = 0;
  for (size_t r = 0; r < means.size(); ++r) {
    RandomStream random(key, r);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += difference[random.below(n)];
    means[r] = sum / static_cast<double>(n);
    if (sum <= 0) ++not_better;
  }
  std::sort(means.begin(), means.end());
  // 2.5 % of the resamples, rounded down, are left out at each end.
  const size_t tail = means.size() / 40;
  test.interval = {means[tail], means[means.size() - 1 - tail]};
  test.p_value = static_cast<double>(not_better + 1) / static_cast<double>(resamples + 1);
  return test;
}

double mcnemar_exact(int64_t only_a, int64_t only_b) {
  SIL_CHECK(only_a >= 0 && only_b >= 0);
  const int64_t n = only_a + only_b;
  const int64_t least = std::min(only_a, only_b);
  // C(n, least) / 2^n; halvings are spent as the product grows, so that neither over- nor underflows on the way.
  double term = 1;
  int64_t halvings = n;
  for (int64_t i = 1; i <= least; ++i) {
    term *= static_cast<double>(n - least + i) / static_cast<double>(i);
    for (; term > 1 && halvings > 0; --halvings) term /= 2;
  }
  term = std::ldexp(term, -static_cast<int>(std::min<int64_t>(halvings, 5000)));
  double tail = 0;
  for (int64_t i = least; i >= 0; --i) {
    tail += term;
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace sil
