#include "steps/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/statistics.h"
#include "sil/filter.h"
#include "sil/rng.h"
#include "sil/verifier.h"
#include "steps/binding.h"
#include "steps/sampling.h"
#include "steps/scopes.h"
#include "verifiers/list.h"

namespace sil {
namespace {

constexpr int64_t kProceduralProblems = 256;
constexpr int64_t kAll = int64_t{1} << 40;

bool correct(const Group& group, const Rollout& rollout) {
  return label_of(group, rollout, "") == Label::pass;
}

// Whether a member's most frequent extracted answer is right; the first one to reach the count wins a tie.
bool majority_correct(const Task& task, const Group& group, const std::vector<const Rollout*>& rollouts) {
  std::map<std::string, std::pair<int64_t, size_t>> votes;  // answer -> (votes, first rollout)
  for (size_t r = 0; r < rollouts.size(); ++r) {
    auto answer = task.extractor().extract(rollouts[r]->text);
    if (answer) ++votes.try_emplace(*answer, 0, r).first->second.first;
  }
  int64_t most = 0;
  size_t first = 0;
  for (const auto& [answer, vote] : votes)
    if (vote.first > most || (vote.first == most && vote.second < first)) most = vote.first, first = vote.second;
  return most > 0 && correct(group, *rollouts[first]);
}

// As the ranker saw them: its verdict is the first.
std::vector<RankedSample> ranked(const Group& group, const std::vector<const Rollout*>& rollouts) {
  std::vector<RankedSample> samples;
  for (const Rollout* rollout : rollouts) {
    const Verdict& rank = rollout->verdicts.front();
    const bool abstains = rank.label == Label::abstain || std::isnan(rank.score);
    samples.push_back({abstains ? -std::numeric_limits<double>::infinity() : rank.score, correct(group, *rollout)});
  }
  return samples;
}

void set_rate(Metrics& metrics, const std::string& name, double sum, int64_t n) {
  Interval interval = wilson(sum, static_cast<double>(n));
  metrics[name] = n ? sum / static_cast<double>(n) : 0;
  metrics[name + ".low"] = interval.low;
  metrics[name + ".high"] = interval.high;
}

class EvaluationRun final : public LocalRun {
 public:
  EvaluationRun(RoundContext& context, const EvaluateOptions& options, Sampler sampler)
      : context_(context),
        sampler_(std::move(sampler)),
        ranker_(make_judge(options.best_of, context.registries)),
        verifier_(make_judge(options.verify, context.registries)),
        metrics_(round_scope(context.round())) {}

  void process(Frame& frame, StepOutput& out) const override {
    std::vector<SampleFrom> from;
    for (size_t g = 0; g < frame.groups.size(); ++g) from.push_back({g, -1, 0, {}});
    out.tally.count("asked", sample(context_, sampler_, from, frame));
    if (context_.stop.stop_requested()) return;
    // The last word is the truth's.
    if (ranker_) judge(*ranker_, frame, out.tally);
    verifier_ ? judge(*verifier_, frame, out.tally) : check(frame, out.tally);
    FrameText rollouts, verdicts;
    for (const Group& group : frame.groups) {
      append_rollouts(rollouts, group, true);
      append_verdicts(verdicts, group, sampler_.step);
    }
    tally_rollouts(frame, sampler_.step, out.tally);
    out.files.emplace_back("rollouts", std::move(rollouts));
    out.files.emplace_back("verdicts", std::move(verdicts));
  }
  Metrics metrics(const Tally&) const override { return {}; }

 private:
  void add(Verdict verdict, std::string verifier, Rollout& rollout, Tally& tally) const {
    verdict.step = sampler_.step;
    verdict.verifier = std::move(verifier);
    tally_verdict(verdict, tally);
    rollout.verdicts.push_back(std::move(verdict));
  }

  // By the tasks' own rule.
  void check(Frame& frame, Tally& tally) const {
    for (Group& group : frame.groups) {
      const Task& task = *context_.task_of(*group.problem);
      for (Rollout& rollout : group.rollouts) {
        const TaskCheck truth = task.check(*group.problem, rollout.text);
        add(truth.correct ? passed(truth.reason) : failed(truth.reason), "task@1", rollout, tally);
      }
    }
  }

  void judge(const Verifier& verifier, Frame& frame, Tally& tally) const {
    std::vector<JudgeItem> items;
    for (const Group& group : frame.groups)
      for (const Rollout& rollout : group.rollouts) items.push_back({&group, &rollout});
    std::vector<Verdict> verdicts(items.size());
    JudgeContext around;
    around.task = [this](const Problem& problem) { return context_.task_of(problem); };
    around.scope = [this](const JudgeItem& item) { return unit_scope(*item.group, item.rollout, "", metrics_); };
    around.stop = context_.stop;
    verifier.verify(items, around, verdicts);
    size_t next = 0;
    for (Group& group : frame.groups)
      for (Rollout& rollout : group.rollouts) add(std::move(verdicts[next++]), verifier.version(), rollout, tally);
  }

  RoundContext& context_;
  Sampler sampler_;
  std::unique_ptr<Verifier> ranker_, verifier_;  // null: none
  std::shared_ptr<const Scope> metrics_;         // of the round's steps, before this one
};

}  // namespace

void EvaluateOptions::visit(OptionVisitor& v) {
  v.option("tasks", tasks, {.help = "held-out tasks", .required = true, .refers = "task"});
  v.option("problems", problems,
           {.help = "first so many of an order that all evaluate steps share; 0 = all (procedural tasks: 256)",
            .low = 0,
            .high = 1e9});
  v.option("role", role, {.help = "who answers", .refers = "role"});
  v.option("samples", samples, {.help = "rollouts a problem, of each member of the model", .low = 1, .high = 1e6});
  visit_sampling(sampling, v);
  v.plugins("verify", "verifier", verify,
            {.help = "a verifier, or a weighted list, that judges in place of the tasks' own rule"});
  v.plugins(
      "best_of", "verifier", best_of,
      {.help = "a verifier, or a weighted list, that ranks a problem's rollouts: best_of@k is how often the first "
               "of k is right"});
}

EvaluateOptions evaluate_options(const StepSpec& evaluate) {
  EvaluateOptions options;
  read_options(
      evaluate.options, [](OptionVisitor& v, void* o) { static_cast<EvaluateOptions*>(o)->visit(v); }, &options);
  return options;
}

Sampler evaluation_sampler(const RoundContext& context, const std::string& step, const EvaluateOptions& options,
                           std::vector<VersionRef> versions) {
  const RoleSpec& role = context.role(options.role);
  RandomPath path{context.recipe.seed, "sample", {step}, {}};
  Sampler sampler;
  sampler.step = step;
  sampler.role = role.name;
  sampler.model = role.model;
  sampler.versions = std::move(versions);
  sampler.members = context.recipe.model(role.model)->members;
  sampler.view = context.view_of(role.view, role.place);
  sampler.key = path.key();
  sampler.options.samples = options.samples;
  sampler.options.sampling = options.sampling;
  return sampler;
}

std::unique_ptr<Verifier> make_judge(const std::vector<PluginSpec>& list, const Registries& registries) {
  if (list.empty()) return nullptr;
  return make_verifier(list, "sum", 0.5, registries.verifiers);
}

std::unique_ptr<LocalRun> make_evaluation(RoundContext& context, const EvaluateOptions& options, Sampler sampler) {
  for (const VersionRef& version : sampler.versions) context.models.resident(sampler.model, version);
  return std::make_unique<EvaluationRun>(context, options, std::move(sampler));
}

std::unique_ptr<TaskSource> evaluation_source(RoundContext& context, const EvaluateOptions& options,
                                              const Sampler& recorder) {
  std::vector<TaskView> views;
  bool procedural = false;
  for (const std::string& name : options.tasks) {
    views.push_back(task_view(context, name));
    procedural = procedural || views.back().task->procedural();
  }
  const int64_t wanted = options.problems > 0 ? options.problems : procedural ? kProceduralProblems : kAll;
  const RandomPath order{context.recipe.seed, "permute", {}, {}};  // one order for all evaluate steps
  auto source = std::make_unique<TaskSource>(
      Draws(std::move(views), order.key(), 0, false), wanted,
      groups_per_frame(context, recorder.rollouts(), options.sampling.max_new_tokens), context.round().label);
  const auto& steps = context.round().steps;
  if (auto it = steps.find(recorder.step); it != steps.end() && !it->second.spans.empty())
    source->skip(it->second.spans.back().end);
  return source;
}

EvaluationFigures::EvaluationFigures(const RoundContext& context, const EvaluateOptions& options, int64_t set)
    : context_(context),
      samples_(options.samples),
      set_(set),
      ranked_(!options.best_of.empty()),
      verified_(!options.verify.empty()) {
  for (int64_t k = 1; k < samples_; k *= 2) ks_.push_back(k);
  ks_.push_back(samples_);
  pass_.resize(ks_.size());
  best_.resize(ks_.size());
}

void EvaluationFigures::add(const Group& group) {
  std::map<uint32_t, std::vector<const Rollout*>> members;
  for (const Rollout& rollout : group.rollouts) {
    if (rollout.sample / samples_ != set_) continue;
    members[rollout.member].push_back(&rollout);
    tokens_ += static_cast<int64_t>(rollout.ids.size());
    cut_ += rollout.finish == Finish::length;
    abstained_ += rollout.verdicts.back().label == Label::abstain;
    unranked_ += ranked_ && rollout.verdicts.front().label == Label::abstain;
    ++rollouts_;
  }
  const Task& task = *context_.task_of(*group.problem);
  const auto mean = [&](const auto& figure) {  // summed first: a mean of ones is one
    double sum = 0;
    for (const auto& [member, rollouts] : members) sum += static_cast<double>(figure(rollouts));
    return sum / static_cast<double>(members.size());
  };
  const auto passes = [&](const std::vector<const Rollout*>& rollouts) {
    return std::count_if(rollouts.begin(), rollouts.end(),
                         [&](const Rollout* rollout) { return correct(group, *rollout); });
  };
  for (size_t k = 0; k < ks_.size(); ++k) {
    pass_[k] += mean([&](const auto& rollouts) { return pass_at_k(samples_, passes(rollouts), ks_[k]); });
    if (ranked_) best_[k] += mean([&](const auto& rollouts) { return best_of_k(ranked(group, rollouts), ks_[k]); });
  }
  majority_ += mean([&](const auto& rollouts) { return majority_correct(task, group, rollouts); });
  ++problems_;
  per_problem_[group.problem->uid + group.occurrence] = mean(passes) / static_cast<double>(samples_);
}

Figures EvaluationFigures::figures() const {
  Figures figures;
  figures.per_problem = per_problem_;
  for (size_t k = 0; k < ks_.size(); ++k)
    set_rate(figures.metrics, "pass@" + std::to_string(ks_[k]), pass_[k], problems_);
  for (size_t k = 0; ranked_ && k < ks_.size(); ++k)
    set_rate(figures.metrics, "best_of@" + std::to_string(ks_[k]), best_[k], problems_);
  if (samples_ > 1) set_rate(figures.metrics, "maj@" + std::to_string(samples_), majority_, problems_);
  figures.metrics["problems"] = static_cast<double>(problems_);
  const double rollouts = std::max<double>(1, static_cast<double>(rollouts_));
  figures.metrics["mean_length"] = static_cast<double>(tokens_) / rollouts;
  figures.metrics["cut_rate"] = static_cast<double>(cut_) / rollouts;
  if (verified_) figures.metrics["abstained"] = static_cast<double>(abstained_) / rollouts;
  if (ranked_) figures.metrics["unranked"] = static_cast<double>(unranked_) / rollouts;
  return figures;
}

Figures recorded_figures(RoundContext& context, const std::string& recorder, const EvaluateOptions& options,
                         int64_t set) {
  EvaluationFigures evaluation(context, options, set);
  const PoolPart part = step_part(context.round(), recorder);
  for (size_t f = 0; f < part.spans.size(); ++f)
    for (const Group& group : read_groups(context.env, context.run_dir, part, f)) evaluation.add(group);
  return evaluation.figures();
}

Digest evaluation_digest(const StepSpec& spec) {
  return sha256(dump_canonical(spec.options.options));
}

Json figures_json(const EvaluationKey& key, const Figures& figures) {
  Json json = Json::object();
  json.set("step", key.step);
  json.set("options", key.options.hex());
  json.set("version", key.version.hex());
  Json metrics = Json::object();
  for (const auto& [name, value] : figures.metrics) metrics.set(name, value);
  json.set("metrics", std::move(metrics));
  Json problems = Json::object();
  for (const auto& [uid, value] : figures.per_problem) problems.set(hex64(uid), value);
  json.set("problems", std::move(problems));
  return json;
}

}  // namespace sil
