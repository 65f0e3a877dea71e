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
    for (const std::string& name : options_of(*source.evaluate).tasks) {
      const TaskSpec* task = around.recipe.task(name);
      if (task && (!held_out(*task) || only_observed(*task)))
        findings.push_back({spec.place,
                            spec.name + ": " + source.evaluate->name + " measures on '" + name + "', which may train",
                            "let a gate decide on a task of its own: {…, split: dev}"});
    }
  } catch (const Error& error) {
    findings.insert(findings.end(), error.findings().begin(), error.findings().end());
  }

  std::unique_ptr<LocalRun> local(RoundContext&, const StepSpec&) const override { return nullptr; }
  std::unique_ptr<FrameSource> source(RoundContext&, const StepSpec&) const override { return nullptr; }
  bool makes_pool(const StepSpec&) const override { return false; }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const std::string& model = options_.model.empty() ? context.recipe.models.front().name : options_.model;
    std::vector<VersionRef> candidates, incumbents;
    for (int64_t m = 0; m < context.recipe.model(model)->members; ++m) {
      const ModelState& versions = context.state.models.at(line_name(model, m));
      if (versions.candidate) candidates.push_back(*versions.candidate);
      incumbents.push_back(versions.incumbent);
    }
    StepResult result;
    if (candidates.empty()) {
      result.note = "no candidate to judge";
      return result;
    }
    auto gate = context.registries.gates.make(options_.rule.front());
    GateInput input;
    Figures candidate, incumbent;
    Json made = Json::array();
    if (!gate->metric().empty()) {
      MetricSource source = find_metric(context.recipe, section_of(context), spec, gate->metric());
      candidate = figures_of(context, *source.evaluate, candidates, made);
      input.candidate = &candidate;
      input.value = metric_of(candidate, source, spec);
      if (gate->needs_incumbent()) {
        incumbent = figures_of(context, *source.evaluate, incumbents, made);
        input.incumbent = &incumbent;
        input.incumbent_value = metric_of(incumbent, source, spec);
      }
    }
    input.key = step_key(context, "bootstrap", spec);
    Decision decision = gate->decide(input);
    result.metrics = decision.metrics;
    result.metrics["accepted"] = decision.accept;
    result.note = (decision.accept ? "accepted: " : "kept the incumbent: ") + decision.reason;
    result.payload.set("model", model);
    result.payload.set("accepted", decision.accept);
    if (!gate->metric().empty()) result.payload.set("best", decision.accept ? input.value : input.incumbent_value);
    if (!made.as_array().empty()) result.payload.set("figures", std::move(made));
    result.digest = sha256(decision.accept ? "accepted" : "rejected");
    return result;
  }

 private:
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
    const RoleSpec* role = recipe.role(options_of(evaluate).role);
    return role && role->model == options_.model;
  }

  static EvaluateOptions options_of(const StepSpec& evaluate) {
    EvaluateOptions options;
    read_options(
        evaluate.options, [](OptionVisitor& v, void* o) { static_cast<EvaluateOptions*>(o)->visit(v); }, &options);
    return options;
  }

  // Of the record, else evaluated now under the same options.
  static Figures figures_of(RoundContext& context, const StepSpec& evaluate, const std::vector<VersionRef>& versions,
                            Json& made) {
    EvaluationKey key{evaluate.name, evaluation_digest(evaluate), versions_digest(versions)};
    if (auto it = context.state.figures.find(key); it != context.state.figures.end()) return it->second;
    Figures figures = evaluate_version(context, evaluate.name, options_of(evaluate), versions);
    made.push(figures_json(key, figures));
    return figures;
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
