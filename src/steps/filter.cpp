// filter: keep -> weigh -> shape. Makes a new pool of its own name and leaves its input as it was. Local unless a rule
// needs facts about the whole pool; then the pool is walked once to gather them.
#include "sil/filter.h"

#include <algorithm>

#include "sil/rng.h"
#include "steps/context.h"
#include "steps/scopes.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct FilterOptions {
  std::vector<PluginSpec> keep, weigh, shape;
  std::string statistics = "all";
  std::string by;

  void visit(OptionVisitor& v) {
    v.plugins("keep", "filter", keep, {.help = "rules in order; what they drop is recorded with its reason"});
    v.plugins("weigh", "credit", weigh, {.help = "credit of every kept rollout; default 1", .single = true});
    v.plugins("shape", "shape", shape,
              {.help = "how kept rollouts become examples; default when finetune reads: target", .single = true});
    v.option("statistics", statistics,
             {.help = "which members of a group its statistics count", .choices = {"all", "kept"}});
    v.option("by", by, {.help = "verify step whose verdict the rules read; default the most recent"});
  }
};

// The rules of one filter, and what they learnt of the pool.
struct Rules {
  std::vector<std::unique_ptr<KeepRule>> keep;
  std::unique_ptr<Credit> credit;
  std::unique_ptr<Shape> shape;
  std::vector<std::unique_ptr<Survey>> surveys;  // one a keep rule, null where it needs none
  std::unique_ptr<Survey> credit_survey;
  bool kept_statistics = false;
};

struct Filtered {
  std::vector<std::string> dropped_by;
  std::vector<size_t> members;
};

// Rollouts that an earlier filter dropped are no members of the input.
std::vector<bool> absent(const Group& group) {
  std::vector<bool> out;
  for (const Rollout& rollout : group.rollouts) out.push_back(!rollout.kept);
  return out;
}

const char* const kAbsent = "absent";

Filtered keep_rules(const Rules& rules, Group& group, const FilterContext& context, size_t count) {
  Filtered filtered;
  filtered.dropped_by.resize(group.rollouts.size());
  std::vector<bool> gone = absent(group);
  for (size_t r = 0; r < gone.size(); ++r)
    if (gone[r]) filtered.dropped_by[r] = kAbsent;
  FilterView view{group, filtered.dropped_by, context};
  for (size_t i = 0; i < count; ++i) rules.keep[i]->apply(view, rules.surveys[i].get());
  for (size_t r = 0; r < group.rollouts.size(); ++r) {
    if (gone[r]) continue;
    bool counts = score_of(group, group.rollouts[r], context.by).has_value();
    if (counts && (!rules.kept_statistics || view.kept(r))) filtered.members.push_back(r);
  }
  return filtered;
}

class FilterRun final : public LocalRun {
 public:
  FilterRun(std::shared_ptr<const Rules> rules, FilterContext context)
      : rules_(std::move(rules)), context_(std::move(context)) {}

  void process(Frame& frame, StepOutput& out) const override {
    FrameText fates, examples;
    FilterContext context = context_;
    context.round = frame.round;
    for (Group& group : frame.groups) filter_group(context, group, out.tally, fates, examples);
    out.files.emplace_back("fates", std::move(fates));
    if (!rules_->shape) return;
    out.tally.count("examples", static_cast<int64_t>(examples.lines));
    out.files.emplace_back("examples", std::move(examples));
  }

  Metrics metrics(const Tally& tally) const override {
    Metrics metrics;
    for (const auto& [name, n] : tally.counts()) metrics[name] = static_cast<double>(n);
    metrics["kept_share"] = tally.share("kept", "in");
    metrics["mean_weight"] = tally.mean("weight", "kept");
    return metrics;
  }

 private:
  void filter_group(const FilterContext& context, Group& group, Tally& tally, FrameText& fates,
                    FrameText& examples) const {
    Filtered filtered = keep_rules(*rules_, group, context, rules_->keep.size());
    FilterView view{group, filtered.dropped_by, context, filtered.members};
    if (rules_->credit)
      rules_->credit->weigh(view, filtered.members, rules_->credit_survey.get());
    else
      for (Rollout& rollout : group.rollouts) rollout.weight = 1;
    std::vector<std::string> unused(group.rollouts.size());
    if (rules_->shape) {
      std::vector<Example> shaped;
      rules_->shape->shape(view, shaped, unused);
      for (Example& example : shaped) append_example(examples, example);
    }
    std::vector<Fate> rows(group.rollouts.size());
    bool any = false;
    for (size_t r = 0; r < rows.size(); ++r) {
      Rollout& rollout = group.rollouts[r];
      const std::string& reason = filtered.dropped_by[r];
      rows[r].fate = reason == kAbsent ? "" : reason.empty() ? "kept" : "dropped";
      if (reason == kAbsent) continue;
      tally.count("in");
      tally.count(reason.empty() ? "kept" : "dropped." + reason);
      rows[r].reason = reason.empty() ? unused[r] : reason;
      rows[r].weight = rollout.weight;
      rollout.kept = reason.empty();
      if (rollout.kept) tally.add("weight", rollout.weight), any = true;
    }
    tally.count("groups");
    tally.count("kept_groups", any);
    append_fates(fates, group, rows);
  }

  std::shared_ptr<const Rules> rules_;
  FilterContext context_;
};

class Filter final : public Step {
 public:
  explicit Filter(FilterOptions options) : options_(std::move(options)) {}

  void check(const Recipe&, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (!spec.per.empty())
      findings.push_back({spec.place, spec.name + ": per: " + spec.per, "filter works on groups; leave `per` out"});
  }

  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    auto rules = std::make_shared<Rules>();
    const Registries& shelves = context.registries;
    for (const PluginSpec& rule : options_.keep) rules->keep.push_back(shelves.filters.make(rule));
    if (!options_.weigh.empty()) rules->credit = shelves.credits.make(options_.weigh.front());
    if (!options_.shape.empty()) rules->shape = shelves.shapes.make(options_.shape.front());
    rules->kept_statistics = options_.statistics == "kept";
    rules->surveys.resize(rules->keep.size());
    FilterContext filter = filter_context(context);
    filter.by = options_.by;
    survey(context, spec, filter, *rules);
    return std::make_unique<FilterRun>(std::move(rules), std::move(filter));
  }

  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    return context.pool_source(spec, spec.name);
  }
  bool makes_pool(const StepSpec&) const override { return true; }
  bool needs_whole_input(const Registries& shelves) const override {
    bool whole = !options_.weigh.empty() && shelves.credits.make(options_.weigh.front())->survey() != nullptr;
    for (const PluginSpec& rule : options_.keep) whole = whole || shelves.filters.make(rule)->survey() != nullptr;
    return whole;
  }
  StepResult run(RoundContext&, const StepSpec&) const override { return {}; }

 private:
  // Gathers what pool-wide rules need, one walk a rule: each sees what the rules before it kept.
  static void survey(RoundContext& context, const StepSpec& spec, const FilterContext& filter, Rules& rules) {
    for (size_t i = 0; i <= rules.keep.size(); ++i) {
      bool credit = i == rules.keep.size();
      std::unique_ptr<Survey> facts =
          credit ? (rules.credit ? rules.credit->survey() : nullptr) : rules.keep[i]->survey();
      if (!facts) continue;
      walk(context, spec, filter, rules, i, *facts);
      facts->finish();
      (credit ? rules.credit_survey : rules.surveys[i]) = std::move(facts);
    }
  }

  static void walk(RoundContext& context, const StepSpec& spec, const FilterContext& filter, const Rules& rules,
                   size_t count, Survey& facts) {
    Pool pool = context.input_pool(spec);
    FilterContext here = filter;
    for (const PoolPart& part : pool.parts)
      for (size_t f = 0; f < part.spans.size(); ++f) {
        here.round = part.round;
        for (Group& group : read_groups(context.env, context.run_dir, part, f)) {
          Filtered filtered = keep_rules(rules, group, here, count);
          facts.add({group, filtered.dropped_by, here, filtered.members});
        }
      }
  }

  FilterOptions options_;
};

}  // namespace

void register_filter(Registry<Step>& registry) {
  registry.add<Filter, FilterOptions>("filter", "keeps, weighs and shapes rollouts into a new pool");
}

}  // namespace sil
