// `sil eval`: the step `evaluate` on a model outside any run.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress.h"
#include "app/rollout_row.h"
#include "app/row_filter.h"
#include "app/signals.h"
#include "loop/memory_plan.h"
#include "loop/setup.h"
#include "recipe/help.h"
#include "steps/evaluation.h"

namespace sil {
namespace {

constexpr const char* kExample =
    "sil eval runs/NAME/accepted jsonl=problems.jsonl verify=math problems=200 temperature=0 max_new_tokens=256";
constexpr const char* kModel = "lm";

// The words as the recipe of one round that evaluates.
RecipeInput recipe_of(const std::string& model, const std::vector<std::string>& words, const AnyRegistry& tasks) {
  const std::vector<std::string> known = tasks.names();
  std::vector<std::string> options{"role=asked"}, asked{std::string("model=") + kModel}, whole{"name=eval"};
  std::string named, made;
  for (const std::string& word : words) {
    const std::string key = word.substr(0, word.find('='));
    if (std::find(known.begin(), known.end(), key) != known.end()) {
      made +=
          (made.empty() ? "" : ", ") + key + ": " + (key == word ? "{" + key + ": {}}" : flow_map({word}, kExample));
      named += (named.empty() ? "" : ", ") + key;
    } else {
      (key == "seed" ? whole : key == "view" ? asked : options).push_back(word);
    }
  }
  if (named.empty())
    throw Error(Exit::usage, "sil eval: no task is named",
                "name one with its options, for instance: " + std::string(kExample));
  options.push_back("tasks=[" + named + "]");
  std::string top = flow_map(whole, kExample);
  top.pop_back();
  const std::string text = top + ", models: {" + kModel + ": {path: {folder: " + dump(Json(model)) + "}}}, tasks: {" +
                           made + "}, roles: {asked: " + flow_map(asked, kExample) +
                           "}, round: [{evaluate: " + flow_map(options, kExample) + "}]}";
  return {"sil eval", text, {}, {}};
}

Recipe checked_recipe(const RecipeInput& input, const Builtins& builtins) {
  Recipe recipe = read_recipe(input, builtins.shelves());
  std::vector<Finding> findings = recipe_findings(recipe, builtins.registries, builtins.steps);
  if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
  return recipe;
}

// What the step needs of a run: a state that knows one version, and no record.
class Evaluation {
 public:
  Evaluation(const Recipe& recipe, const Builtins& builtins, int threads, std::stop_token stop)
      : tasks_(make_tasks(recipe, builtins.registries)),
        step_(builtins.steps.make(spec(recipe).options)),
        nothing_(system_env(), ""),
        models_(nothing_),
        context_(
            recipe, builtins.registries, system_env(), "", state_, tasks_, models_, [](std::string_view, Json) {},
            nothing_) {
    Engines engines = make_engines(recipe, tasks_, builtins.registries, threads);
    refuse_too_large(plan_memory(recipe, tasks_, engines, builtins.registries, builtins.steps),
                     system_env().memory_bytes());
    models_.add(kModel, std::move(engines.at(kModel)));
    ModelState& line = state_.models[kModel];
    line.base = line.live = line.start = line.incumbent = models_.hold(kModel, models_.engine(kModel).initial());
    state_.rounds.emplace_back().label = "1";
    context_.threads = threads;
    context_.stop = std::move(stop);
    context_.section = "round";
  }

  // Gives each group, once it is judged, to `take`, with how many there are. Figures of those so far when it is
  // stopped.
  Figures run(const std::function<void(const Group& group, int64_t of)>& take) {
    const StepSpec& step = spec(context_.recipe);
    EvaluationFigures figures(context_, evaluate_options(step), 0);
    const auto source = step_->source(context_, step);
    const auto local = step_->local(context_, step);
    for (Frame frame; source->next(frame);) {
      StepOutput out;
      local->process(frame, out);
      if (context_.stop.stop_requested()) break;
      for (const Group& group : frame.groups) {
        figures.add(group);
        take(group, source->groups());
      }
    }
    return figures.figures();
  }

 private:
  static const StepSpec& spec(const Recipe& recipe) { return recipe.round.front(); }

  Tasks tasks_;
  std::unique_ptr<Step> step_;
  RunState state_;
  ObjectStore nothing_;
  Models models_;
  RoundContext context_;
};

std::string metric_lines(const Metrics& metrics) {
  std::string out;
  for (const auto& [name, value] : metrics) {
    if (name.ends_with(".low") || name.ends_with(".high")) continue;
    char line[160];
    int length = std::snprintf(line, sizeof line, "%-14s %.4g", name.c_str(), value);
    if (const auto low = metrics.find(name + ".low"); low != metrics.end())
      length += std::snprintf(line + length, sizeof line - static_cast<size_t>(length), "  [%.3f, %.3f]", low->second,
                              metrics.at(name + ".high"));
    out += std::string(line, static_cast<size_t>(length)) + "\n";
  }
  return out;
}

void print_metrics(const EvalArguments& arguments, const Metrics& metrics, bool stopped) {
  if (!arguments.json) {
    print(metric_lines(metrics));
    return;
  }
  Json figures = Json::object();
  for (const auto& [name, value] : metrics) figures.set(name, value);
  print_json(Json::Object{{"schema_version", 1},
                          {"model", arguments.model},
                          {"status", stopped ? "stopped" : "done"},
                          {"metrics", std::move(figures)}});
}

}  // namespace

int eval_command(const EvalArguments& arguments) {
  const Builtins builtins;
  const Recipe recipe =
      checked_recipe(recipe_of(arguments.model, arguments.words, builtins.registries.tasks), builtins);
  for (const std::string& command : unconfined_graders(recipe, builtins.registries, builtins.steps))
    tell(unconfined_text(command));
  const std::stop_token stop = stop_on_signal();
  Evaluation evaluation(recipe, builtins, thread_count(arguments.threads), stop);
  std::unique_ptr<OutputFile> file;
  if (!arguments.rollouts.empty()) file = system_env().create(arguments.rollouts, Create::exclusive);
  Figures figures;
  {
    ConsoleProgress progress(system_env(), arguments.quiet ? ProgressStyle::quiet : ProgressStyle::text);
    const Fate unseen{"", "", 1};  // by a filter
    int64_t done = 0;
    figures = evaluation.run([&](const Group& group, int64_t of) {
      for (const Rollout& rollout : group.rollouts)
        if (file) file->write(dump(row_json({"1", group, rollout, unseen})) + "\n");
      progress.working("evaluate", ++done, of);
    });
  }
  if (file) file->sync();
  print_metrics(arguments, figures.metrics, stop.stop_requested());
  return static_cast<int>(stop.stop_requested() ? Exit::stopped : Exit::ok);
}

std::string eval_help() {
  return "Tasks are written TASK or TASK=OPTIONS, as jsonl=FILE or addition='{digits: 3}'; `sil list task` names "
         "them.\n"
         "Beside the options of the step `evaluate`, `sil help evaluate`: seed=N and view=VIEW, as in a recipe.\n\n"
         "Example: " +
         std::string(kExample) + "\n";
}

}  // namespace sil
