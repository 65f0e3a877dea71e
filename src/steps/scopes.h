// What expressions of the recipe can read. Every scope declares its fields, so that `sil check` finds a misspelt one.
//
//   rollout  text tokens finish sample logprob weight + the verdict + group + problem + round
//   verdict  pass fail abstain score label reason parts (parts.NAME)
//   group    pass_rate mean_score size
//   problem  prompt answer difficulty split task index meta (meta.x: any)
//   steps    STEP.METRIC of this round's finished steps, e.g. evaluate.pass_at_1
#pragma once

#include <map>
#include <memory>
#include <string>

#include "sil/expression.h"
#include "sil/records.h"
#include "steps/run_state.h"

namespace sil {

// A scope over named values.
class MapScope final : public Scope {
 public:
  MapScope() = default;
  explicit MapScope(std::map<std::string, Value, std::less<>> values, bool open = false)
      : values_(std::move(values)), open_(open) {}
  void set(const std::string& name, Value value) { values_[name] = std::move(value); }
  Value get(std::string_view field) const override;
  std::vector<std::string> fields() const override;
  bool open() const override { return open_; }

 private:
  std::map<std::string, Value, std::less<>> values_;
  bool open_ = false;
};

// `rollout` null: the unit is the group. `by` picks the verdict as filters do. `outer` (may be null) is read for names
// that the unit does not have: metrics of steps, `round`, pools.
std::shared_ptr<const Scope> unit_scope(const Group& group, const Rollout* rollout, std::string_view by,
                                        std::shared_ptr<const Scope> outer);

// Metrics of the round's finished steps and `round`.
// The inner scope's own names first, then the outer one's.
std::shared_ptr<const Scope> layered(std::shared_ptr<const Scope> inner, std::shared_ptr<const Scope> outer);

std::shared_ptr<const Scope> round_scope(const RoundState& round);

// Synthetic values of every field a unit can have, for `check`: `steps` are names whose metrics may be read.
std::shared_ptr<const Scope> example_scope(const std::vector<std::string>& steps);

}  // namespace sil
