// filter: keep -> weigh -> shape. Makes a new pool of its own name and leaves its input as it was. Local unless a rule
// needs facts about the whole pool; then the pool is walked once to gather them.
#include "sil/filter.h"

#include <algorithm>
#include <set>

#include "sil/rng.h"
#include "steps/context.h"
#include "steps/scopes.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct FilterOptions {
  std::vector<PluginSpec> keep, weigh, shape;
  std::string statistics = "all";
  int64_t refill = 0;
  std::string by;

  void visit(OptionVisitor& v) {
    v.plugins("keep", "filter", keep, {.help = "rules in order; what they drop is recorded with its reason"});
    v.plugins("weigh", "credit", weigh, {.help = "credit of every kept rollout; default 1", .single = true});
    v.plugins("shape", "shape", shape,
              {.help = "how kept rollouts become examples; default when finetune reads: target", .single = true});
    v.option("statistics", statistics,
             {.help = "which members of a group its statistics count", .choices = {"all", "kept"}});
    v.option("refill", refill,
             {.help = "most repetitions of the local steps above, with new problems, until as many groups are kept as "
                      "`generate` was asked for",
              .low = 0,
              .high = 1000});
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
  int64_t refill = 0;  // passes beyond the first
  int64_t asked = 0;   // groups, where refill > 0; what is kept beyond them is surplus
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
const char* const kSurplus = "surplus";

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

// Different ones: a rollout may stand in several examples.
int64_t rollouts_in(const std::vector<Example>& examples) {
  std::set<std::string_view> rollouts;
  for (const Example& example : examples)
    for (const ExampleSequence& sequence : example.sequences)
      for (const Segment& segment : sequence.segments)
        if (!segment.rollout.empty()) rollouts.insert(segment.rollout);
  return static_cast<int64_t>(rollouts.size());
}

class FilterRun final : public LocalRun {
 public:
  // `kept_groups`: by frames that are committed already.
  FilterRun(std::shared_ptr<const Rules> rules, FilterContext context, int64_t kept_groups)
      : rules_(std::move(rules)), context_(std::move(context)), kept_groups_(kept_groups) {}

  bool in_order() const override { return rules_->refill > 0; }
  bool wants_more(const Tally& tally, int64_t passes) const override {
    return passes <= rules_->refill && tally.count_of("kept_groups") < rules_->asked;
  }

  void process(Frame& frame, StepOutput& out) const override {
    FrameText fates, examples;
    FilterContext context = context_;
    context.round = frame.round;
    context.offset = frame.offset;
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
    if (rules_->refill > 0) drop_surplus(filtered);
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
      tally.count("used", rollouts_in(shaped));
    }
    std::vector<Fate> rows(group.rollouts.size());
    int64_t in = 0, kept = 0;
    for (size_t r = 0; r < rows.size(); ++r) {
      Rollout& rollout = group.rollouts[r];
      const std::string& reason = filtered.dropped_by[r];
      rows[r].fate = reason == kAbsent ? "" : reason.empty() ? "kept" : reason == kSurplus ? kSurplus : "dropped";
      if (reason == kAbsent) continue;
      ++in;
      if (!reason.empty()) tally.count(reason == kSurplus ? kSurplus : "dropped." + reason);
      rows[r].reason = reason.empty() ? unused[r] : reason;
      if (reason.empty() && !unused[r].empty()) tally.count("unused." + unused[r]);
      rows[r].weight = rollout.weight;
      rollout.kept = reason.empty();
      if (rollout.kept) tally.add("weight", rollout.weight), ++kept;
    }
    if (in > 0) tally.count("in", in);
    if (kept > 0) tally.count("kept", kept);
    tally.count("groups");
    tally.count("kept_groups", kept > 0);
    append_fates(fates, group, rows);
  }

  // In order: groups that would be kept beyond the asked number.
  void drop_surplus(Filtered& filtered) const {
    bool keeps = std::any_of(filtered.dropped_by.begin(), filtered.dropped_by.end(),
                             [](const std::string& reason) { return reason.empty(); });
    if (!keeps || kept_groups_++ < rules_->asked) return;
    for (std::string& reason : filtered.dropped_by)
      if (reason.empty()) reason = kSurplus;
  }

  std::shared_ptr<const Rules> rules_;
  FilterContext context_;
  mutable int64_t kept_groups_;  // only where frames come in order
};

// The `generate` whose problems refill draws again: above are only local steps that read what it makes.
const StepSpec* refilled_step(const Recipe& recipe, const StepSpec& spec) {
  if (!spec.of.empty() || !spec.when.empty()) return nullptr;
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (size_t i = 0; i < section->size(); ++i) {
      if (&(*section)[i] != &spec) continue;
      while (i-- > 0) {
        const StepSpec& above = (*section)[i];
        if (!above.of.empty() || !above.when.empty() || !above.put.empty()) return nullptr;
        if (above.verb == "generate") return above.options.options.at("tasks").as_array().empty() ? nullptr : &above;
        if (above.verb != "verify" && above.verb != "filter") return nullptr;
      }
    }
  return nullptr;
}

class Filter final : public Step {
 public:
  explicit Filter(FilterOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.refill > 0 && !refilled_step(recipe, spec))
      findings.push_back({spec.place, spec.name + ": refill has nothing to repeat",
                          "it stands below a generate with tasks, with only verify and filter steps without of, when "
                          "or put between them"});
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
    rules->refill = options_.refill;
    if (rules->refill > 0) rules->asked = refilled_step(context.recipe, spec)->options.options.at("problems").as_int();
    auto known = context.round().steps.find(spec.name);
    int64_t kept = known == context.round().steps.end() ? 0 : known->second.tally.count_of("kept_groups");
    return std::make_unique<FilterRun>(std::move(rules), std::move(filter), kept);
  }

  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    return context.pool_source(spec, spec.name);
  }
  bool makes_pool(const StepSpec&) const override { return true; }
  bool needs_whole_input(const RoundContext& context, const StepSpec&) const override {
    const Registries& shelves = context.registries;
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
    int64_t offset = 0;
    for (const PoolPart& part : pool.parts) {
      here.offset = offset;
      offset += part.end();
      for (size_t f = 0; f < part.spans.size(); ++f) {
        here.round = part.round;
        for (Group& group : read_groups(context.env, context.run_dir, part, f)) {
          Filtered filtered = keep_rules(rules, group, here, count);
          facts.add({group, filtered.dropped_by, here, filtered.members});
        }
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
