// Preference pairs (Rafailov et al. 2023, "Direct Preference Optimization"): within a group the best rollout is chosen
// over the worst, the second best over the second worst, and so on; a rollout stands in one pair at most.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "shapes/shapes.h"

namespace sil {
namespace {

struct PairOptions {
  int64_t max = 1;
  double gap = 0;
  void visit(OptionVisitor& v) {
    v.option("max", max, {.help = "most pairs of a group", .low = 1});
    v.option("gap", gap, {.help = "smallest difference of scores; equal scores never make a pair", .low = 0});
  }
};

// A rollout that can stand in a pair.
struct Ranked {
  double score = 0;
  size_t index = 0;
};

class Pair final : public Shape {
 public:
  explicit Pair(PairOptions options) : options_(options) {}

  void shape(const FilterView& view, std::vector<Example>& out, std::vector<std::string>& fates) const override {
    const std::vector<Ranked> ranked = rank(view, fates);
    if (ranked.empty()) return;
    const size_t pairs = count(ranked);
    const uint64_t hash = example_group(view.context, view.group);
    for (size_t p = 0; p < pairs; ++p)
      out.push_back(example(view, hash, ranked[p].index, ranked[ranked.size() - 1 - p].index));
    const char* why = left_over(ranked, pairs);
    for (size_t r = pairs; r < ranked.size() - pairs; ++r) fates[ranked[r].index] = why;
  }

 private:
  // Best first; ties by sample number, then member, then place.
  static std::vector<Ranked> rank(const FilterView& view, std::vector<std::string>& fates) {
    const std::vector<Rollout>& rollouts = view.group.rollouts;
    std::vector<Ranked> ranked;
    for (size_t i = 0; i < rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const std::optional<double> score = score_of(view.group, rollouts[i], view.context.by);
      if (!score || rollouts[i].ids.empty()) {
        fates[i] = score ? "no tokens" : "abstained";
        continue;
      }
      ranked.push_back({*score, i});
    }
    const auto key = [&](const Ranked& r) {
      const Rollout& rollout = rollouts[r.index];
      return std::tuple(-r.score, rollout.sample, rollout.member, r.index);
    };
    std::sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) { return key(a) < key(b); });
    return ranked;
  }

  bool apart(const Ranked& best, const Ranked& worst) const {
    return best.score > worst.score && best.score - worst.score >= options_.gap;
  }

  // Differences shrink towards the middle, so the first two that are too close end the list.
  size_t count(const std::vector<Ranked>& ranked) const {
    const size_t most = std::min(static_cast<size_t>(options_.max), ranked.size() / 2);
    size_t pairs = 0;
    while (pairs < most && apart(ranked[pairs], ranked[ranked.size() - 1 - pairs])) ++pairs;
    return pairs;
  }

  // Why the rollouts between the last pair made none.
  const char* left_over(const std::vector<Ranked>& ranked, size_t pairs) const {
    if (ranked.size() - 2 * pairs < 2) return "no partner";
    const Ranked& best = ranked[pairs];
    const Ranked& worst = ranked[ranked.size() - 1 - pairs];
    if (apart(best, worst)) return "beyond max pairs";
    return best.score > worst.score ? "gap too small" : "tie";
  }

  static Example example(const FilterView& view, uint64_t group, size_t chosen, size_t rejected) {
    Example example;
    example.group = group;
    for (size_t i : {chosen, rejected}) {
      const Rollout& rollout = view.group.rollouts[i];
      if (!example.id.empty()) example.id += ">";
      example.id += rollout_id(view.context.round, view.group, rollout);
      example.sequences.push_back(example_sequence(view.context, view.group, rollout));
      for (Segment& segment : example.sequences.back().segments)
        segment.weight = segment.rollout.empty() ? 0 : 1;  // a pair's order is its credit, its context is one
    }
    return example;
  }

  PairOptions options_;
};

}  // namespace

void register_pair(Registry<Shape>& registry) {
  registry.add<Pair, PairOptions>("pair", "the best rollout of a group is chosen over the worst", "max");
}

}  // namespace sil
