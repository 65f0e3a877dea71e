// `sil run` and `sil check`.
#include <algorithm>
#include <thread>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress.h"
#include "app/recipe_input.h"
#include "app/signals.h"
#include "loop/memory_plan.h"
#include "recipe/help.h"

namespace sil {
namespace {

Json metrics_json(const RoundMetrics& metrics) {
  Json out = Json::object();
  for (const auto& [step, figures] : metrics) {
    Json& of_step = out.set(step, Json::object());
    for (const auto& [name, value] : figures) of_step.set(name, value);
  }
  return out;
}

void tell_next(const RunSummary& summary) {
  const std::string run = shell_word(summary.run);
  for (const std::string& command : summary.unconfined) tell(unconfined_text(command));
  tell(summary.status + " after " + std::to_string(summary.rounds) + " rounds: " + summary.run);
  if (summary.status != "done") return tell("  the same command continues;  sil show " + run + "  shows what there is");
  tell("  sil show " + run + "        what each round did");
  tell("  sil reproduce " + run + "   the same again, compared digest by digest");
}

// Every finding of the recipe's reader and, once it can be read, of its steps.
std::vector<Finding> findings_of(const RecipeInput& input, const Builtins& builtins, Recipe& recipe) {
  try {
    recipe = read_recipe(input, builtins.shelves());
  } catch (const Error& error) {
    if (error.code() != Exit::usage) throw;
    return error.findings();
  }
  return recipe_findings(recipe, builtins.registries, builtins.steps);
}

int64_t integer_option(const StepSpec& step, std::string_view name) {
  const Json* value = step.options.options.find(name);
  return value != nullptr && value->is_int() ? value->as_int() : 0;
}

Json memory_json(const MemoryPlan& memory, uint64_t machine) {
  Json phases = Json::array();
  for (const MemoryPhase& phase : memory.phases) {
    Json entry = Json::object();
    entry.set("step", phase.step);
    if (!phase.model.empty()) entry.set("model", phase.model);
    for (const auto& [name, bytes] : phase.parts()) entry.set(name, static_cast<int64_t>(bytes));
    entry.set("total", static_cast<int64_t>(phase.total()));
    phases.push(std::move(entry));
  }
  Json out = Json::object();
  out.set("total", static_cast<int64_t>(memory.total()));
  out.set("machine", static_cast<int64_t>(machine));
  out.set("steps", std::move(phases));
  return out;
}

// As comments below the recipe, which stays one that can be run.
void print_memory(const MemoryPlan& memory, uint64_t machine) {
  if (memory.phases.empty()) return;
  print("\n# memory: at most " + mebibytes(memory.total()) + " beside the program, of " + mebibytes(machine) + "\n");
  for (const MemoryPhase& phase : memory.phases)
    print("#   " + phase.step + ": " + mebibytes(phase.total()) + " = " + sum_text(phase) + "\n");
}

// What the run will ask for, by arithmetic alone. `rollouts` where the step says how many problems and samples.
Json plan_json(const Recipe& recipe, const MemoryPlan& memory, uint64_t machine) {
  Json steps = Json::array();
  for (const StepSpec& spec : recipe.round) {
    Json step = Json::object();
    step.set("step", spec.name);
    step.set("verb", spec.verb);
    const int64_t problems = integer_option(spec, "problems"), samples = integer_option(spec, "samples");
    if (problems > 0 && samples > 0 && problems < (int64_t{1} << 31) && samples < (int64_t{1} << 31))
      step.set("rollouts", problems * samples);
    steps.push(std::move(step));
  }
  Json plan = Json::object();
  plan.set("name", recipe.name);
  plan.set("digest", recipe.digest.hex());
  plan.set("rounds", recipe.rounds);
  plan.set("round", std::move(steps));
  plan.set("memory", memory_json(memory, machine));
  return plan;
}

}  // namespace

int thread_count(int64_t asked) {
  if (asked > 0) return static_cast<int>(asked);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
           c == '-' || c == '_';
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

int run_command(const RunArguments& arguments) {
  const Builtins builtins;
  std::vector<std::string> overrides = arguments.overrides;
  if (arguments.rounds >= 0) overrides.push_back("rounds=" + std::to_string(arguments.rounds));
  RunRequest request;
  request.recipe = read_input(arguments.recipe, std::move(overrides));
  request.directory = arguments.out;
  request.threads = thread_count(arguments.threads);
  request.fresh = arguments.fresh;
  RunSummary summary;
  {
    const ProgressStyle style = arguments.quiet   ? ProgressStyle::quiet
                                : arguments.jsonl ? ProgressStyle::jsonl
                                                  : ProgressStyle::text;
    ConsoleProgress progress(system_env(), style);
    summary = run_recipe(request, builtins.registries, builtins.steps, system_env(), progress, stop_on_signal());
  }
  if (!arguments.quiet) tell_next(summary);
  if (arguments.json || arguments.jsonl) {
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("run", summary.run);
    out.set("status", summary.status);
    out.set("rounds", summary.rounds);
    out.set("digest", summary.digest.hex());
    out.set("metrics", metrics_json(summary.metrics));
    set_cage(out, summary.unconfined);
    print_json(out);
  }
  return static_cast<int>(summary.status == "stopped" ? Exit::stopped : Exit::ok);
}

int check_command(const CheckArguments& arguments) {
  const Builtins builtins;
  Recipe recipe;
  const std::vector<Finding> findings =
      findings_of(read_input(arguments.recipe, arguments.overrides), builtins, recipe);
  for (const Finding& finding : findings) tell_finding(finding);
  const bool ok = findings.empty();
  MemoryPlan memory;
  const uint64_t machine = system_env().memory_bytes();
  if (ok) {
    const Tasks tasks = make_tasks(recipe, builtins.registries);
    const Engines engines = make_engines(recipe, tasks, builtins.registries, thread_count(arguments.threads));
    memory = plan_memory(recipe, tasks, engines, builtins.registries, builtins.steps);
    refuse_too_large(memory, machine);
  }
  if (arguments.json) {
    Json errors = Json::array();
    for (const Finding& finding : findings) errors.push(finding_json(finding));
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("ok", ok);
    out.set("errors", std::move(errors));
    out.set("plan", ok ? plan_json(recipe, memory, machine) : Json());
    print_json(out);
  } else if (ok) {
    print(resolved_dump(recipe));
    print_memory(memory, machine);
  }
  return static_cast<int>(ok ? Exit::ok : Exit::usage);
}

}  // namespace sil
