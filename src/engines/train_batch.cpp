#include "engines/train_batch.h"

#include <algorithm>
#include <limits>
#include <string>

#include "sil/error.h"

namespace sil {
namespace {

constexpr int64_t kLeastShardTokens = 256;
constexpr int64_t kMostShardTokens = 2048;
constexpr int64_t kShards = 8;  // that a small step is cut into, so that several threads have work

size_t sequences_of(const TrainBatch& batch) {
  return batch.begin.size() - 1;
}

int64_t shard_tokens(int64_t step_tokens) {
  return std::clamp((step_tokens + kShards - 1) / kShards, kLeastShardTokens, kMostShardTokens);
}

}  // namespace

void check_ids(std::span<const TokenId> ids, TokenId vocabulary, std::string_view what) {
  const auto bad = std::find_if(ids.begin(), ids.end(), [&](TokenId id) { return id < 0 || id >= vocabulary; });
  if (bad == ids.end()) return;
  throw Error(Exit::unreadable,
              std::string(what) + ": token id " + std::to_string(*bad) + " at position " +
                  std::to_string(bad - ids.begin()) + "; the model's vocabulary has ids 0 to " +
                  std::to_string(vocabulary - 1),
              "encode the text with this model's tokenizer");
}

void check_batch(const TrainBatch& batch, const LossSpec& loss, TokenId vocabulary) {
  const size_t tokens = batch.ids.size();
  SIL_CHECK(!batch.begin.empty() && batch.begin.front() == 0 && static_cast<size_t>(batch.begin.back()) == tokens);
  SIL_CHECK(std::is_sorted(batch.begin.begin(), batch.begin.end()));
  SIL_CHECK(batch.target.size() == tokens && batch.credit.size() == tokens);
  SIL_CHECK(batch.old_logp.empty() || batch.old_logp.size() == tokens);
  SIL_CHECK(batch.reference_logp.empty() || batch.reference_logp.size() == tokens);
  SIL_CHECK(batch.temperature.size() == sequences_of(batch));
  SIL_CHECK(std::all_of(batch.temperature.begin(), batch.temperature.end(), [](float t) { return t > 0; }));
  SIL_CHECK(!batch.pairs || sequences_of(batch) % 2 == 0);
  for (const LossTerm& term : loss.terms) {
    if (!term.atom) continue;
    SIL_CHECK(!term.atom->needs_old() || batch.old_logp.size() == tokens);
    SIL_CHECK(!term.atom->needs_reference() || batch.reference_logp.size() == tokens);
    SIL_CHECK(!term.atom->needs_pairs() || batch.pairs);
  }
  check_ids(batch.ids, vocabulary, "training examples");
}

StepTotals step_totals(const TrainBatch& batch) {
  StepTotals totals;
  for (size_t s = 0; s < sequences_of(batch); ++s) {
    const auto tokens = std::count_if(batch.target.begin() + batch.begin[s], batch.target.begin() + batch.begin[s + 1],
                                      [](uint8_t target) { return target != 0; });
    totals.tokens += static_cast<double>(tokens);
    totals.sequences += tokens > 0 ? 1 : 0;
  }
  if (batch.pairs) totals.pairs = static_cast<double>(sequences_of(batch) / 2);
  return totals;
}

int64_t most_shards(int64_t step_tokens) {
  // Two shards side by side hold more than one may, so at most every second one is less than half full.
  return step_tokens == 0 ? std::numeric_limits<int64_t>::max() : 2 * step_tokens / shard_tokens(step_tokens) + 1;
}

std::vector<MicroShard> micro_shards(const TrainBatch& batch) {
  std::vector<MicroShard> shards;
  const size_t stride = batch.pairs ? 2 : 1;
  const int64_t most = shard_tokens(batch.begin.back());
  size_t first = 0;
  for (size_t s = stride; s < sequences_of(batch); s += stride) {
    if (batch.begin[s + stride] - batch.begin[first] <= most) continue;
    shards.push_back({first, s});
    first = s;
  }
  if (first < sequences_of(batch)) shards.push_back({first, sequences_of(batch)});
  return shards;
}

}  // namespace sil
