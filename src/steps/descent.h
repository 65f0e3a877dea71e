// The join of `score:`: a pool's name means the part of it that descends from the unit. A rollout descends from itself,
// from the rollout it was generated from (and that one's ancestors), from its group and from the group that its own was
// made of.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sil/expression.h"
#include "steps/context.h"

namespace sil {

// Pools that the step's formulas name: other steps of the recipe that make groups.
std::vector<std::string> joined_pools(const Recipe& recipe, const StepSpec& spec);

// What an expression reads of them, of synthetic values: for `check`.
std::shared_ptr<const Scope> example_descendants();

class Descent {
 public:
  // Walks the round's pools once. Memory: one entry a unit that has descendants.
  Descent(RoundContext& context, const std::vector<std::string>& pools);

  // The unit's part of every named pool, as fields of the pools' names: size, passed, failed, abstained, and where any
  // was judged pass_rate, mean_score, min_score, max_score.
  std::shared_ptr<const Scope> of(const std::string& round, const Group& group, const Rollout* rollout) const;

 private:
  struct Summary {
    int64_t size = 0, passed = 0, failed = 0;
    double score = 0, least = 0, most = 0;  // over passed and failed
    void add(const Verdict* verdict);
  };
  using Units = std::unordered_map<uint64_t, Summary>;  // by hash of the unit's id

  void link(const RoundContext& context, const PoolPart& part);
  void gather(const RoundContext& context, const PoolPart& part, Units& units) const;
  void add(uint64_t unit, const Verdict* verdict, Units& units) const;
  static std::shared_ptr<const Scope> scope_of(const Summary& summary);

  std::unordered_map<uint64_t, uint64_t> parents_;  // of units that have one
  std::map<std::string, Units> pools_;
  std::vector<std::string> skipped_;  // named, and not made in this round
};

}  // namespace sil
