// filter = keep (ordered rules, each drop with its reason) -> weigh (credit) -> shape (examples).
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sil/expression.h"
#include "sil/records.h"
#include "sil/task.h"

namespace sil {

// What rules read of a rollout: its most recent verdict (or the one of step `by`), its fields.
struct FilterContext {
  std::function<const Task*(const Problem&)> task;
  std::function<std::shared_ptr<const Scope>(const Group&, const Rollout*)> scope;
  std::string by;      // "" = the unit's own most recent verdict, else its group's
  std::string round;   // for ids: "0", "3", "3.1", "after"
  int64_t offset = 0;  // groups before this part of the pool; Group::position counts within the part
  // The rollout's context for training: its role's plain view of the problem (no hint, no feedback), encoded.
  std::function<std::vector<TokenId>(const Group&, const Rollout&)> context_ids;
};

// One training sequence: plain context (weight 0), then the rollout's ids with its credit. Log-probs, and the credit of
// what the prompt says shall be learned, are kept only when the context equals the prompt it was sampled with. Defined
// in base/filter.cpp.
ExampleSequence example_sequence(const FilterContext& context, const Group& group, const Rollout& rollout);

// The verdict that `by` selects for a rollout: its own, else its group's, else nullptr.
const Verdict* verdict_of(const Group& group, const Rollout& rollout, std::string_view by);
Label label_of(const Group& group, const Rollout& rollout, std::string_view by);  // abstain without a verdict

// The score of that verdict; nullopt without a verdict, when it abstained, and for a NaN.
inline std::optional<double> score_of(const Group& group, const Rollout& rollout, std::string_view by) {
  const Verdict* verdict = verdict_of(group, rollout, by);
  if (!verdict || verdict->label == Label::abstain || std::isnan(verdict->score)) return std::nullopt;
  return verdict->score;
}

// One group while it is being filtered.
struct FilterView {
  Group& group;                          // rules drop by drop(); credits set Rollout::weight
  std::vector<std::string>& dropped_by;  // one a rollout, "" = still kept
  const FilterContext& context;
  std::span<const size_t> members = {};  // while a credit surveys or weighs: what counts in statistics

  bool kept(size_t i) const { return dropped_by[i].empty(); }
  void drop(size_t i, std::string reason) { dropped_by[i] = std::move(reason); }
};

// Facts about the whole pool that a rule needs before it can decide (pool-wide dedupe, length quantiles, batch
// statistics). Fed with every group in canonical order, then read-only.
class Survey {
 public:
  virtual ~Survey() = default;
  virtual void add(const FilterView& view) = 0;
  virtual void finish() {}
};

// A keep rule. Immutable, thread-safe; state lives in its Survey.
class KeepRule {
 public:
  virtual ~KeepRule() = default;
  virtual std::unique_ptr<Survey> survey() const { return nullptr; }  // non-null: the rule is pool-wide
  virtual void apply(FilterView& view, const Survey* survey) const = 0;
};

// Gives every kept rollout its weight. `members` are the rollouts that count in statistics (all that did not abstain,
// or only the kept ones).
class Credit {
 public:
  virtual ~Credit() = default;
  virtual std::unique_ptr<Survey> survey() const { return nullptr; }
  virtual void weigh(FilterView& view, std::span<const size_t> members, const Survey* survey) const = 0;
};

// Turns kept rollouts into examples.
class Shape {
 public:
  virtual ~Shape() = default;
  // Appends examples in canonical order; sets `fates[i]` to a reason for kept rollouts that made none.
  virtual void shape(const FilterView& view, std::vector<Example>& out, std::vector<std::string>& fates) const = 0;
};

}  // namespace sil
