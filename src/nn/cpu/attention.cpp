#include "nn/cpu/attention.h"

#include <algorithm>
#include <span>

#include "sil/error.h"

namespace sil::nn::cpu {
namespace {

constexpr int64_t kBlockRows = 24;  // query rows whose scores are computed together
constexpr int64_t kMostRows = 64;   // of a block, which may be the heads of a group

// What lies at which column of a row of qkv.
struct Columns {
  const Heads& heads;
  int64_t query(int64_t head) const { return head * heads.width; }
  int64_t key(int64_t head) const { return (heads.query + head) * heads.width; }
  int64_t value(int64_t head) const { return (heads.query + heads.key + head) * heads.width; }
};

// Keys and values of one head at consecutive positions.
struct Span {
  const float* keys = nullptr;  // panels
  const float* values = nullptr;
  int64_t value_stride = 0;
  int64_t length = 0;
};

Span cached_span(const Cache& cache, int64_t layer, const Cache::Region& region, int64_t head, int64_t length) {
  const int64_t width = cache.heads().width;
  return {.keys = cache.keys(layer, region) + head * region.capacity * width,
          .values = cache.values(layer, region) + head * region.capacity * width,
          .value_stride = width,
          .length = length};
}

// Drops positions from the beginning of a span, `count` of them or, short of all, as many as are whole panels. Returns
// how many.
int64_t drop(Span& span, int64_t count, int64_t width) {
  const int64_t dropped = count >= span.length ? span.length : count / kPanel * kPanel;
  span.keys += dropped * width;
  span.values += dropped * span.value_stride;
  span.length -= dropped;
  return dropped;
}

void store(Tensor qkv, const Heads& heads, int64_t layer, const Run& run, Cache& cache) {
  const Columns at{heads};
  const int64_t width = heads.width;
  for (int64_t g = 0; g < heads.key; ++g) {
    float* const keys = cache.keys(layer, run.own) + g * run.own.capacity * width;
    float* const values = cache.values(layer, run.own) + g * run.own.capacity * width;
    for (int64_t i = 0; i < run.rows; ++i) {
      const float* const row = qkv.row(run.row + i);
      const int64_t position = run.start + i;
      float* const key = keys + position / kPanel * kPanel * width + position % kPanel;
      for (int64_t d = 0; d < width; ++d) key[d * kPanel] = row[at.key(g) + d];
      std::copy_n(row + at.value(g), width, values + position * width);
    }
  }
}

// Panels [ceil(rows / 16)][width][16] of a column block of `rows` rows.
float* packed_panels(const Primitives& by, const float* in, int64_t stride, int64_t rows, int64_t width,
                     Arena& scratch) {
  float* const out = scratch.floats(panels(rows) * kPanel * width);
  for (int64_t p = 0; p < panels(rows); ++p)
    by.transpose_panel(in + p * kPanel * stride, stride, std::min(kPanel, rows - p * kPanel), width,
                       out + p * kPanel * width);
  return out;
}

// M query rows of one head, their scores and weights.
struct Block {
  const float* query = nullptr;  // row i at query + i * query_stride
  int64_t query_stride = 0;
  int64_t rows = 0;
  float* weights = nullptr;  // [rows][weight_stride]
  int64_t weight_stride = 0;
};

// Writes scores of whole panels from column `first` on: up to 15 more than the span has.
void score(const Primitives& by, const Block& block, int64_t width, const Span& span, int64_t first) {
  by.product({.rows = block.rows,
              .columns = panels(span.length) * kPanel,
              .depth = width,
              .a = block.query,
              .a_row = block.query_stride,
              .b = span.keys,
              .b_panel = width * kPanel,
              .b_depth = kPanel,
              .c = block.weights + first,
              .c_row = block.weight_stride,
              .c_panel = kPanel});
}

// out = or goes on with weights[first, first + length) V.
void weigh(const Primitives& by, const Block& block, int64_t width, const Span& span, int64_t first, float* out,
           int64_t out_stride) {
  for (int64_t done = 0; done < span.length; done += kLongestChain) {
    by.product({.rows = block.rows,
                .columns = width,
                .depth = std::min(kLongestChain, span.length - done),
                .a = block.weights + first + done,
                .a_row = block.weight_stride,
                .b = span.values + done * span.value_stride,
                .b_panel = kPanel,
                .b_depth = span.value_stride,
                .c = out,
                .c_row = out_stride,
                .c_panel = kPanel,
                .into = first + done == 0 ? Product::Into::set : Product::Into::chain});
  }
}

class Attention {
 public:
  Attention(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
            Tensor out, SoftmaxStats* stats, Arena& scratch)
      : by_(by),
        qkv_(qkv),
        heads_(heads),
        layer_(layer),
        layout_(layout),
        out_(out),
        stats_(stats),
        scratch_(scratch) {}

  void run() {
    SIL_CHECK(heads_.group() <= kMostRows);
    for (size_t first = 0; first < layout_.runs.size();) {
      const size_t last = first + together(first);
      const ArenaScope scope(scratch_);
      for (int64_t g = 0; g < heads_.key; ++g) run_head(std::span(layout_.runs).subspan(first, last - first), g);
      first = last;
    }
  }

 private:
  // Runs of one row each that see the same prefix read it together.
  size_t together(size_t first) const {
    const Run& run = layout_.runs[first];
    if (!is_row_after_prefix(run)) return 1;
    size_t last = first + 1;
    while (last < layout_.runs.size() && last - first < kBlockRows && is_row_after_prefix(layout_.runs[last]) &&
           layout_.runs[last].prefix_length == run.prefix_length &&
           layout_.runs[last].prefix.offset == run.prefix.offset)
      ++last;
    return last - first;
  }
  bool is_row_after_prefix(const Run& run) const {
    return layout_.cache != nullptr && run.rows == 1 && layer_.first_seen(run.position() + 1) < run.prefix_length;
  }

  Span own_span(const Run& run, int64_t g) {
    if (layout_.cache != nullptr) return cached_span(*layout_.cache, layer_.index, run.own, g, run.start + run.rows);
    const Columns at{heads_};
    const float* const row = qkv_.row(run.row);
    return {.keys = packed_panels(by_, row + at.key(g), qkv_.columns, run.rows, heads_.width, scratch_),
            .values = row + at.value(g),
            .value_stride = qkv_.columns,
            .length = run.rows};
  }

  void run_head(std::span<const Run> runs, int64_t g) {
    const ArenaScope scope(scratch_);
    const Run& first = runs.front();
    Span prefix;
    if (first.prefix_length > 0)
      prefix = cached_span(*layout_.cache, layer_.index, first.prefix, g, first.prefix_length);
    if (runs.size() > 1) return run_together(runs, g, prefix);
    const Span own = own_span(first, g);
    // The heads of a group stand side by side: one row's are a block of their own.
    if (first.rows == 1) {
      Block block{.query = query(first.row, g * heads_.group()), .query_stride = heads_.width, .rows = heads_.group()};
      return run_block(block, prefix, own, Place{first.row, g * heads_.group(), 0, heads_.width}, own.length, 0);
    }
    for (int64_t h = g * heads_.group(); h < (g + 1) * heads_.group(); ++h)
      for (int64_t i = 0; i < first.rows; i += kBlockRows) {
        const int64_t rows = std::min(kBlockRows, first.rows - i);
        Block block{.query = query(first.row + i, h), .query_stride = qkv_.columns, .rows = rows};
        Span seen = own;
        seen.length = first.start + i + rows;
        run_block(block, prefix, seen, Place{first.row + i, h, 1, out_.columns}, first.start + i + 1, 1);
      }
  }

  // Where a block's rows stand: consecutive rows of one head (step 1) or consecutive heads of one row (step 0).
  struct Place {
    int64_t row = 0;
    int64_t head = 0;
    int64_t step = 1;
    int64_t out_stride = 0;
  };

  const float* query(int64_t row, int64_t head) const { return qkv_.row(row) + head * heads_.width; }
  float* output(int64_t row, int64_t head) const { return out_.row(row) + head * heads_.width; }

  void keep(int64_t row, int64_t head, SoftmaxStats stats) const {
    if (stats_ != nullptr) stats_[row * heads_.query + head] = stats;
  }

  // The softmax of scores [begin, end); what lies before and up to `all` becomes 0.
  SoftmaxStats weights_of(float* scores, int64_t begin, int64_t end, int64_t all) const {
    std::fill_n(scores, begin, 0.0F);
    SoftmaxStats stats;
    stats.sum = by_.softmax_row(scores + begin, end - begin, all - begin, layer_.scale, &stats.max);
    return stats;
  }

  // Up to the first row there are the prefix and `length` positions of `own`, up to each next one `step` more.
  void run_block(Block block, Span prefix, Span own, Place place, int64_t length, int64_t step) {
    const ArenaScope scope(scratch_);
    const int64_t before = prefix.length + length;
    int64_t dropped = drop(prefix, layer_.first_seen(before), heads_.width);
    if (prefix.length == 0) dropped += drop(own, layer_.first_seen(before) - dropped, heads_.width);
    const int64_t all = prefix.length + own.length;
    block.weight_stride = all + kPanel;
    block.weights = scratch_.floats(block.rows * block.weight_stride);
    if (prefix.length > 0) score(by_, block, heads_.width, prefix, 0);
    score(by_, block, heads_.width, own, prefix.length);
    for (int64_t i = 0; i < block.rows; ++i) {
      const int64_t end = before + i * step;
      const SoftmaxStats stats =
          weights_of(block.weights + i * block.weight_stride, layer_.first_seen(end) - dropped, end - dropped, all);
      keep(place.row + i * place.step, place.head + i * (1 - place.step), stats);
      sums_[i] = stats.sum;
    }
    float* const out = output(place.row, place.head);
    if (prefix.length > 0) weigh(by_, block, heads_.width, prefix, 0, out, place.out_stride);
    weigh(by_, block, heads_.width, own, prefix.length, out, place.out_stride);
    for (int64_t i = 0; i < block.rows; ++i) by_.divide(out + i * place.out_stride, heads_.width, sums_[i]);
  }

  void run_together(std::span<const Run> runs, int64_t g, Span prefix) {
    int64_t longest = 0;
    int64_t unseen = prefix.length;
    for (const Run& run : runs) {
      longest = std::max(longest, run.start + 1);
      unseen = std::min(unseen, layer_.first_seen(run.position() + 1));
    }
    const int64_t dropped = drop(prefix, unseen, heads_.width);
    const auto rows = static_cast<int64_t>(runs.size());
    const int64_t row = runs.front().row;
    for (int64_t h = g * heads_.group(); h < (g + 1) * heads_.group(); ++h) {
      const ArenaScope scope(scratch_);
      Block block{.query = query(row, h), .query_stride = qkv_.columns, .rows = rows};
      block.weight_stride = prefix.length + Cache::whole(longest) + kPanel;
      block.weights = scratch_.floats(rows * block.weight_stride);
      score(by_, block, heads_.width, prefix, 0);
      for (int64_t i = 0; i < rows; ++i) {
        const Run& run = runs[static_cast<size_t>(i)];
        const Block one = row_of(block, i);
        score(by_, one, heads_.width, own_span(run, g), prefix.length);
        const int64_t end = run.position() + 1 - dropped;
        const SoftmaxStats stats = weights_of(one.weights, layer_.first_seen(run.position() + 1) - dropped, end, end);
        keep(row + i, h, stats);
        sums_[i] = stats.sum;
      }
      weigh(by_, block, heads_.width, prefix, 0, output(row, h), out_.columns);
      for (int64_t i = 0; i < rows; ++i) {
        weigh(by_, row_of(block, i), heads_.width, own_span(runs[static_cast<size_t>(i)], g), prefix.length,
              output(row + i, h), out_.columns);
        by_.divide(output(row + i, h), heads_.width, sums_[i]);
      }
    }
  }

  static Block row_of(const Block& block, int64_t i) {
    return {.query = block.query + i * block.query_stride,
            .query_stride = block.query_stride,
            .rows = 1,
            .weights = block.weights + i * block.weight_stride,
            .weight_stride = block.weight_stride};
  }

  const Primitives& by_;
  Tensor qkv_;
  const Heads& heads_;
  const AttentionLayer& layer_;
  const Layout& layout_;
  Tensor out_;
  SoftmaxStats* stats_;
  Arena& scratch_;
  float sums_[kMostRows] = {};
};

// The gradient of one sequence. With P = softmax(S), S = scale Q K^T and O = P V (Dao et al. 2022, appendix B):
//   dV = P^T dO,  dP = dO V^T,  dS = P (dP - rowsum(dO O)) scale,  dQ = dS K,  dK = dS^T Q
// P is recomputed from the saved maximum and sum. Sums over query rows go on from block to block and head to head.
class Backward {
 public:
  Backward(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer, Tensor out,
           const SoftmaxStats* stats, Tensor dout, Tensor dqkv, Arena& scratch)
      : by_(by),
        qkv_(qkv),
        heads_(heads),
        layer_(layer),
        out_(out),
        stats_(stats),
        dout_(dout),
        dqkv_(dqkv),
        scratch_(scratch) {}

  void run(const Run& run) {
    for (int64_t i = 0; i < run.rows; ++i)
      std::fill_n(dqkv_.row(run.row + i) + heads_.output(), 2 * heads_.key * heads_.width, 0.0F);
    const Columns at{heads_};
    for (int64_t g = 0; g < heads_.key; ++g) {
      const ArenaScope scope(scratch_);
      const float* const row = qkv_.row(run.row);
      const float* const keys = packed_panels(by_, row + at.key(g), qkv_.columns, run.rows, heads_.width, scratch_);
      const float* const values = packed_panels(by_, row + at.value(g), qkv_.columns, run.rows, heads_.width, scratch_);
      for (int64_t h = g * heads_.group(); h < (g + 1) * heads_.group(); ++h)
        for (int64_t i = 0; i < run.rows; i += kBlockRows) run_block(run, g, h, i, keys, values);
    }
  }

 private:
  void run_block(const Run& run, int64_t g, int64_t h, int64_t first, const float* keys, const float* values) {
    const ArenaScope scope(scratch_);
    const Columns at{heads_};
    const int64_t width = heads_.width;
    const int64_t rows = std::min(kBlockRows, run.rows - first);
    const int64_t row = run.row + first;
    Span key_span{
        .keys = keys, .values = qkv_.row(run.row) + at.key(g), .value_stride = qkv_.columns, .length = first + rows};
    const int64_t dropped = drop(key_span, layer_.first_seen(first + 1), width);
    const int64_t length = key_span.length;
    const Span value_span{.keys = values + dropped * width, .values = nullptr, .value_stride = 0, .length = length};
    const int64_t stride = Cache::whole(length);
    Block p{.query = qkv_.row(row) + at.query(h),
            .query_stride = qkv_.columns,
            .rows = rows,
            .weights = scratch_.floats(rows * stride),
            .weight_stride = stride};
    Block ds{.query = dout_.row(row) + at.query(h),
             .query_stride = dout_.columns,
             .rows = rows,
             .weights = scratch_.floats(rows * stride),
             .weight_stride = stride};
    score(by_, p, width, key_span, 0);
    score(by_, ds, width, value_span, 0);
    for (int64_t i = 0; i < rows; ++i) {
      const float pull = by_.dot(dout_.row(row + i) + at.query(h), out_.row(row + i) + at.query(h), width);
      const int64_t begin = layer_.first_seen(first + i + 1) - dropped;
      turn_row(p.weights + i * stride, ds.weights + i * stride, {begin, first + i + 1 - dropped, stride}, pull,
               stats_[(row + i) * heads_.query + h]);
    }
    weigh(by_, ds, width, key_span, 0, dqkv_.row(row) + at.query(h), dqkv_.columns);
    gather(ds, p.query, qkv_.columns, length, dqkv_.row(run.row + dropped) + at.key(g));
    gather(p, ds.query, dout_.columns, length, dqkv_.row(run.row + dropped) + at.value(g));
  }

  // Columns of a row: those that it sees, and all.
  struct Seen {
    int64_t begin, end, all;
  };
  // Scores become P, products of dO and V become dS; both are 0 where nothing is seen.
  void turn_row(float* weights, float* slopes, const Seen& seen, float pull, const SoftmaxStats& stats) {
    const auto [begin, end, all] = seen;
    std::fill_n(weights, begin, 0.0F);
    std::fill_n(slopes, begin, 0.0F);
    by_.softmax_again(weights + begin, end - begin, all - begin, layer_.scale, stats.max, stats.sum);
    by_.softmax_backward(weights + begin, slopes + begin, end - begin, pull, layer_.scale, slopes + begin);
    std::fill(slopes + end, slopes + all, 0.0F);
  }

  // out[j] goes on with sum over the block's rows of weights[i][j] * in[i].
  void gather(const Block& block, const float* in, int64_t in_stride, int64_t length, float* out) {
    const ArenaScope scope(scratch_);
    float* const left = scratch_.floats(length * block.rows);
    by_.pack_left(block.weights, block.weight_stride, length, block.rows, left);
    by_.product({.rows = length,
                 .columns = heads_.width,
                 .depth = block.rows,
                 .a = left,
                 .a_row = 0,
                 .b = in,
                 .b_panel = kPanel,
                 .b_depth = in_stride,
                 .c = out,
                 .c_row = dqkv_.columns,
                 .c_panel = kPanel,
                 .into = Product::Into::chain});
  }

  const Primitives& by_;
  Tensor qkv_;
  const Heads& heads_;
  const AttentionLayer& layer_;
  Tensor out_;
  const SoftmaxStats* stats_;
  Tensor dout_;
  Tensor dqkv_;
  Arena& scratch_;
};

}  // namespace

void attention(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
               Tensor out, SoftmaxStats* stats, Arena& scratch) {
  if (layout.cache != nullptr)
    for (const Run& run : layout.runs) store(qkv, heads, layer.index, run, *layout.cache);
  Attention(by, qkv, heads, layer, layout, out, stats, scratch).run();
}

void attention_backward(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer,
                        const Layout& layout, Tensor out, const SoftmaxStats* stats, Tensor dout, Tensor dqkv,
                        Arena& scratch) {
  SIL_CHECK(layout.cache == nullptr);
  Backward backward(by, qkv, heads, layer, out, stats, dout, dqkv, scratch);
  for (const Run& run : layout.runs) backward.run(run);
}

}  // namespace sil::nn::cpu
