// evaluate: metrics of the live version on held-out tasks.
#include "steps/draws.h"
#include "steps/evaluation.h"
#include "steps/steps.h"
#include "verifiers/list.h"

namespace sil {
namespace {

class Evaluate final : public Step {
 public:
  explicit Evaluate(EvaluateOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.role.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `role: NAME`"});
    check_sampling(options_.sampling, spec, findings);
    check_answers(recipe, spec, options_.tasks, findings);
    if (!options_.best_of.empty() && options_.samples == 1)
      findings.push_back({spec.place, spec.name + ": best_of has one rollout a problem to choose from",
                          "say how many, e.g. samples: 8"});
    for (const auto* list : {&options_.verify, &options_.best_of}) try {
        if (!list->empty()) check_weights(*list, "sum");
      } catch (const Error& error) {
        findings.insert(findings.end(), error.findings().begin(), error.findings().end());
      }
  }
  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    return make_evaluation(context, options_, *sampler(context, spec));
  }
  // None where the record knows these versions' figures already.
  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    const auto how = sampler(context, spec);
    if (context.state.figures.count({spec.name, evaluation_digest(spec), versions_digest(how->versions)}))
      return nullptr;
    return evaluation_source(context, options_, *how);
  }
  std::optional<Workload> workload(const Recipe& recipe, const StepSpec&, const Registries&) const override {
    return sampling_workload(role_of(recipe, options_.role), options_.tasks, options_.problems,
                             {options_.samples, options_.sampling});
  }
  bool makes_pool(const StepSpec&) const override { return false; }
  std::vector<std::string> unconfined(const Registries& shelves) const override {
    std::vector<std::string> out;
    for (const auto* list : {&options_.verify, &options_.best_of})
      if (const auto judge = make_judge(*list, shelves))
        for (std::string& command : judge->unconfined()) out.push_back(std::move(command));
    return out;
  }
  std::shared_ptr<const Sampler> sampler(RoundContext& context, const StepSpec& spec) const override {
    return std::make_shared<Sampler>(evaluation_sampler(context, spec.name, options_, versions(context)));
  }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const EvaluationKey key{spec.name, evaluation_digest(spec), versions_digest(versions(context))};
    StepResult result;
    auto known = context.state.figures.find(key);
    const Figures figures =
        known != context.state.figures.end() ? known->second : recorded_figures(context, spec.name, options_, 0);
    result.metrics = figures.metrics;
    Json entry = figures_json(key, figures);
    result.digest = sha256(dump_canonical(entry));
    if (known == context.state.figures.end()) {
      Json entries = Json::array();
      entries.push(std::move(entry));
      result.payload.set("figures", std::move(entries));
    }
    return result;
  }

 private:
  std::vector<VersionRef> versions(const RoundContext& context) const {
    const RoleSpec& role = context.role(options_.role);
    return find_versions(role.weights, *context.recipe.model(role.model), context.state);
  }

  EvaluateOptions options_;
};

}  // namespace

void register_evaluate(Registry<Step>& registry) {
  registry.add<Evaluate, EvaluateOptions>("evaluate", "metrics on held-out tasks");
}

}  // namespace sil
