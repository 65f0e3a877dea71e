// gate: accepts the candidate or puts the incumbent back, optimizer state included; of all members at once.
#include "sil/gate.h"

#include "sil/rng.h"
#include "steps/evaluation.h"
#include "steps/lineage.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct GateOptions {
  std::vector<PluginSpec> rule;
  std::string model;

  void visit(OptionVisitor& v) {
    v.plugins("rule", "gate", rule,
              {.help = "when the candidate is accepted",
               .required = true,
               .inline_value = true,
               .fallback = "at_least",
               .single = true});
    v.option("model", model, {.help = "whose candidate", .refers = "model"});
  }
};

// Where a metric comes from: "STEP.NAME", or the nearest evaluate above.
struct MetricSource {
  const StepSpec* evaluate = nullptr;
  std::string metric;
};

const std::vector<StepSpec>& section_of(const RoundContext& context) {
  const Recipe& recipe = context.recipe;
  return context.section == "before" ? recipe.before : context.section == "after" ? recipe.after : recipe.round;
}

class GateStep final : public Step {
 public:
  explicit GateStep(GateOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.model.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `model: NAME`"});
  }
  // What a gate is measured on must have trained nobody: it decides on problems of a held-out split.
  void check_lineage(const StepSurroundings& around, const StepSpec& spec,
                     std::vector<Finding>& findings) const override try {
    const std::string metric = around.registries.gates.make(options_.rule.front())->metric();
    if (metric.empty()) return;
    const MetricSource source = find_metric(around.recipe, around.section, spec, metric);
    for (const std::string& name : evaluate_options(*source.evaluate).tasks) {
      const TaskSpec* task = around.recipe.task(name);
      if (task && (!held_out(*task) || only_observed(*task)))
        findings.push_back({spec.place,
                            spec.name + ": " + source.evaluate->name + " measures on '" + name + "', which may train",
                            "let a gate decide on a task of its own: {…, split: dev}"});
    }
  } catch (const Error& error) {
    findings.insert(findings.end(), error.findings().begin(), error.findings().end());
  }

  // Versions whose figures the record lacks are evaluated here, with the draws of the evaluate step above.
  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    const StepSpec& evaluate = *contest_of(context, spec).source.evaluate;
    return make_evaluation(context, evaluate_options(evaluate), *sampler(context, spec));
  }
  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    const Contest contest = contest_of(context, spec);
    if (contest.unmeasured.empty()) return nullptr;
    const StepSpec& evaluate = *contest.source.evaluate;
    return evaluation_source(context, evaluate_options(evaluate), *sampler(context, spec));
  }
  std::shared_ptr<const Sampler> sampler(RoundContext& context, const StepSpec& spec) const override {
    const Contest contest = contest_of(context, spec);
    if (contest.unmeasured.empty()) return nullptr;
    std::vector<VersionRef> versions;
    for (const auto& set : contest.unmeasured) versions.insert(versions.end(), set.begin(), set.end());
    const StepSpec& evaluate = *contest.source.evaluate;
    auto how = std::make_shared<Sampler>(
        evaluation_sampler(context, evaluate.name, evaluate_options(evaluate), std::move(versions)));
    how->step = spec.name;
    return how;
  }
  bool makes_pool(const StepSpec&) const override { return false; }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const Contest contest = contest_of(context, spec);
    StepResult result;
    if (contest.candidates.empty()) {
      result.note = "no candidate to judge";
      return result;
    }
    auto gate = context.registries.gates.make(options_.rule.front());
    GateInput input;
    Figures candidate, incumbent;
    Json made = Json::array();
    if (!gate->metric().empty()) {
      const std::map<EvaluationKey, Figures> measured = measure(context, spec, contest, made);
      const auto figures_of = [&](const std::vector<VersionRef>& versions) {
        const EvaluationKey key = key_of(contest, versions);
        const auto now = measured.find(key);
        return now != measured.end() ? now->second : context.state.figures.at(key);
      };
      candidate = figures_of(contest.candidates);
      input.candidate = &candidate;
      input.value = metric_of(candidate, contest.source, spec);
      if (gate->needs_incumbent()) {
        incumbent = figures_of(contest.incumbents);
        input.incumbent = &incumbent;
        input.incumbent_value = metric_of(incumbent, contest.source, spec);
      }
    }
    input.key = step_key(context, "bootstrap", spec);
    Decision decision = gate->decide(input);
    result.metrics = decision.metrics;
    result.metrics["accepted"] = decision.accept;
    result.note = (decision.accept ? "accepted: " : "kept the incumbent: ") + decision.reason;
    result.payload.set("model", model_name(context.recipe));
    result.payload.set("accepted", decision.accept);
    if (!gate->metric().empty()) result.payload.set("best", decision.accept ? input.value : input.incumbent_value);
    if (!made.as_array().empty()) result.payload.set("figures", std::move(made));
    result.digest = sha256(decision.accept ? "accepted" : "rejected");
    return result;
  }

 private:
  // Who is compared, and by what.
  struct Contest {
    std::vector<VersionRef> candidates, incumbents;  // by member; no candidates: nothing to judge
    MetricSource source;                             // none where the rule needs no figure
    std::vector<std::vector<VersionRef>> unmeasured;
  };

  const std::string& model_name(const Recipe& recipe) const {
    return options_.model.empty() ? recipe.models.front().name : options_.model;
  }

  static EvaluationKey key_of(const Contest& contest, const std::vector<VersionRef>& versions) {
    const StepSpec& evaluate = *contest.source.evaluate;
    return {evaluate.name, evaluation_digest(evaluate), versions_digest(versions)};
  }

  Contest contest_of(const RoundContext& context, const StepSpec& spec) const {
    Contest contest;
    const std::string& model = model_name(context.recipe);
    for (int64_t m = 0; m < context.recipe.model(model)->members; ++m) {
      const ModelState& versions = context.state.models.at(line_name(model, m));
      if (versions.candidate) contest.candidates.push_back(*versions.candidate);
      contest.incumbents.push_back(versions.incumbent);
    }
    auto gate = context.registries.gates.make(options_.rule.front());
    if (contest.candidates.empty() || gate->metric().empty()) return contest;
    contest.source = find_metric(context.recipe, section_of(context), spec, gate->metric());
    const auto needs = [&](const std::vector<VersionRef>& versions) {
      if (!context.state.figures.count(key_of(contest, versions))) contest.unmeasured.push_back(versions);
    };
    needs(contest.candidates);
    if (gate->needs_incumbent() && versions_digest(contest.incumbents) != versions_digest(contest.candidates))
      needs(contest.incumbents);
    return contest;
  }

  // Figures of what this step sampled; `made` gets them for its record.
  static std::map<EvaluationKey, Figures> measure(RoundContext& context, const StepSpec& spec, const Contest& contest,
                                                  Json& made) {
    std::map<EvaluationKey, Figures> figures;
    for (size_t set = 0; set < contest.unmeasured.size(); ++set) {
      const EvaluationKey key = key_of(contest, contest.unmeasured[set]);
      figures[key] =
          recorded_figures(context, spec.name, evaluate_options(*contest.source.evaluate), static_cast<int64_t>(set));
      made.push(figures_json(key, figures[key]));
    }
    return figures;
  }

  // The nearest evaluate above that measures this gate's model.
  MetricSource find_metric(const Recipe& recipe, const std::vector<StepSpec>& steps, const StepSpec& spec,
                           const std::string& metric) const {
    MetricSource source;
    size_t dot = metric.find('.');
    std::string step = dot == std::string::npos ? "" : metric.substr(0, dot);
    source.metric = dot == std::string::npos ? metric : metric.substr(dot + 1);
    for (const StepSpec& other : steps) {
      if (&other == &spec) break;
      if (other.verb == "evaluate" && (step.empty() || other.name == step) && measures(recipe, other))
        source.evaluate = &other;
    }
    if (!source.evaluate)
      throw Error(Exit::usage, spec.name + ": no evaluate step above gives " + metric + of_model(),
                  "put an `evaluate` before the gate", spec.place);
    return source;
  }

  std::string of_model() const { return options_.model.empty() ? "" : " of model '" + options_.model + "'"; }

  bool measures(const Recipe& recipe, const StepSpec& evaluate) const {
    if (options_.model.empty() || recipe.models.size() == 1) return true;
    const RoleSpec* role = recipe.role(evaluate_options(evaluate).role);
    return role && role->model == options_.model;
  }

  static double metric_of(const Figures& figures, const MetricSource& source, const StepSpec& spec) {
    auto it = figures.metrics.find(source.metric);
    if (it != figures.metrics.end()) return it->second;
    std::vector<std::string> names;
    for (const auto& [name, value] : figures.metrics) names.push_back(name);
    std::string near = nearest(source.metric, names);
    throw Error(Exit::usage, spec.name + ": " + source.evaluate->name + " has no metric " + source.metric,
                near.empty() ? "see `sil show RUN`" : "did you mean " + near, spec.place);
  }

  GateOptions options_;
};

}  // namespace

void register_gate(Registry<Step>& registry) {
  registry.add<GateStep, GateOptions>("gate", "accepts the candidate or puts the incumbent back");
}

}  // namespace sil
