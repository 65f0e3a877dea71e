#include "engines/truncation.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/math.h"

namespace sil {
namespace {

// Order of a heap whose top is the likeliest column.
struct Behind {
  std::span<const float> z;
  bool operator()(TokenId a, TokenId b) const {
    const float left = z[static_cast<size_t>(a)];
    const float right = z[static_cast<size_t>(b)];
    return left < right || (left == right && a > b);
  }
};

// Most likely first, taken from a heap only as far as the filters look.
class Ranking {
 public:
  Ranking(std::span<const float> z, std::vector<TokenId>& order) : z_(z), order_(order) {
    order_.resize(z.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::make_heap(order_.begin(), order_.end(), Behind{z_});
  }

  // Moves the next most likely column behind the ones taken before it (the back of `order`).
  TokenId next() {
    std::pop_heap(order_.begin(), order_.end() - static_cast<std::ptrdiff_t>(taken_), Behind{z_});
    ++taken_;
    return order_[order_.size() - taken_];
  }
  size_t taken() const { return taken_; }

 private:
  std::span<const float> z_;
  std::vector<TokenId>& order_;
  size_t taken_ = 0;
};

// exp(z - max) of the columns that top_k and top_p keep, most likely first.
std::vector<double> leading_weights(std::span<const float> z, const LogSum& total, const SamplingOptions& options,
                                    Ranking& ranking) {
  const size_t most = options.top_k > 0 ? std::min(static_cast<size_t>(options.top_k), z.size()) : z.size();
  std::vector<double> weights;
  double whole = static_cast<double>(exact_exp(total.log));
  const auto take = [&] {
    const float value = z[static_cast<size_t>(ranking.next())];
    weights.push_back(static_cast<double>(exact_exp(value - total.max)));
  };
  if (options.top_k > 0) {
    while (weights.size() < most) take();
    whole = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  if (options.top_p >= 1) {
    while (weights.size() < most) take();
    return weights;
  }
  double sum = 0;
  size_t kept = 0;
  while (kept < most && (kept == 0 || sum < options.top_p * whole)) {
    if (kept == weights.size()) take();
    sum += weights[kept++];
  }
  weights.resize(kept);
  return weights;
}

}  // namespace

bool truncates(const SamplingOptions& options) {
  return options.temperature != 0 && (options.top_k > 0 || options.top_p < 1 || options.min_p > 0);
}

float truncate_row(std::span<float> z, const LogSum& total, const SamplingOptions& options,
                   std::vector<TokenId>& order) {
  Ranking ranking(z, order);
  std::vector<double> weights = leading_weights(z, total, options, ranking);
  while (weights.size() > 1 && weights.back() < options.min_p) weights.pop_back();
  if (weights.size() == z.size()) return 1;
  // `order` holds the taken columns at its back, the likeliest last.
  const auto cut = order.end() - static_cast<std::ptrdiff_t>(weights.size());
  for (auto id = order.begin(); id != cut; ++id) z[static_cast<size_t>(*id)] = -std::numeric_limits<float>::infinity();
  const double mass = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(exact_exp(total.log));
  return static_cast<float>(std::min(mass, 1.0));
}

}  // namespace sil
