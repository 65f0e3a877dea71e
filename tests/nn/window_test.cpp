// Attention of layers with a window: against plain loops in double precision, and every way to compute it against the
// others, bit for bit.
#include <cmath>
#include <cstring>

#include "nn/cpu/kernels.h"
#include "nn/scorer.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

using nn::AttentionLayer;
using nn::Layout;
using nn::Run;
using Values = std::vector<float>;

const nn::Heads kHeads{.query = 4, .key = 2, .width = 8};
constexpr int64_t kRows = 150;
const std::vector<int64_t> kWindows = {1, 11, 16, 30, 64, 65, 200};

AttentionLayer layer_of(int64_t window) {
  return {.index = 0, .scale = 0.4F, .window = window};
}

struct Rows {
  Values data;
  int64_t columns;

  Rows(int64_t rows, int64_t of_columns, uint64_t name = 0)
      : data(static_cast<size_t>(rows * of_columns + 16)), columns(of_columns) {
    RandomStream random(21, name);
    if (name != 0)
      for (float& value : data) value = static_cast<float>(random.unit() * 2 - 1);
  }
  nn::Tensor rows(int64_t first, int64_t count) { return {data.data() + first * columns, count, columns}; }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(data[static_cast<size_t>(row * columns + column)]);
  }
};

// Attention of one sequence of kRows rows and its gradient, from their formulas.
struct InDouble {
  std::vector<double> out = std::vector<double>(static_cast<size_t>(kRows * kHeads.output()));
  std::vector<double> dqkv = std::vector<double>(static_cast<size_t>(kRows * kHeads.row()));

  InDouble(const Rows& qkv, const Rows& dout, const AttentionLayer& layer) {
    for (int64_t h = 0; h < kHeads.query; ++h)
      for (int64_t i = 0; i < kRows; ++i) add_row(qkv, dout, layer, h, i);
  }

 private:
  static int64_t key(int64_t head) { return (kHeads.query + head / kHeads.group()) * kHeads.width; }
  static int64_t value(int64_t head) { return key(head) + kHeads.key * kHeads.width; }
  double& slope(int64_t row, int64_t column) { return dqkv[static_cast<size_t>(row * kHeads.row() + column)]; }

  void add_row(const Rows& qkv, const Rows& dout, const AttentionLayer& layer, int64_t h, int64_t i) {
    const int64_t query = h * kHeads.width;
    const auto scale = static_cast<double>(layer.scale);
    const int64_t first = std::max<int64_t>(0, i - layer.window + 1);
    const auto dot = [&](const Rows& a, int64_t column_a, int64_t j, int64_t column_b) {
      double sum = 0;
      for (int64_t d = 0; d < kHeads.width; ++d) sum += a.at(i, column_a + d) * qkv.at(j, column_b + d);
      return sum;
    };
    std::vector<double> p, dp;
    double sum = 0, pull = 0;
    for (int64_t j = first; j <= i; ++j) {
      p.push_back(std::exp(scale * dot(qkv, query, j, key(h))));
      dp.push_back(dot(dout, query, j, value(h)));
      sum += p.back();
    }
    for (size_t n = 0; n < p.size(); ++n) pull += (p[n] /= sum) * dp[n];
    for (int64_t j = first; j <= i; ++j) {
      const double weight = p[static_cast<size_t>(j - first)];
      const double ds = weight * (dp[static_cast<size_t>(j - first)] - pull) * scale;
      for (int64_t d = 0; d < kHeads.width; ++d) {
        out[static_cast<size_t>(i * kHeads.output() + query + d)] += weight * qkv.at(j, value(h) + d);
        slope(i, query + d) += ds * qkv.at(j, key(h) + d);
        slope(j, key(h) + d) += ds * qkv.at(i, query + d);
        slope(j, value(h) + d) += weight * dout.at(i, query + d);
      }
    }
  }
};

double largest_difference(const Values& seen, const std::vector<double>& expected) {
  double largest = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(seen[i]) - expected[i]));
  return largest;
}

// Attention of rows [first, first + count) of one sequence of keys and values, by kernels of this CPU.
class Sequence {
 public:
  explicit Sequence(int64_t window) : layer_(layer_of(window)) {}

  Rows qkv{kRows, kHeads.row(), 1};
  Rows out{kRows, kHeads.output()};

  void attend(const Layout& layout, int64_t first, int64_t count, nn::SoftmaxStats* stats = nullptr) {
    kernels->attention(qkv.rows(first, count), kHeads, layer_, layout, out.rows(first, count), stats, scratch);
  }
  void whole() { attend(nn::packed_layout(std::vector<int64_t>{0, kRows}), 0, kRows); }
  // The first `prefix` rows into a region of their own, the others `step` at a time into another.
  void in_pieces(int64_t prefix, int64_t step) {
    nn::Cache cache(kHeads, 1, 2 * nn::Cache::whole(kRows));
    const nn::Cache::Region shared{0, nn::Cache::whole(kRows)}, own{shared.capacity, shared.capacity};
    for (int64_t at = 0; at < kRows;) {
      const bool in_prefix = at < prefix;
      const int64_t rows = std::min(step, (in_prefix ? prefix : kRows) - at);
      attend({.runs = {{.row = 0,
                        .rows = rows,
                        .start = in_prefix ? at : at - prefix,
                        .own = in_prefix ? shared : own,
                        .prefix = shared,
                        .prefix_length = in_prefix ? 0 : prefix}},
              .cache = &cache},
             at, rows);
      at += rows;
    }
  }

  std::unique_ptr<nn::Kernels> kernels = nn::cpu_kernels();
  nn::Arena scratch;

 private:
  AttentionLayer layer_;
};

bool same_bits(const Values& a, const Values& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_CASE("a window's attention and its gradient are those of the formulas") {
  const Rows dout(kRows, kHeads.output(), 2);
  for (const int64_t window : kWindows) {
    INFO("window " << window);
    Sequence sequence(window);
    std::vector<nn::SoftmaxStats> stats(static_cast<size_t>(kRows * kHeads.query));
    const Layout layout = nn::packed_layout(std::vector<int64_t>{0, kRows});
    sequence.attend(layout, 0, kRows, stats.data());
    Rows slope = dout;
    Rows dqkv(kRows, kHeads.row());
    sequence.kernels->attention_backward(sequence.qkv.rows(0, kRows), kHeads, layer_of(window), layout,
                                         sequence.out.rows(0, kRows), stats.data(), slope.rows(0, kRows),
                                         dqkv.rows(0, kRows), sequence.scratch);
    const InDouble expected(sequence.qkv, dout, layer_of(window));
    CHECK(largest_difference(sequence.out.data, expected.out) < 1e-5);
    CHECK(largest_difference(dqkv.data, expected.dqkv) < 1e-4);
  }
}

TEST_CASE("rows of a window are the same bits through a cache, whatever was read before and together") {
  for (const int64_t window : kWindows) {
    Sequence sequence(window);
    sequence.whole();
    for (const int64_t prefix : {0, 20, 64, 101}) {
      for (const int64_t step : {1, 7, 30, 150}) {
        INFO("window " << window << ", prefix " << prefix << ", step " << step);
        Sequence again(window);
        again.in_pieces(prefix, step);
        CHECK(same_bits(again.out.data, sequence.out.data));
      }
    }
  }
}

TEST_CASE("rows of a window that read a prefix together are the same bits, those that see nothing of it among them") {
  constexpr int64_t kPrefix = 64;
  const std::vector<int64_t> starts = {0, 3, 20, 9, 37, 50, 29, 30};
  for (const int64_t window : kWindows) {
    INFO("window " << window);
    Sequence sequence(window);
    sequence.whole();
    Sequence again(window);
    nn::Cache cache(kHeads, 1, 64 * 9);
    const nn::Cache::Region shared{0, 64};
    again.attend({.runs = {{.row = 0, .rows = kPrefix, .start = 0, .own = shared, .prefix = {}, .prefix_length = 0}},
                  .cache = &cache},
                 0, kPrefix);
    Layout together{.runs = {}, .cache = &cache};
    Rows last(std::ssize(starts), kHeads.row());
    for (int64_t i = 0; i < std::ssize(starts); ++i) {
      const int64_t start = starts[static_cast<size_t>(i)];
      const nn::Cache::Region own{64 * (i + 1), 64};
      const Run run{.row = 0, .rows = start, .start = 0, .own = own, .prefix = shared, .prefix_length = kPrefix};
      if (start > 0) again.attend({.runs = {run}, .cache = &cache}, kPrefix, start);
      together.runs.push_back(
          {.row = i, .rows = 1, .start = start, .own = own, .prefix = shared, .prefix_length = kPrefix});
      std::copy_n(again.qkv.rows(kPrefix + start, 1).data, kHeads.row(), last.rows(i, 1).data);
    }
    Rows out(std::ssize(starts), kHeads.output());
    again.kernels->attention(last.rows(0, std::ssize(starts)), kHeads, layer_of(window), together,
                             out.rows(0, std::ssize(starts)), nullptr, again.scratch);
    for (int64_t i = 0; i < std::ssize(starts); ++i) {
      const nn::Tensor expected = sequence.out.rows(kPrefix + starts[static_cast<size_t>(i)], 1);
      CHECK(std::memcmp(out.rows(i, 1).data, expected.data, sizeof(float) * static_cast<size_t>(kHeads.output())) == 0);
    }
  }
}

}  // namespace
}  // namespace sil::test
