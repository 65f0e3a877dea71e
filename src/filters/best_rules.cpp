// Rules that keep so many rollouts of each problem.
#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "filters/filters.h"

namespace sil {
namespace {

enum class Order { by_score, by_sample };

// Drops all but the first `n` of the rollouts still kept. Ties of the score go to the lower sample number, then the
// lower member, then the earlier place in the group.
void keep_first(FilterView& view, int64_t n, Order order, const std::string& reason) {
  using Rank = std::tuple<double, uint32_t, uint32_t, size_t>;
  std::vector<Rank> ranks;
  for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
    if (!view.kept(i)) continue;
    const Rollout& rollout = view.group.rollouts[i];
    double score = 0;
    if (order == Order::by_score)
      score = score_of(view.group, rollout, view.context.by).value_or(-std::numeric_limits<double>::infinity());
    ranks.emplace_back(-score, rollout.sample, rollout.member, i);
  }
  std::sort(ranks.begin(), ranks.end());
  for (size_t r = static_cast<size_t>(n); r < ranks.size(); ++r) view.drop(std::get<size_t>(ranks[r]), reason);
}

struct TopKOptions {
  int64_t n = 1;
  void visit(OptionVisitor& v) { v.option("n", n, {.help = "rollouts kept of each problem", .low = 1}); }
};

class TopK final : public KeepRule {
 public:
  explicit TopK(TopKOptions options) : n_(options.n), reason_("not top " + std::to_string(options.n)) {}
  void apply(FilterView& view, const Survey*) const override { keep_first(view, n_, Order::by_score, reason_); }

 private:
  int64_t n_;
  std::string reason_;
};

struct PerProblemOptions {
  int64_t n = 1;
  std::string take = "best";
  void visit(OptionVisitor& v) {
    v.option("n", n, {.help = "rollouts kept of each problem", .low = 1});
    v.option("take", take,
             {.help = "best: by score, then by sample number; first: by sample number", .choices = {"best", "first"}});
  }
};

class PerProblem final : public KeepRule {
 public:
  explicit PerProblem(PerProblemOptions options)
      : n_(options.n),
        order_(options.take == "best" ? Order::by_score : Order::by_sample),
        reason_("beyond " + std::to_string(options.n) + " per problem") {}
  void apply(FilterView& view, const Survey*) const override { keep_first(view, n_, order_, reason_); }

 private:
  int64_t n_;
  Order order_;
  std::string reason_;
};

}  // namespace

void register_best_rules(Registry<KeepRule>& registry) {
  registry.add<TopK, TopKOptions>("top_k", "keep the rollouts of each problem with the highest scores", "n");
  registry.add<PerProblem, PerProblemOptions>("per_problem", "keep at most so many rollouts of each problem", "n");
}

}  // namespace sil
