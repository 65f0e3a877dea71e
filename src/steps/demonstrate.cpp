// demonstrate: groups of given rollouts: reference solutions, chosen and rejected rows. They have no log-probs; a
// reference or chosen one passes, a rejected one fails.
#include "steps/draws.h"
#include "steps/given.h"
#include "steps/sampling.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct DemonstrateOptions {
  std::vector<std::string> tasks;
  int64_t problems = 0;
  std::string role;
  bool assistant_only_loss = false;

  void visit(OptionVisitor& v) {
    v.option(
        "tasks", tasks,
        {.help = "whose given answers, of several in proportion to their sizes", .required = true, .refers = "task"});
    v.option("problems", problems, {.help = "how many problems", .low = 1, .high = 1e9, .required = true});
    v.option("role", role, {.help = "whose codec and view", .refers = "role"});
    v.option("assistant_only_loss", assistant_only_loss,
             {.help = "learn all that the assistant says in a conversation, not its last message alone"});
  }
};

class DemonstrateRun final : public LocalRun {
 public:
  DemonstrateRun(const RoundContext& context, const StepSpec& spec, const RoleSpec& role, View view,
                 bool assistant_only_loss)
      : codec_(context.models.engine(role.model).codec()),
        role_(role),
        spec_(spec),
        view_(std::move(view)),
        assistant_only_loss_(assistant_only_loss) {}

  void process(Frame& frame, StepOutput& out) const override {
    FrameText rollouts, verdicts;
    for (Group& group : frame.groups) {
      add_given(group, codec_, view_, spec_.name, role_.name, assistant_only_loss_);
      for (const Rollout& rollout : group.rollouts) tally_verdict(rollout.verdicts.back(), out.tally);
      append_rollouts(rollouts, group, true);
      append_verdicts(verdicts, group, spec_.name);
    }
    for (const Group& group : frame.groups) out.tally.count("asked", static_cast<int64_t>(group.problem->given.size()));
    tally_rollouts(frame, spec_.name, out.tally);
    out.files.emplace_back("rollouts", std::move(rollouts));
    out.files.emplace_back("verdicts", std::move(verdicts));
  }
  Metrics metrics(const Tally& tally) const override { return rollout_metrics(tally); }

 private:
  const Codec& codec_;
  const RoleSpec& role_;
  const StepSpec& spec_;
  View view_;
  bool assistant_only_loss_;
};

class Demonstrate final : public Step {
 public:
  explicit Demonstrate(DemonstrateOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.role.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `role: NAME`"});
    check_answers(recipe, spec, options_.tasks, findings);
  }
  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    const RoleSpec& role = context.role(options_.role);
    return std::make_unique<DemonstrateRun>(context, spec, role, context.view_of(role.view, spec.place),
                                            options_.assistant_only_loss);
  }
  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    std::vector<TaskView> views;
    for (const std::string& name : options_.tasks) views.push_back(task_view(context, name));
    auto cursor = context.state.cursors.find(spec.name);
    Draws draws(std::move(views), step_key(context, "permute", spec, false),
                cursor == context.state.cursors.end() ? 0 : cursor->second, true);
    auto source = std::make_unique<TaskSource>(std::move(draws), options_.problems, context.frame_rollouts,
                                               context.round().label);
    if (auto it = context.round().steps.find(spec.name); it != context.round().steps.end() && !it->second.spans.empty())
      source->skip(it->second.spans.back().end);
    return source;
  }
  bool makes_pool(const StepSpec&) const override { return true; }
  StepResult run(RoundContext&, const StepSpec&) const override { return {}; }

 private:
  DemonstrateOptions options_;
};

}  // namespace

void register_demonstrate(Registry<Step>& registry) {
  registry.add<Demonstrate, DemonstrateOptions>("demonstrate",
                                                "groups of given rollouts: reference, chosen, rejected answers");
}

}  // namespace sil
