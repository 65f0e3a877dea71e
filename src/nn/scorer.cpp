#include "nn/scorer.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nn/tape.h"
#include "sil/error.h"

namespace sil::nn {
namespace {

struct Pack {
  size_t first = 0;  // sequence
  size_t last = 0;
  size_t out = 0;  // where its log-probs go
};

std::vector<Pack> packs_of(const ScoreBatch& batch, size_t& total) {
  std::vector<Pack> packs;
  for (size_t s = 0; s < batch.start.size(); ++s) {
    const bool fits =
        !packs.empty() && static_cast<int64_t>(batch.begin[s + 1] - batch.begin[packs.back().first]) <= kPackTokens;
    if (!fits) packs.push_back({.first = s, .last = s, .out = total});
    packs.back().last = s + 1;
    total += batch.begin[s + 1] - batch.begin[s] - batch.start[s];
  }
  return packs;
}

// What all packs of a call share.
struct Scoring {
  const Model& model;
  const DecoderWeights& weights;
  const ScoreBatch& batch;
  float temperature;
};

void score_pack(const Scoring& call, const Pack& pack, Arena& arena, std::span<float> out) {
  const auto& [model, weights, batch, temperature] = call;
  std::vector<int64_t> begin;
  std::vector<int32_t> rows;
  std::vector<TokenId> wanted;
  const uint64_t from = batch.begin[pack.first];
  for (size_t s = pack.first; s < pack.last; ++s) {
    begin.push_back(static_cast<int64_t>(batch.begin[s] - from));
    for (uint64_t n = batch.begin[s] + batch.start[s]; n < batch.begin[s + 1]; ++n) {
      rows.push_back(static_cast<int32_t>(n - from - 1));
      wanted.push_back(batch.ids[n]);
    }
  }
  if (wanted.empty()) return;
  const uint64_t size = batch.begin[pack.last] - from;
  begin.push_back(static_cast<int64_t>(size));
  const Layout layout = packed_layout(begin);
  const ArenaScope scope(arena);
  Tape tape(model.kernels(), arena, false);
  const Var logits =
      decoder(tape, model.shape(), weights, model.rotary(), std::span(batch.ids).subspan(from, size), layout, rows);
  const std::vector<float> temperatures(wanted.size(), temperature);
  std::vector<LogSum> sums(wanted.size());
  model.kernels().log_probs(tape.value(logits), wanted, temperatures, sums, out.first(wanted.size()));
}

}  // namespace

Layout packed_layout(std::span<const int64_t> begin) {
  Layout layout;
  for (size_t s = 0; s + 1 < begin.size(); ++s)
    if (begin[s + 1] > begin[s])
      layout.runs.push_back(
          {.row = begin[s], .rows = begin[s + 1] - begin[s], .start = 0, .own = {}, .prefix = {}, .prefix_length = 0});
  return layout;
}

std::vector<float> score_sequences(const Model& model, const float* weights, const ScoreBatch& batch, float temperature,
                                   ThreadPool* pool) {
  for (size_t s = 0; s < batch.start.size(); ++s)
    model.check_length("score: a sequence", static_cast<int64_t>(batch.begin[s + 1] - batch.begin[s]));
  size_t total = 0;
  const std::vector<Pack> packs = packs_of(batch, total);
  std::vector<float> out(total);
  const DecoderWeights view(model.shape(), model.parameters(), weights, nullptr);
  const Scoring call{.model = model, .weights = view, .batch = batch, .temperature = temperature};
  std::mutex mutex;
  std::vector<std::unique_ptr<Arena>> idle;  // of threads between two packs
  const auto work = [&](int64_t p) {
    std::unique_ptr<Arena> arena;
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        arena = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!arena) arena = std::make_unique<Arena>();
    const Pack& pack = packs[static_cast<size_t>(p)];
    score_pack(call, pack, *arena, std::span(out).subspan(pack.out));
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(arena));
  };
  if (pool != nullptr)
    pool->for_each(static_cast<int64_t>(packs.size()), work);
  else
    for (size_t p = 0; p < packs.size(); ++p) work(static_cast<int64_t>(p));
  return out;
}

}  // namespace sil::nn
