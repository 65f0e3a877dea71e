#include <numeric>

#include "stores/stores.h"

namespace sil {
namespace {

struct AgeOptions {
  int64_t rounds = 1;
  void visit(OptionVisitor& v) {
    v.option("rounds", rounds,
             {.help = "a record older than this is forgotten; 1 = usable in the round after its own", .low = 0});
  }
};

class Age final : public EvictRule {
 public:
  explicit Age(AgeOptions options) : rounds_(options.rounds) {}
  std::vector<size_t> evict(const std::vector<StoreRecord>& records) const override {
    std::vector<size_t> places;
    for (size_t i = 0; i < records.size(); ++i)
      if (records[i].age > rounds_) places.push_back(i);
    return places;
  }

 private:
  int64_t rounds_;
};

struct MaxOptions {
  int64_t records = 1;
  void visit(OptionVisitor& v) {
    v.option("records", records, {.help = "most records; the oldest are forgotten first", .low = 1, .required = true});
  }
};

class Max final : public EvictRule {
 public:
  explicit Max(MaxOptions options) : records_(static_cast<size_t>(options.records)) {}
  std::vector<size_t> evict(const std::vector<StoreRecord>& records) const override {
    std::vector<size_t> places(records.size() > records_ ? records.size() - records_ : 0);
    std::iota(places.begin(), places.end(), size_t{0});
    return places;
  }

 private:
  size_t records_;
};

}  // namespace

void register_evictions(Registry<EvictRule>& registry) {
  registry.add<Age, AgeOptions>("age", "forget records after so many rounds", "rounds");
  registry.add<Max, MaxOptions>("max", "keep so many records", "records");
}

}  // namespace sil
