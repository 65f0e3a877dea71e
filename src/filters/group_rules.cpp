// Rules that keep or drop a group as a whole. Their statistics are of the group as it came in, before any rule of this
// filter dropped a rollout.
#include <string>

#include "filters/filters.h"

namespace sil {
namespace {

void drop_all(FilterView& view, const char* reason) {
  for (size_t i = 0; i < view.group.rollouts.size(); ++i)
    if (view.kept(i)) view.drop(i, reason);
}

// Dynamic sampling of DAPO (Yu et al. 2025): a group whose scores are all equal has no advantage to learn from.
class Varied final : public KeepRule {
 public:
  explicit Varied(NoOptions) {}
  void apply(FilterView& view, const Survey*) const override {
    std::optional<double> first;
    for (const Rollout& rollout : view.group.rollouts) {
      if (!rollout.kept) continue;
      const std::optional<double> score = score_of(view.group, rollout, view.context.by);
      if (!score) continue;
      if (first && *score != *first) return;
      first = score;
    }
    drop_all(view, first ? "same scores" : "no scores");
  }
};

struct BandOptions {
  double low = 0;
  double high = 1;
  void visit(OptionVisitor& v) {
    v.option("low", low, {.help = "smallest pass rate of a group that is kept", .low = 0, .high = 1});
    v.option("high", high, {.help = "largest pass rate of a group that is kept", .low = 0, .high = 1});
  }
};

class Band final : public KeepRule {
 public:
  explicit Band(BandOptions options) : options_(options) {
    if (options_.low > options_.high)
      throw Error(Exit::usage,
                  "band: low " + dump(Json(options_.low)) + " is above high " + dump(Json(options_.high)) +
                      ", so no group can be kept",
                  "give low <= high");
  }
  void apply(FilterView& view, const Survey*) const override {
    int64_t passed = 0, judged = 0;
    for (const Rollout& rollout : view.group.rollouts) {
      if (!rollout.kept) continue;
      const Label label = label_of(view.group, rollout, view.context.by);
      if (label == Label::abstain) continue;
      ++judged;
      if (label == Label::pass) ++passed;
    }
    if (judged == 0) return drop_all(view, "no labels");
    const double rate = static_cast<double>(passed) / static_cast<double>(judged);
    if (rate < options_.low) drop_all(view, "below band");
    if (rate > options_.high) drop_all(view, "above band");
  }

 private:
  BandOptions options_;
};

}  // namespace

void register_group_rules(Registry<KeepRule>& registry) {
  registry.add<Varied, NoOptions>("varied", "drop groups whose scores are all the same");
  registry.add<Band, BandOptions>("band", "keep groups whose pass rate lies in a range");
}

}  // namespace sil
