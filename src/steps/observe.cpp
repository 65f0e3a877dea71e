// observe: metrics that need the truth; they feed nothing. label_accuracy: how often the verdict's label is what the
// task's own rule says, over the input before the filter and over what it kept.
#include "sil/filter.h"
#include "steps/context.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct ObserveOptions {
  std::vector<std::string> metric;

  void visit(OptionVisitor& v) { v.option("metric", metric, {.help = "label_accuracy | accuracy", .required = true}); }
};

class Observe final : public Step {
 public:
  explicit Observe(ObserveOptions options) : options_(std::move(options)) {}

  void check(const Recipe&, const StepSpec& spec, std::vector<Finding>& findings) const override {
    for (const std::string& metric : options_.metric)
      if (metric != "label_accuracy" && metric != "accuracy")
        findings.push_back({spec.place, spec.name + ": unknown metric " + metric, "allowed: label_accuracy, accuracy"});
  }
  std::unique_ptr<LocalRun> local(RoundContext&, const StepSpec&) const override { return nullptr; }
  std::unique_ptr<FrameSource> source(RoundContext&, const StepSpec&) const override { return nullptr; }
  bool makes_pool(const StepSpec&) const override { return false; }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    Tally tally;
    Pool pool = context.input_pool(spec);
    for (const PoolPart& part : pool.parts)
      for (size_t f = 0; f < part.spans.size(); ++f)
        for (const Group& group : read_groups(context.env, context.run_dir, part, f)) observe(context, group, tally);
    StepResult result;
    result.metrics["accuracy"] = tally.share("right", "rollouts");
    for (const std::string& metric : options_.metric)
      if (metric == "label_accuracy" && tally.count_of("labelled") > 0) {
        result.metrics["label_accuracy"] = tally.share("agree", "labelled");
        result.metrics["passed_right"] = tally.share("passed_right", "passed");
      }
    result.digest = sha256(dump_canonical(tally.to_json()));
    return result;
  }

 private:
  static void observe(const RoundContext& context, const Group& group, Tally& tally) {
    const Task* task = context.task_of(*group.problem);
    if (!task) return;
    // With its answer, which the record does not hold where it is hidden.
    const Problem problem = task->at(group.problem->index);
    for (const Rollout& rollout : group.rollouts) {
      if (!rollout.kept) continue;
      bool right = task->check(problem, rollout.text).correct;
      Label label = label_of(group, rollout, "");
      tally.count("rollouts");
      tally.count("right", right);
      if (label == Label::abstain) continue;
      tally.count("labelled");
      tally.count("agree", (label == Label::pass) == right);
      tally.count("passed", label == Label::pass);
      tally.count("passed_right", label == Label::pass && right);
    }
  }

  ObserveOptions options_;
};

}  // namespace

void register_observe(Registry<Step>& registry) {
  registry.add<Observe, ObserveOptions>("observe", "metrics that need the truth; they feed nothing", "metric");
}

}  // namespace sil
