// Advantages within a group. A group whose members all have the same score, a group of one among them, teaches nothing:
// every weight is exactly 0, whatever rounding would leave of the formula.
#include <cmath>

#include "credits/credits.h"

namespace sil {
namespace {

// r_i - mean(r): Dr. GRPO (Liu et al. 2025, "Understanding R1-Zero-Like Training").
class GroupCentered final : public Credit {
 public:
  explicit GroupCentered(NoOptions) {}
  void weigh(FilterView& view, std::span<const size_t> members, const Survey*) const override {
    std::vector<double> weights = member_scores(view, members);
    const bool flat = same_scores(weights);
    const double center = mean_score(weights);
    for (double& weight : weights) weight = flat ? 0 : weight - center;
    give_weights(view, members, weights);
  }
};

struct GroupZscoreOptions {
  double epsilon = 1e-4;
  void visit(OptionVisitor& v) { v.option("epsilon", epsilon, {.help = "added to the standard deviation", .low = 0}); }
};

// (r_i - mean(r)) / (std(r) + epsilon): GRPO (Shao et al. 2024, "DeepSeekMath"), std over n-1 as in TRL and verl.
class GroupZscore final : public Credit {
 public:
  explicit GroupZscore(GroupZscoreOptions options) : epsilon_(options.epsilon) {}
  void weigh(FilterView& view, std::span<const size_t> members, const Survey*) const override {
    std::vector<double> weights = member_scores(view, members);
    const bool flat = same_scores(weights);
    const double center = mean_score(weights);
    double squares = 0;
    for (double score : weights) squares += (score - center) * (score - center);
    const double deviation = flat ? 0 : std::sqrt(squares / static_cast<double>(weights.size() - 1));
    for (double& weight : weights) weight = flat ? 0 : (weight - center) / (deviation + epsilon_);
    give_weights(view, members, weights);
  }

 private:
  double epsilon_;
};

// r_i - mean of the others: RLOO (Kool et al. 2019; Ahmadian et al. 2024, "Back to Basics").
class LeaveOneOut final : public Credit {
 public:
  explicit LeaveOneOut(NoOptions) {}
  void weigh(FilterView& view, std::span<const size_t> members, const Survey*) const override {
    std::vector<double> weights = member_scores(view, members);
    const bool flat = same_scores(weights);
    const double n = static_cast<double>(weights.size());
    const double center = mean_score(weights);
    // r_i - (n * mean - r_i) / (n - 1), with the two r_i gathered.
    for (double& weight : weights) weight = flat ? 0 : (weight - center) * (n / (n - 1));
    give_weights(view, members, weights);
  }
};

}  // namespace

void register_group_credits(Registry<Credit>& registry) {
  registry.add<GroupCentered, NoOptions>("group_centered", "score minus the group's mean (Dr. GRPO)");
  registry.add<GroupZscore, GroupZscoreOptions>("group_zscore", "group_centered over the group's deviation (GRPO)");
  registry.add<LeaveOneOut, NoOptions>("leave_one_out", "score minus the mean of the group's others (RLOO)");
}

}  // namespace sil
