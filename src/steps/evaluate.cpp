// evaluate: metrics of the live version on held-out tasks.
#include "steps/draws.h"
#include "steps/evaluation.h"
#include "steps/steps.h"

namespace sil {
namespace {

class Evaluate final : public Step {
 public:
  explicit Evaluate(EvaluateOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.role.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `role: NAME`"});
  }
  std::unique_ptr<LocalRun> local(RoundContext&, const StepSpec&) const override { return nullptr; }
  std::unique_ptr<FrameSource> source(RoundContext&, const StepSpec&) const override { return nullptr; }
  bool makes_pool(const StepSpec&) const override { return false; }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const RoleSpec& role = context.role(options_.role);
    VersionRef version = find_version(role.weights, role.model, context.state);
    EvaluationKey key{spec.name, evaluation_digest(spec), version.digest};
    StepResult result;
    auto known = context.state.figures.find(key);
    Figures figures =
        known != context.state.figures.end() ? known->second : evaluate_version(context, spec.name, options_, version);
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
  EvaluateOptions options_;
};

}  // namespace

void register_evaluate(Registry<Step>& registry) {
  registry.add<Evaluate, EvaluateOptions>("evaluate", "metrics on held-out tasks");
}

}  // namespace sil
