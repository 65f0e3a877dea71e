// Draws without replacement. `n` of 0, or more than there are, means all records.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/math.h"
#include "sil/rng.h"
#include "stores/stores.h"

namespace sil {

std::vector<size_t> shuffled(size_t size, uint64_t key, uint64_t item) {
  std::vector<size_t> places(size);
  std::iota(places.begin(), places.end(), size_t{0});
  RandomStream random(key, item);
  for (size_t left = size; left > 1; --left) std::swap(places[left - 1], places[random.below(left)]);
  return places;
}

namespace {

size_t limit(const std::vector<StoreRecord>& records, int64_t n) {
  SIL_CHECK(n >= 0);
  return n == 0 ? records.size() : std::min(records.size(), static_cast<size_t>(n));
}

// Oldest first; with n, the newest n.
class All final : public DrawLaw {
 public:
  explicit All(NoOptions) {}
  std::vector<size_t> draw(const std::vector<StoreRecord>& records, int64_t n, uint64_t) const override {
    std::vector<size_t> places(limit(records, n));
    std::iota(places.begin(), places.end(), records.size() - places.size());
    return places;
  }
};

class Uniform final : public DrawLaw {
 public:
  explicit Uniform(NoOptions) {}
  std::vector<size_t> draw(const std::vector<StoreRecord>& records, int64_t n, uint64_t key) const override {
    std::vector<size_t> places = shuffled(records.size(), key, 0);
    places.resize(limit(records, n));
    return places;
  }
};

struct RecencyOptions {
  double decay = 0.5;
  void visit(OptionVisitor& v) {
    v.option(
        "decay", decay,
        {.help = "how likely a record is against one that is a round younger", .low = 0, .high = 1, .above_low = true});
  }
};

// One record after another, each with probability in proportion to decay^age among those left. Drawn at once as the
// largest Gumbel-perturbed log-weights (Efraimidis and Spirakis 2006; Kool et al. 2019, "Stochastic Beams and Where to
// Find Them"). The noise belongs to the record, so that forgetting others does not change it.
class Recency final : public DrawLaw {
 public:
  explicit Recency(RecencyOptions options) : log_decay_(exact_log(options.decay)) {}
  std::vector<size_t> draw(const std::vector<StoreRecord>& records, int64_t n, uint64_t key) const override {
    std::vector<std::pair<double, size_t>> ranks;
    ranks.reserve(records.size());
    for (size_t i = 0; i < records.size(); ++i) {
      const double unit = std::max(RandomStream(key, records[i].id).unit(), 0x1p-54);  // never 0
      const double gumbel = -exact_log(-exact_log(unit));
      ranks.emplace_back(-(gumbel + static_cast<double>(records[i].age) * log_decay_), i);
    }
    std::sort(ranks.begin(), ranks.end());
    std::vector<size_t> places;
    for (size_t r = 0; r < limit(records, n); ++r) places.push_back(ranks[r].second);
    return places;
  }

 private:
  double log_decay_;
};

}  // namespace

void register_draws(Registry<DrawLaw>& registry) {
  registry.add<All, NoOptions>("all", "every record, oldest first; with n the newest n");
  registry.add<Uniform, NoOptions>("uniform", "n different records, each as likely as any");
  registry.add<Recency, RecencyOptions>("recency", "n different records, newer ones more likely", "decay");
}

}  // namespace sil
