// verify: verdicts about rollouts or groups. A unit that already has a verdict of the same verifier and options is
// skipped.
#include <algorithm>

#include "sil/filter.h"
#include "steps/context.h"
#include "steps/descent.h"
#include "steps/sampling.h"
#include "steps/scopes.h"
#include "steps/steps.h"
#include "verifiers/list.h"

namespace sil {
namespace {

struct VerifyOptions {
  std::vector<PluginSpec> verifiers, sum, mean, product, min, guard;
  double pass_at = 0.5;
  double max_error_rate = 0.1;
  std::string by;

  void visit(OptionVisitor& v) {
    v.plugins("verifiers", "verifier", verifiers,
              {.help = "a verifier, or a weighted list that is summed", .inline_value = true});
    v.plugins("sum", "verifier", sum, {.help = "a list combined by the weighted sum"});
    v.plugins("mean", "verifier", mean, {.help = "… by the weighted mean"});
    v.plugins("product", "verifier", product, {.help = "… by the product"});
    v.plugins("min", "verifier", min, {.help = "… by the smallest score"});
    v.plugins("guard", "verifier", guard, {.help = "… all but the last must pass, the last one scores"});
    v.option("pass_at", pass_at, {.help = "least score that passes where only a score exists"});
    v.option("max_error_rate", max_error_rate,
             {.help = "share of units the judge may fail on before the run stops", .low = 0, .high = 1});
    v.option("by", by, {.help = "verify step whose verdict `where` reads; default the most recent"});
  }

  // The one list that was given, and how it combines.
  std::pair<const std::vector<PluginSpec>*, std::string> list() const {
    const std::pair<const std::vector<PluginSpec>*, const char*> lists[] = {
        {&verifiers, "sum"}, {&sum, "sum"}, {&mean, "mean"}, {&product, "product"}, {&min, "min"}, {&guard, "guard"}};
    for (const auto& [specs, combine] : lists)
      if (!specs->empty()) return {specs, combine};
    return {nullptr, ""};
  }
  int64_t lists_given() const {
    int64_t n = 0;
    for (const auto* specs : {&verifiers, &sum, &mean, &product, &min, &guard}) n += !specs->empty();
    return n;
  }
};

class VerifyRun final : public LocalRun {
 public:
  VerifyRun(RoundContext& context, const StepSpec& spec, std::unique_ptr<Verifier> verifier,
            const VerifyOptions& options, std::unique_ptr<Descent> descent)
      : spec_(spec),
        descent_(std::move(descent)),
        verifier_(std::move(verifier)),
        stamp_(verifier_->version() + ":" + sha256(dump_canonical(spec.options.options)).hex().substr(0, 8)),
        where_(context, spec, options.by),
        by_(options.by),
        whole_groups_(spec.per == "group") {
    judge_.task = [&context](const Problem& problem) { return context.task_of(problem); };
    metrics_ = round_scope(context.round());
    judge_.stop = context.stop;
  }

  void process(Frame& frame, StepOutput& out) const override {
    std::vector<JudgeItem> items;
    for (Group& group : frame.groups) add_items(frame, group, items);
    std::vector<Verdict> verdicts(items.size());
    JudgeContext judge = judge_;
    judge.scope = [this, &frame](const JudgeItem& item) {
      auto outer = descent_ ? layered(descent_->of(frame.round, *item.group, item.rollout), metrics_) : metrics_;
      return unit_scope(*item.group, item.rollout, by_, outer);
    };
    verifier_->verify(items, judge, verdicts);
    for (size_t i = 0; i < items.size(); ++i) {
      Verdict& verdict = verdicts[i];
      verdict.step = spec_.name;
      verdict.unit = whole_groups_ ? "group" : "rollout";
      verdict.verifier = stamp_;
      tally_verdict(verdict, out.tally);
      auto& to = items[i].rollout ? const_cast<Rollout*>(items[i].rollout)->verdicts
                                  : const_cast<Group*>(items[i].group)->verdicts;
      to.push_back(std::move(verdict));
    }
    FrameText text;
    for (const Group& group : frame.groups) append_verdicts(text, group, spec_.name);
    tally_groups(frame, out.tally);
    out.files.emplace_back("verdicts", std::move(text));
  }

  Metrics metrics(const Tally& tally) const override {
    Metrics metrics;
    int64_t judged = tally.count_of("pass") + tally.count_of("fail");
    metrics["units"] = static_cast<double>(tally.count_of("units"));
    metrics["abstained"] = static_cast<double>(tally.count_of("abstain"));
    metrics["pass_rate"] = judged ? static_cast<double>(tally.count_of("pass")) / static_cast<double>(judged) : 0;
    metrics["mean_score"] = judged ? tally.sum_of("score") / static_cast<double>(judged) : 0;
    metrics["mixed_groups"] = static_cast<double>(tally.count_of("mixed_groups"));
    return metrics;
  }

 private:
  bool wants(const Frame& frame, const Group& group, const Rollout* rollout, const std::vector<Verdict>& had) const {
    bool judged = std::any_of(had.begin(), had.end(), [&](const Verdict& v) { return v.verifier == stamp_; });
    return !judged && where_.lets(frame.round, group, rollout);
  }

  void add_items(const Frame& frame, Group& group, std::vector<JudgeItem>& items) const {
    if (whole_groups_) {
      if (wants(frame, group, nullptr, group.verdicts)) items.push_back({&group, nullptr});
      return;
    }
    for (const Rollout& rollout : group.rollouts)
      if (rollout.kept && wants(frame, group, &rollout, rollout.verdicts)) items.push_back({&group, &rollout});
  }

  void tally_groups(const Frame& frame, Tally& tally) const {
    for (const Group& group : frame.groups) {
      bool pass = false, fail = false;
      for (const Rollout& rollout : group.rollouts) {
        Label label = rollout.kept ? label_of(group, rollout, spec_.name) : Label::abstain;
        pass = pass || label == Label::pass;
        fail = fail || label == Label::fail;
      }
      tally.count("groups");
      tally.count("mixed_groups", pass && fail);
      tally.count("solved_groups", pass);
    }
  }

  const StepSpec& spec_;
  std::unique_ptr<Descent> descent_;      // where a formula names pools
  std::shared_ptr<const Scope> metrics_;  // of the round's steps
  std::unique_ptr<Verifier> verifier_;
  std::string stamp_;
  Where where_;
  std::string by_;
  bool whole_groups_;
  JudgeContext judge_;
};

class Verify final : public Step {
 public:
  explicit Verify(VerifyOptions options) : options_(std::move(options)) {}

  void check(const Recipe&, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.lists_given() != 1)
      findings.push_back({spec.place,
                          spec.name + ": " + std::to_string(options_.lists_given()) + " verifiers or lists are given",
                          "give exactly one, e.g. verify: exact"});
    if (options_.lists_given() == 1) try {
        const auto [specs, combine] = options_.list();
        check_weights(*specs, combine);
      } catch (const Error& error) {
        findings.insert(findings.end(), error.findings().begin(), error.findings().end());
      }
    if (!spec.per.empty() && spec.per != "rollout" && spec.per != "group")
      findings.push_back({spec.place, spec.name + ": per: " + spec.per, "verify works per: rollout or group"});
  }

  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    auto [specs, combine] = options_.list();
    auto verifier = make_verifier(*specs, combine, options_.pass_at, context.registries.verifiers);
    std::vector<std::string> pools = joined_pools(context.recipe, spec);
    auto descent = pools.empty() ? nullptr : std::make_unique<Descent>(context, pools);
    return std::make_unique<VerifyRun>(context, spec, std::move(verifier), options_, std::move(descent));
  }
  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    return context.pool_source(spec, spec.name);
  }
  bool makes_pool(const StepSpec&) const override { return false; }
  bool needs_whole_input(const RoundContext& context, const StepSpec& spec) const override {
    return !joined_pools(context.recipe, spec).empty();
  }
  std::vector<std::string> unconfined(const Registries& shelves) const override {
    auto [specs, combine] = options_.list();
    return make_verifier(*specs, combine, options_.pass_at, shelves.verifiers)->unconfined();
  }

  // After the last frame: too many units that the judge could not judge stop the run.
  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const Tally& tally = context.round().steps.at(spec.name).tally;
    int64_t errors = tally.count_of("class.infra") + tally.count_of("class.error") + tally.count_of("class.timeout");
    int64_t units = tally.count_of("units");
    if (units > 0 && static_cast<double>(errors) > options_.max_error_rate * static_cast<double>(units))
      throw Error(
          Exit::verifier,
          spec.name + ": the verifier failed on " + std::to_string(errors) + " of " + std::to_string(units) + " units",
          "see the reasons with `sil show RUN --rollouts --jsonl`; mend the verifier or raise max_error_rate");
    return {};
  }

 private:
  VerifyOptions options_;
};

}  // namespace

void register_verify(Registry<Step>& registry) {
  registry.add<Verify, VerifyOptions>("verify", "verdicts about rollouts or groups");
}

}  // namespace sil
