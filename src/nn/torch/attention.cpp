// A region of the cache holds keys, then values, each [key heads][capacity][width].
#include "nn/torch/attention.h"

#include <limits>

#include "nn/torch/views.h"

namespace sil::nn::torch {
namespace {

// The parts of a run's rows of qkv, each [heads][rows][width].
struct Parts {
  at::Tensor query, key, value;
};

Parts parts_of(const Views& on, Tensor qkv, const Heads& heads, const Run& run) {
  const at::Tensor rows = on.view(qkv)
                              .narrow(0, run.row, run.rows)
                              .view({run.rows, heads.query + 2 * heads.key, heads.width})
                              .transpose(0, 1);
  return {.query = rows.narrow(0, 0, heads.query),
          .key = rows.narrow(0, heads.query, heads.key),
          .value = rows.narrow(0, heads.query + heads.key, heads.key)};
}

at::Tensor region(const Views& on, const float* data, const Heads& heads, const Cache::Region& where) {
  return on.view(data, {heads.key, where.capacity, heads.width});
}

// Keys and values that a run sees, each [query heads][positions][width].
struct Seen {
  at::Tensor keys, values;
};

Seen seen_by(const Views& on, const Parts& parts, const Heads& heads, int64_t layer, const Run& run, Cache* cache) {
  std::vector<at::Tensor> keys, values;
  const auto take = [&](const Cache::Region& where, int64_t length) {
    keys.push_back(region(on, cache->keys(layer, where), heads, where).narrow(1, 0, length));
    values.push_back(region(on, cache->values(layer, where), heads, where).narrow(1, 0, length));
  };
  if (cache != nullptr && run.prefix_length > 0) take(run.prefix, run.prefix_length);
  if (cache != nullptr) {
    take(run.own, run.start + run.rows);
  } else {
    keys.push_back(parts.key);
    values.push_back(parts.value);
  }
  return {.keys = at::cat(keys, 1).repeat_interleave(heads.group(), 0),
          .values = at::cat(values, 1).repeat_interleave(heads.group(), 0)};
}

// [query heads][rows][positions], what a row does not see at minus infinity. Row i stands at position first + i.
at::Tensor scores_of(const at::Tensor& query, const at::Tensor& keys, const AttentionLayer& layer, int64_t first) {
  const at::Tensor all = at::ones({query.size(1), keys.size(1)}, query.options().dtype(at::kBool));
  at::Tensor unseen = all.triu(first + 1);
  if (layer.window > 0) unseen = unseen.logical_or(all.tril(first - layer.window));
  return at::bmm(query, keys.transpose(1, 2))
      .mul_(static_cast<double>(layer.scale))
      .masked_fill_(unseen, -std::numeric_limits<float>::infinity());
}

// Maximum or sum of a run's rows, [query heads][rows][1].
at::Tensor stat(const Views& on, const SoftmaxStats* stats, const Heads& heads, const Run& run, int64_t which) {
  return on.view(&stats[run.row * heads.query].max, {run.rows, heads.query, 2}).narrow(2, which, 1).transpose(0, 1);
}

// Sums over the query heads of a group: [query heads] -> [key heads].
at::Tensor by_group(const at::Tensor& gradient, const Heads& heads) {
  return gradient.view({heads.key, heads.group(), gradient.size(1), gradient.size(2)}).sum(1);
}

}  // namespace

void attention(const Views& on, Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
               Tensor out, SoftmaxStats* stats) {
  for (const Run& run : layout.runs) {
    const Parts parts = parts_of(on, qkv, heads, run);
    if (layout.cache != nullptr) {
      region(on, layout.cache->keys(layer.index, run.own), heads, run.own)
          .narrow(1, run.start, run.rows)
          .copy_(parts.key);
      region(on, layout.cache->values(layer.index, run.own), heads, run.own)
          .narrow(1, run.start, run.rows)
          .copy_(parts.value);
    }
    const Seen seen = seen_by(on, parts, heads, layer.index, run, layout.cache);
    const at::Tensor scores = scores_of(parts.query, seen.keys, layer, run.position());
    const at::Tensor max = std::get<0>(scores.max(2, true));
    const at::Tensor weights = at::exp(scores - max);
    const at::Tensor sum = weights.sum(2, true);
    if (stats != nullptr) {
      stat(on, stats, heads, run, 0).copy_(max);
      stat(on, stats, heads, run, 1).copy_(sum);
    }
    on.view(out.row(run.row), {run.rows, heads.query, heads.width})
        .transpose(0, 1)
        .copy_(at::bmm(weights, seen.values).div_(sum));
  }
}

// With P = softmax(S), S = scale Q K^T and O = P V: dV = P^T dO, dP = dO V^T, dS = P (dP - rowsum(dO O)) scale,
// dQ = dS K, dK = dS^T Q (Dao et al. 2022, appendix B).
void attention_backward(const Views& on, Tensor qkv, const Heads& heads, const AttentionLayer& layer,
                        const Layout& layout, Tensor out, const SoftmaxStats* stats, Tensor dout, Tensor dqkv) {
  TORCH_CHECK(layout.cache == nullptr, "the gradient of attention goes without a cache");
  for (const Run& run : layout.runs) {
    const Parts parts = parts_of(on, qkv, heads, run);
    const Parts slopes = parts_of(on, dqkv, heads, run);
    const Seen seen = seen_by(on, parts, heads, 0, run, nullptr);
    const auto of_heads = [&](Tensor rows) {
      return on.view(rows.row(run.row), {run.rows, heads.query, heads.width}).transpose(0, 1);
    };
    const at::Tensor d = of_heads(dout);
    const at::Tensor p = at::exp(scores_of(parts.query, seen.keys, layer, 0) - stat(on, stats, heads, run, 0))
                             .div_(stat(on, stats, heads, run, 1));
    const at::Tensor pull = (d * of_heads(out)).sum(2, true);
    const at::Tensor ds =
        (at::bmm(d, seen.values.transpose(1, 2)) - pull).mul_(p).mul_(static_cast<double>(layer.scale));
    slopes.query.copy_(at::bmm(ds, seen.keys));
    slopes.key.copy_(by_group(at::bmm(ds.transpose(1, 2), parts.query), heads));
    slopes.value.copy_(by_group(at::bmm(p.transpose(1, 2), d), heads));
  }
}

}  // namespace sil::nn::torch
