// Whitening over the whole pool: REINFORCE++ (Hu et al. 2025), A_i = (r_i - mean) / (std + epsilon) with the statistics
// of every member of every group; with `baseline: group` r_i is centred on its group first ("REINFORCE++-baseline").
#include <cmath>

#include "credits/credits.h"

namespace sil {
namespace {

struct BatchZscoreOptions {
  double epsilon = 1e-8;
  std::string baseline = "none";
  void visit(OptionVisitor& v) {
    v.option("epsilon", epsilon, {.help = "added to the standard deviation", .low = 0});
    v.option(
        "baseline", baseline,
        {.help = "what is taken off a score before: none, or the mean of its group", .choices = {"none", "group"}});
  }
};

std::vector<double> rewards(const FilterView& view, std::span<const size_t> members, bool center) {
  std::vector<double> scores = member_scores(view, members);
  if (!center) return scores;
  const bool flat = same_scores(scores);
  const double baseline = mean_score(scores);
  for (double& score : scores) score = flat ? 0 : score - baseline;
  return scores;
}

// Mean and variance in one pass (Welford 1962), in canonical order.
class BatchSurvey final : public Survey {
 public:
  explicit BatchSurvey(bool center) : center_(center) {}

  void add(const FilterView& view) override {
    for (double value : rewards(view, view.members, center_)) {
      if (count_ == 0) first_ = value;
      flat_ = flat_ && value == first_;
      ++count_;
      const double delta = value - mean_;
      mean_ += delta / static_cast<double>(count_);
      squares_ += delta * (value - mean_);
    }
  }

  int64_t count() const { return count_; }
  bool flat() const { return flat_; }
  double mean() const { return mean_; }
  double deviation() const { return std::sqrt(squares_ / static_cast<double>(count_ - 1)); }

 private:
  bool center_;
  bool flat_ = true;
  int64_t count_ = 0;
  double first_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

class BatchZscore final : public Credit {
 public:
  explicit BatchZscore(BatchZscoreOptions options) : epsilon_(options.epsilon), center_(options.baseline == "group") {}

  std::unique_ptr<Survey> survey() const override { return std::make_unique<BatchSurvey>(center_); }

  void weigh(FilterView& view, std::span<const size_t> members, const Survey* survey) const override {
    const auto* batch = dynamic_cast<const BatchSurvey*>(survey);
    SIL_CHECK(batch != nullptr);
    SIL_CHECK(batch->count() >= static_cast<int64_t>(members.size()));  // the survey saw this group's members
    std::vector<double> weights = rewards(view, members, center_);
    const bool flat = batch->flat();
    const double scale = flat ? 1 : batch->deviation() + epsilon_;
    for (double& weight : weights) weight = flat ? 0 : (weight - batch->mean()) / scale;
    give_weights(view, members, weights);
  }

 private:
  double epsilon_;
  bool center_;
};

}  // namespace

void register_batch_zscore(Registry<Credit>& registry) {
  registry.add<BatchZscore, BatchZscoreOptions>("batch_zscore", "score whitened over the whole pool (REINFORCE++)");
}

}  // namespace sil
