#include "steps/evaluation.h"

#include <algorithm>
#include <map>

#include "base/statistics.h"
#include "sil/rng.h"
#include "steps/draws.h"
#include "steps/sampling.h"

namespace sil {
namespace {

constexpr int64_t kProceduralProblems = 256;
constexpr int64_t kBatchRollouts = 4096;

struct Totals {
  std::vector<int64_t> ks;
  std::vector<double> pass;  // sums over problems, by k
  double majority = 0;
  int64_t problems = 0, tokens = 0, cut = 0, rollouts = 0;
};

// Share of problems whose most frequent extracted answer is right; the first one to reach the count wins a tie.
bool majority_correct(const Task& task, const Group& group, const std::vector<bool>& correct) {
  std::map<std::string, std::pair<int64_t, size_t>> votes;  // answer -> (votes, first rollout)
  for (size_t r = 0; r < group.rollouts.size(); ++r) {
    auto answer = task.extractor().extract(group.rollouts[r].text);
    if (answer) ++votes.try_emplace(*answer, 0, r).first->second.first;
  }
  int64_t most = 0;
  size_t first = 0;
  for (const auto& [answer, vote] : votes)
    if (vote.first > most || (vote.first == most && vote.second < first)) most = vote.first, first = vote.second;
  return most > 0 && correct[first];
}

void judge(const RoundContext& context, const Frame& frame, Totals& totals, Figures& figures) {
  for (const Group& group : frame.groups) {
    const Task& task = *context.task_of(*group.problem);
    std::vector<bool> correct;
    for (const Rollout& rollout : group.rollouts) {
      correct.push_back(task.check(*group.problem, rollout.text).correct);
      totals.tokens += static_cast<int64_t>(rollout.ids.size());
      totals.cut += rollout.finish == Finish::length;
      ++totals.rollouts;
    }
    auto n = static_cast<int64_t>(correct.size()),
         c = static_cast<int64_t>(std::count(correct.begin(), correct.end(), true));
    for (size_t k = 0; k < totals.ks.size(); ++k) totals.pass[k] += pass_at_k(n, c, totals.ks[k]);
    totals.majority += majority_correct(task, group, correct);
    ++totals.problems;
    figures.per_problem[group.problem->uid + group.occurrence] = static_cast<double>(c) / static_cast<double>(n);
  }
}

void set_rate(Metrics& metrics, const std::string& name, double sum, int64_t n) {
  Interval interval = wilson(sum, static_cast<double>(n));
  metrics[name] = n ? sum / static_cast<double>(n) : 0;
  metrics[name + ".low"] = interval.low;
  metrics[name + ".high"] = interval.high;
}

}  // namespace

void EvaluateOptions::visit(OptionVisitor& v) {
  v.option("tasks", tasks, {.help = "held-out tasks", .required = true, .refers = "task"});
  v.option("problems", problems,
           {.help = "first so many of one fixed order; 0 = all (procedural tasks: 256)", .low = 0, .high = 1e9});
  v.option("role", role, {.help = "who answers", .refers = "role"});
  v.option("samples", samples, {.help = "rollouts a problem", .low = 1, .high = 1e6});
  v.option("temperature", temperature, {.help = "0 = the likeliest token", .low = 0, .high = 100});
  v.option("max_new_tokens", max_new_tokens, {.help = "longest completion", .low = 1, .high = 1e6, .unit = "tokens"});
  v.option("stop", stop, {.help = "texts that end a completion and are cut from it"});
}

Figures evaluate_version(RoundContext& context, const std::string& step, const EvaluateOptions& options,
                         const VersionRef& version) {
  const RoleSpec& role = context.role(options.role);
  RandomPath path{context.recipe.seed, "sample", {step}, {}};
  RandomPath order{context.recipe.seed, "permute", {step}, {}};
  Sampler sampler{step, role.name, role.model, version, context.view_of(role.view, role.place), path.key(), {}};
  sampler.options.samples = options.samples;
  sampler.options.sampling.temperature = options.temperature;
  sampler.options.sampling.max_new_tokens = options.max_new_tokens;
  sampler.options.sampling.stop = options.stop;
  context.models.resident(role.model, version);
  std::vector<TaskView> views;
  bool procedural = false;
  for (const std::string& name : options.tasks) {
    views.push_back(task_view(context, name));
    procedural = procedural || views.back().task->procedural();
  }
  int64_t wanted = options.problems > 0 ? options.problems : procedural ? kProceduralProblems : int64_t{1} << 40;
  TaskSource source(Draws(std::move(views), order.key(), 0, false), wanted,
                    std::max<int64_t>(1, kBatchRollouts / options.samples), context.round().label);
  Totals totals;
  for (int64_t k = 1; k < options.samples; k *= 2) totals.ks.push_back(k);
  totals.ks.push_back(options.samples);
  totals.pass.resize(totals.ks.size());
  Figures figures;
  for (Frame frame; source.next(frame);) {
    std::vector<SampleFrom> from;
    for (size_t g = 0; g < frame.groups.size(); ++g) from.push_back({g, -1});
    sample(context, sampler, from, frame);
    if (context.stop.stop_requested()) throw Error(Exit::stopped, step + " stopped", "the same command continues");
    judge(context, frame, totals, figures);
    context.working(step, totals.problems, wanted < (int64_t{1} << 40) ? wanted : 0);
  }
  for (size_t k = 0; k < totals.ks.size(); ++k)
    set_rate(figures.metrics, "pass@" + std::to_string(totals.ks[k]), totals.pass[k], totals.problems);
  if (options.samples > 1)
    set_rate(figures.metrics, "maj@" + std::to_string(options.samples), totals.majority, totals.problems);
  figures.metrics["problems"] = static_cast<double>(totals.problems);
  double rollouts = std::max<double>(1, static_cast<double>(totals.rollouts));
  figures.metrics["mean_length"] = static_cast<double>(totals.tokens) / rollouts;
  figures.metrics["cut_rate"] = static_cast<double>(totals.cut) / rollouts;
  return figures;
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
