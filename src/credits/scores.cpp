#include <algorithm>
#include <cmath>
#include <numeric>

#include "credits/credits.h"

namespace sil {

std::vector<double> member_scores(const FilterView& view, std::span<const size_t> members) {
  std::vector<double> scores;
  scores.reserve(members.size());
  for (size_t i : members) {
    const Rollout& rollout = view.group.rollouts.at(i);
    const std::optional<double> score = score_of(view.group, rollout, view.context.by);
    SIL_CHECK(score.has_value());
    if (!std::isfinite(*score))
      throw Error(Exit::failed,
                  "rollout " + rollout_id(view.context.round, view.group, rollout) + " has the score " +
                      (*score > 0 ? "inf" : "-inf") + ", of which no credit can be made",
                  "make its verifier give finite scores");
    scores.push_back(*score);
  }
  return scores;
}

double mean_score(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool same_scores(std::span<const double> values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

void give_weights(FilterView& view, std::span<const size_t> members, std::span<const double> weights) {
  SIL_CHECK(members.size() == weights.size());
  for (size_t i = 0; i < view.group.rollouts.size(); ++i)
    if (view.kept(i)) view.group.rollouts[i].weight = 0;
  for (size_t m = 0; m < members.size(); ++m)
    if (view.kept(members[m])) view.group.rollouts[members[m]].weight = weights[m];
}

}  // namespace sil
