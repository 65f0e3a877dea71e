// generate: rollouts of a role, for fresh problems, for a pool's groups, or after each of a pool's rollouts.
#include <algorithm>
#include <limits>
#include <unordered_map>

#include "sil/rng.h"
#include "steps/draws.h"
#include "steps/drift.h"
#include "steps/resample.h"
#include "steps/sampling.h"
#include "steps/steps.h"

namespace sil {
namespace {

struct GenerateOptions {
  std::vector<std::string> tasks;
  int64_t problems = 0;
  std::string role;
  int64_t samples = 1;
  SamplingOptions sampling;
  Json view;
  std::string by;

  void visit(OptionVisitor& v) {
    v.option("tasks", tasks,
             {.help = "where fresh problems come from, of several in proportion to their sizes; without it the input "
                      "pool's problems",
              .refers = "task"});
    v.option("problems", problems, {.help = "how many fresh problems a round", .low = 0, .high = 1e9});
    v.option("role", role, {.help = "who writes", .refers = "role"});
    v.option("samples", samples,
             {.help = "rollouts a problem, of each member of the model", .low = 1, .high = 16777215});
    visit_sampling(sampling, v);
    v.option("view", view, {.help = "what the role sees: a template, {text: …}, {hint: answer}; default its own view"});
    v.option("by", by, {.help = "verify step whose verdict `where` reads; default the most recent"});
  }
};

class GenerateRun final : public LocalRun {
 public:
  GenerateRun(RoundContext& context, const StepSpec& spec, std::shared_ptr<const Sampler> sampler, std::string by)
      : context_(context), spec_(spec), sampler_(std::move(sampler)), where_(context, spec, std::move(by)) {}

  void process(Frame& frame, StepOutput& out) const override {
    bool new_pool = sampler_->new_pool;
    std::vector<size_t> rollouts, prompts;
    for (const Group& group : frame.groups) {
      rollouts.push_back(group.rollouts.size());
      prompts.push_back(group.prompts.size());
    }
    out.tally.count("asked", sample(context_, *sampler_, wanted(frame), frame));
    if (context_.stop.stop_requested()) return;
    if (new_pool && !sampler_->fresh) keep_only_new(frame, rollouts, prompts);
    frame.before.clear();
    if (new_pool) frame.round = context_.round().label;
    FrameText text;
    for (size_t g = 0; g < frame.groups.size(); ++g) {
      const Group& group = frame.groups[g];
      if (new_pool)
        append_rollouts(text, group, true);
      else if (group.rollouts.size() > rollouts[g])
        append_rollouts(text, group, false, rollouts[g], prompts[g]);
    }
    tally_rollouts(frame, spec_.name, out.tally);
    tally_drift(frame, *sampler_, out.tally);
    out.files.emplace_back("rollouts", std::move(text));
  }

  Metrics metrics(const Tally& tally) const override {
    Metrics metrics = rollout_metrics(tally);
    add_drift_metrics(tally, metrics);
    return metrics;
  }

 private:
  std::vector<SampleFrom> wanted(const Frame& frame) const {
    std::vector<SampleFrom> from;
    for (size_t g = 0; g < frame.groups.size(); ++g) {
      const Group& group = frame.groups[g];
      int64_t first = first_sample(*sampler_, group);
      if (!sampler_->new_pool && !frame.before.empty()) first += frame.before[g] * sampler_->options.samples;
      if (spec_.per != "rollout") {
        if (where_.lets(frame.round, group, nullptr)) from.push_back({g, -1, static_cast<uint32_t>(first), {}});
        continue;
      }
      for (size_t r = 0; r < group.rollouts.size(); ++r)
        if (group.rollouts[r].kept && where_.lets(frame.round, group, &group.rollouts[r])) {
          from.push_back({g, static_cast<int64_t>(r), static_cast<uint32_t>(first), {}});
          first += sampler_->options.samples;
        }
    }
    return from;
  }

  // `as` on an existing pool: the same problems, the new rollouts alone.
  static void keep_only_new(Frame& frame, const std::vector<size_t>& rollouts, const std::vector<size_t>& prompts) {
    for (size_t g = 0; g < frame.groups.size(); ++g) {
      Group& group = frame.groups[g];
      const std::string maker = rollouts[g] == 0 ? "" : group.rollouts.front().step;
      group.parent = sha256(group_id(frame.round, maker, group)).head();
      if (!frame.before.empty()) group.occurrence = frame.before[g];
      group.rollouts.erase(group.rollouts.begin(), group.rollouts.begin() + static_cast<std::ptrdiff_t>(rollouts[g]));
      group.prompts.erase(group.prompts.begin(), group.prompts.begin() + static_cast<std::ptrdiff_t>(prompts[g]));
      group.position += frame.offset;
      for (Rollout& rollout : group.rollouts) rollout.prompt -= static_cast<uint32_t>(prompts[g]);
      group.verdicts.clear();
    }
  }

  RoundContext& context_;
  const StepSpec& spec_;
  std::shared_ptr<const Sampler> sampler_;
  Where where_;
};

// Says of each group what went before it with the same problem. Two parts of an input may hold one problem: ids and
// draws must differ all the same. Memory: a few words a group, where there are several parts.
class Repeats final : public FrameSource {
 public:
  // `source`: from its first frame on, of which `done` are committed. `per_rollout`: a rollout is a conversation.
  Repeats(std::unique_ptr<FrameSource> source, size_t done, bool new_pool, bool per_rollout)
      : source_(std::move(source)), new_pool_(new_pool), per_rollout_(per_rollout) {
    for (Frame frame; done > 0; --done) next(frame);
  }
  bool next(Frame& frame) override {
    frame.before.clear();
    if (!source_->next(frame)) return false;
    for (const Group& group : frame.groups) {
      const uint64_t uid = group.problem->uid;
      uint32_t& seen = seen_[new_pool_ ? uid : group_key(uid, 0, 0, 0, group.occurrence)];
      frame.before.push_back(seen);
      seen += per_rollout_ ? static_cast<uint32_t>(group.rollouts.size()) : 1;
    }
    return true;
  }
  int64_t groups() const override { return source_->groups(); }

 private:
  std::unique_ptr<FrameSource> source_;
  bool new_pool_, per_rollout_;
  std::unordered_map<uint64_t, uint32_t> seen_;
};

class Generate final : public Step {
 public:
  explicit Generate(GenerateOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (!options_.tasks.empty() && options_.problems == 0)
      findings.push_back(
          {spec.place, spec.name + ": `problems` is missing", "say how many problems a round, e.g. problems: 64"});
    if (options_.role.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `role: NAME`"});
    check_sampling(options_.sampling, spec, findings);
    if (!spec.per.empty() && spec.per != "problem" && spec.per != "rollout")
      findings.push_back({spec.place, spec.name + ": per: " + spec.per, "generate works per: problem or rollout"});
  }

  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    auto how = sampler(context, spec);
    for (const VersionRef& version : how->versions) context.models.resident(how->model, version);
    return std::make_unique<GenerateRun>(context, spec, std::move(how), options_.by);
  }

  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    if (options_.tasks.empty()) return pool_source(context, spec);
    std::vector<TaskView> views;
    for (const std::string& name : options_.tasks) views.push_back(task_view(context, name));
    auto cursor = context.state.cursors.find(spec.name);
    Draws draws(std::move(views), step_key(context, "permute", spec, false),
                cursor == context.state.cursors.end() ? 0 : cursor->second, true);
    const int64_t rollouts = options_.samples * context.recipe.model(context.role(options_.role).model)->members;
    auto source = std::make_unique<TaskSource>(std::move(draws), options_.problems,
                                               groups_per_frame(context, rollouts, options_.sampling.max_new_tokens),
                                               context.round().label);
    if (auto it = context.round().steps.find(spec.name); it != context.round().steps.end() && !it->second.spans.empty())
      source->skip(it->second.spans.back().end);
    return source;
  }

  std::optional<Workload> workload(const Recipe& recipe, const StepSpec&, const Registries&) const override {
    Workload work = sampling_workload(role_of(recipe, options_.role), options_.tasks, options_.problems,
                                      {options_.samples, options_.sampling});
    if (!options_.view.is_null()) work.view = options_.view;
    return work;
  }
  bool makes_pool(const StepSpec& spec) const override {
    return !options_.tasks.empty() || (spec.name != spec.verb && spec.name.rfind("generate_", 0) != 0);
  }
  // After the last frame: what was sampled must be what is scored, bit for bit, on the first rollouts that this step
  // wrote.
  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const StepProgress& progress = context.round().steps[spec.name];
    auto files = progress.files.find("rollouts");
    if (files == progress.files.end()) return {};
    size_t first = 0;
    while (first < files->second.size() && files->second[first].length == 0) ++first;
    if (first == files->second.size()) return {};
    auto how = sampler(context, spec);
    StepResult result;
    std::vector<Group> made = read_sampled_frame(context, spec, *how, first).made;
    std::vector<Group> checked = made;
    keep_first_rollouts(checked, how->step, std::numeric_limits<int64_t>::max(), kScoredTokens);
    result.metrics["rescored_tokens"] = static_cast<double>(check_logprobs(context, *how, checked));
    if (const auto kl = kl_to_base(context, spec, *how, std::move(made), first + 1)) result.metrics["kl_to_base"] = *kl;
    return result;
  }

  std::shared_ptr<const Sampler> sampler(RoundContext& context, const StepSpec& spec) const override {
    const RoleSpec& role = context.role(options_.role);
    auto sampler = std::make_shared<Sampler>();
    sampler->step = spec.name;
    sampler->role = role.name;
    sampler->model = role.model;
    sampler->versions = find_versions(role.weights, *context.recipe.model(role.model), context.state);
    sampler->members = context.recipe.model(role.model)->members;
    sampler->view = context.view_of(options_.view.is_null() ? role.view : options_.view, spec.place);
    sampler->key = step_key(context, "sample", spec);
    sampler->options.samples = options_.samples;
    sampler->options.sampling = options_.sampling;
    sampler->fresh = !options_.tasks.empty();
    sampler->new_pool = makes_pool(spec);
    return sampler;
  }

 private:
  std::unique_ptr<FrameSource> pool_source(const RoundContext& context, const StepSpec& spec) const {
    if (context.input_pool(spec).parts.size() < 2) return context.pool_source(spec, spec.name);
    const auto& steps = context.round().steps;
    const auto it = steps.find(spec.name);
    const bool new_pool = makes_pool(spec);
    return std::make_unique<Repeats>(context.pool_source(spec, ""), it == steps.end() ? 0 : it->second.spans.size(),
                                     new_pool, !new_pool && spec.per == "rollout");
  }

  GenerateOptions options_;
};

}  // namespace

void register_generate(Registry<Step>& registry) {
  registry.add<Generate, GenerateOptions>("generate", "rollouts of a role");
}

}  // namespace sil
