// A fixed share from the newest round, the rest from all older ones: the sampling mix of Lee et al. 2025
// ("Self-Improving Transformers Overcome Easy-to-Hard and Length Generalization") and of experience replay.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "sil/rng.h"
#include "stores/stores.h"

namespace sil {
namespace {

struct MixOptions {
  double newest = 0.5;
  void visit(OptionVisitor& v) {
    v.option("newest", newest, {.help = "share of the records put in the newest round", .low = 0, .high = 1});
  }
};

// An endless sequence over some places: every one once in a random order, then again in another.
class Cycle {
 public:
  Cycle(std::vector<size_t> places, uint64_t key, uint64_t part) : places_(std::move(places)), key_(key), part_(part) {}
  size_t next() {
    if (used_ == order_.size()) {
      order_ = shuffled(places_.size(), key_, 2 * pass_++ + part_);
      used_ = 0;
    }
    return places_[order_[used_++]];
  }

 private:
  std::vector<size_t> places_;
  uint64_t key_;
  uint64_t part_;
  uint64_t pass_ = 0;
  std::vector<size_t> order_;
  size_t used_ = 0;
};

class Mix final : public DrawLaw {
 public:
  explicit Mix(MixOptions options) : newest_(options.newest) {}

  // n = 0: as many as there are records. Records repeat only when their part is smaller than its share. Both parts are
  // interleaved evenly, so that the share holds in every stretch of the result.
  std::vector<size_t> draw(const std::vector<StoreRecord>& records, int64_t n, uint64_t key) const override {
    SIL_CHECK(n >= 0);
    std::vector<size_t> result;
    if (records.empty()) return result;
    int64_t round = records.front().round;
    for (const StoreRecord& record : records) round = std::max(round, record.round);
    std::vector<size_t> young, old;
    for (size_t i = 0; i < records.size(); ++i) (records[i].round == round ? young : old).push_back(i);

    const int64_t total = n == 0 ? static_cast<int64_t>(records.size()) : n;
    const int64_t share = old.empty() ? total : std::llround(newest_ * static_cast<double>(total));
    Cycle from_young(std::move(young), key, 0), from_old(std::move(old), key, 1);
    result.reserve(static_cast<size_t>(total));
    int64_t rest = 0;  // of (drawn * share) / total
    for (int64_t drawn = 0; drawn < total; ++drawn) {
      rest += share;
      const bool is_young = rest >= total;
      if (is_young) rest -= total;
      result.push_back(is_young ? from_young.next() : from_old.next());
    }
    return result;
  }

 private:
  double newest_;
};

}  // namespace

void register_mix(Registry<DrawLaw>& registry) {
  registry.add<Mix, MixOptions>("mix", "a share from the newest round, the rest from older ones", "newest");
}

}  // namespace sil
