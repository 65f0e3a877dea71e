// Length in tokens of the completion, the token that ended it included.
//
// The relative rule is the length filter of Lee et al. 2025 ("Self-Improving Transformers Overcome Easy-to-Hard and
// Length Generalization"): a model that drops digits writes answers shorter than the rest. Their reference is the
// longest answer of the batch, which one runaway answer ruins; here it is a high quantile, and answers above `max` do
// not count.
#include <cmath>
#include <string>
#include <vector>

#include "filters/filters.h"

namespace sil {
namespace {

struct LengthOptions {
  int64_t min = 0;
  int64_t max = 0;
  int64_t below_top = -1;
  double quantile = 0.999;
  void visit(OptionVisitor& v) {
    v.option("min", min, {.help = "fewest tokens", .low = 0, .unit = "tokens"});
    v.option("max", max, {.help = "most tokens; 0 = no bound", .low = 0, .unit = "tokens"});
    v.option("below_top", below_top,
             {.help = "how much shorter than the pool's long answers may be; -1 = any", .low = -1, .unit = "tokens"});
    v.option("quantile", quantile,
             {.help = "which quantile of the pool's lengths counts as long; 1 = the longest",
              .low = 0,
              .high = 1,
              .above_low = true});
  }
};

int64_t length_of(const Rollout& rollout) {
  return static_cast<int64_t>(rollout.ids.size());
}

// Exact histogram of the lengths that the absolute bounds let through.
class LengthSurvey final : public Survey {
 public:
  explicit LengthSurvey(const LengthOptions& options) : options_(options) {}

  void add(const FilterView& view) override {
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      const int64_t length = length_of(view.group.rollouts[i]);
      if (!view.kept(i) || length < options_.min || (options_.max > 0 && length > options_.max)) continue;
      const size_t at = static_cast<size_t>(length);
      if (at >= counts_.size()) counts_.resize(at + 1);
      ++counts_[at];
      ++total_;
    }
  }

  // Nearest rank: the smallest length that at least quantile * total answers do not exceed. The factor below 1 keeps a
  // product that rounding lifted over an integer at that integer.
  void finish() override {
    const double rank = std::ceil(options_.quantile * static_cast<double>(total_) * (1 - 1e-12));
    int64_t seen = 0;
    for (size_t length = 0; length < counts_.size(); ++length) {
      seen += counts_[length];
      top_ = static_cast<int64_t>(length);
      if (static_cast<double>(seen) >= rank && seen > 0) break;
    }
    counts_ = {};
  }

  int64_t top() const { return top_; }

 private:
  LengthOptions options_;
  std::vector<int64_t> counts_;
  int64_t total_ = 0;
  int64_t top_ = 0;
};

class Length final : public KeepRule {
 public:
  explicit Length(LengthOptions options) : options_(options) {
    if (options_.min == 0 && options_.max == 0 && options_.below_top < 0)
      throw Error(Exit::usage, "length: no bound is given", "give min, max or below_top");
    if (options_.max > 0 && options_.min > options_.max)
      throw Error(Exit::usage,
                  "length: min " + std::to_string(options_.min) + " is above max " + std::to_string(options_.max) +
                      ", so no rollout can be kept",
                  "give min <= max");
  }

  std::unique_ptr<Survey> survey() const override {
    return options_.below_top >= 0 ? std::make_unique<LengthSurvey>(options_) : nullptr;
  }

  void apply(FilterView& view, const Survey* survey) const override {
    const auto* pool = dynamic_cast<const LengthSurvey*>(survey);
    SIL_CHECK((options_.below_top >= 0) == (pool != nullptr));
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const int64_t length = length_of(view.group.rollouts[i]);
      if (length < options_.min) {
        view.drop(i, "too short");
      } else if (options_.max > 0 && length > options_.max) {
        view.drop(i, "too long");
      } else if (pool && length < pool->top() - options_.below_top) {
        view.drop(i, "below top");
      }
    }
  }

 private:
  LengthOptions options_;
};

}  // namespace

void register_length(Registry<KeepRule>& registry) {
  registry.add<Length, LengthOptions>("length", "keep rollouts of a fitting length, absolute or against the pool");
}

}  // namespace sil
