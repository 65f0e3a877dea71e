// Every recipe of configs/: a new file is tested without a line here.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "app/whole_run.h"
#include "loop/round.h"
#include "recipe/help.h"
#include "support/catch.h"

namespace sil::testing {
namespace {

const std::string kSmolLm2 = SIL_SOURCE_DIR "/.deps/SmolLM2-135M-Instruct.Q4_1.gguf";

std::vector<std::string> configs() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SIL_SOURCE_DIR "/configs"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

// The comment lines that a file begins with, as one text in small letters.
std::string header_of(const std::string& file) {
  std::ifstream in(file);
  std::string header;
  for (std::string line; std::getline(in, line) && line.starts_with("#");) header += line.substr(1);
  std::transform(header.begin(), header.end(), header.begin(), [](unsigned char c) { return std::tolower(c); });
  return header;
}

Recipe recipe_of(const RecipeInput& input) {
  return read_recipe(input, shelves_of(builtins().registries, builtins().steps));
}

// A clone has neither published models nor their datasets: a transformer that reads bytes and a few problems stand for
// them.
void stand_in(RecipeInput& input) {
  const Recipe recipe = recipe_of(input);
  for (const ModelSpec& model : recipe.models) {
    if (model.engine.name != "path") continue;
    const std::string at = "models." + model.name + ".";
    input.overrides.insert(input.overrides.end(),
                           {"~" + at + "path", "++" + at + "llama={layers: 1, width: 16, heads: 2, context: 256}",
                            "++" + at + "tokenizer=bytes"});
    for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
      for (const StepSpec& step : *section)
        if (step.options.options.find("max_new_tokens") != nullptr)
          input.overrides.push_back(step.name + ".max_new_tokens=6");
  }
  int parts = 0;
  for (const TaskSpec& task : recipe.tasks) {
    const Json* path = task.plugin.options.find("path");
    if (path == nullptr || !path->as_string().starts_with(".deps/")) continue;
    input.overrides.push_back("tasks." + task.name + ".jsonl.path=" SIL_SOURCE_DIR "/tests/golden/word_problems.jsonl");
    if (parts++ > 0) input.overrides.push_back("++tasks." + task.name + ".split={fraction: 0.4, name: dev}");
  }
}

// What takes minutes by design, all that trains a transformer, is shown in small here.
void shrink(RecipeInput& input) {
  const Recipe recipe = recipe_of(input);
  if (recipe.models.front().engine.name != "llama") return;
  const std::map<std::string, std::string> small = {{"demonstrate", ".problems=64"},
                                                    {"generate", ".problems=16"},
                                                    {"evaluate", ".problems=8"},
                                                    {"finetune", ".steps=3"}};
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *section) {
      const auto change = small.find(step.verb);
      const bool fresh = step.verb != "generate" || step.options.options.find("problems")->as_int() > 0;
      const bool one_step = step.verb == "finetune" && step.options.options.find("minibatches")->as_int() > 0;
      if (change != small.end() && fresh && !one_step) input.overrides.push_back(step.name + change->second);
    }
}

RunRequest one_round(const std::string& file, int threads) {
  RunRequest request;
  request.recipe.file = file;
  request.recipe.text = read_recipe_file(file);
  request.recipe.overrides = {"rounds=1"};
  stand_in(request.recipe);
  shrink(request.recipe);
  request.directory = "runs/config";
  request.threads = threads;
  return request;
}

RunSummary run(const RunRequest& request, Env& env) {
  Lines lines;
  return run_recipe(request, builtins().registries, builtins().steps, env, lines, {});
}

TEST_CASE("configs/ holds the recipes that the documentation speaks of") {
  const std::vector<std::string> files = configs();
  for (const char* name : {"quickstart", "rft", "rest_em", "star", "grpo", "dpo", "majority", "program_verifier"}) {
    INFO(name);
    CHECK(std::any_of(files.begin(), files.end(),
                      [&](const std::string& file) { return std::filesystem::path(file).stem() == name; }));
  }
}

TEST_CASE("one round of every recipe runs, passes fsck and has one digest for any number of threads") {
  for (const std::string& file : configs()) {
    INFO(file);
    SimulatedEnv alone, together;
    const RunSummary one = run(one_round(file, 1), alone);
    CHECK(one.status == "done");
    CHECK(one.rounds == 1);
    CHECK(fsck_run(alone, "runs/config").digest == one.digest);
    CHECK(run(one_round(file, 2), together).digest == one.digest);
  }
}

// The recipe with all its models made transformers, tokenizers kept.
RunRequest on_transformers(const std::string& file, int threads) {
  RunRequest request = one_round(file, threads);
  for (const ModelSpec& model : recipe_of({file, request.recipe.text, {}, {}}).models) {
    if (model.engine.name == "path") continue;  // it is one already
    request.recipe.overrides.push_back("~models." + model.name + "." + model.engine.name);
    request.recipe.overrides.push_back("++models." + model.name +
                                       ".llama={layers: 1, width: 16, heads: 2, context: 64}");
  }
  return request;
}

TEST_CASE("one round of every recipe runs on a transformer with one digest for any number of threads") {
  for (const std::string& file : configs()) {
    INFO(file);
    SimulatedEnv alone, together;
    const RunSummary one = run(on_transformers(file, 1), alone);  // a gap between sampler and scorer would stop it
    CHECK(one.status == "done");
    CHECK(fsck_run(alone, "runs/config").digest == one.digest);
    CHECK(run(on_transformers(file, 3), together).digest == one.digest);
  }
}

// The recipe with all its models made a published one, by one override a model; the others make it small.
RunRequest on_smollm2(const std::string& file) {
  RunRequest request;
  request.recipe.file = file;
  request.recipe.text = read_recipe_file(file);
  request.directory = "runs/config";
  request.threads = 2;
  std::vector<std::string>& overrides = request.recipe.overrides;
  overrides = {"rounds=1"};
  const Recipe recipe = recipe_of(request.recipe);
  for (const ModelSpec& model : recipe.models)
    overrides.push_back("models." + model.name + "={path: " + kSmolLm2 + ", lora: {r: 2, alpha: 4}}");
  const std::map<std::string, int64_t> small = {{"problems", 2}, {"samples", 2}, {"max_new_tokens", 3}, {"steps", 1}};
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *section)
      for (const auto& [option, most] : small)
        if (const Json* value = step.options.options.find(option);
            value != nullptr && value->is_int() && value->as_int() > most)
          overrides.push_back("++" + step.name + "." + option + "=" + std::to_string(most));
  return request;
}

// Ten minutes, so only where it is asked for.
TEST_CASE("one round of every recipe runs on SmolLM2 by overrides alone, and what it samples is what it scores") {
  if (std::getenv("SIL_SLOW_TESTS") == nullptr || !std::filesystem::exists(kSmolLm2)) {
    WARN("skipped: set SIL_SLOW_TESTS=1; scripts/get_smollm2.sh and scripts/get_gsm8k.sh fetch what it reads");
    return;
  }
  std::filesystem::current_path(SIL_SOURCE_DIR);  // recipes name their data from here
  for (const std::string& file : configs()) {
    INFO(file);
    SimulatedEnv env;
    const RunSummary summary = run(on_smollm2(file), env);  // a gap between sampler and scorer would stop it
    CHECK(summary.status == "done");
    CHECK(fsck_run(env, "runs/config").digest == summary.digest);
    double rescored = 0;
    for (const auto& [step, metrics] : summary.metrics)
      if (const auto found = metrics.find("rescored_tokens"); found != metrics.end()) rescored += found->second;
    CHECK(rescored > 0);
  }
}

TEST_CASE("every recipe's header names its paper, what is kept of it and what to see") {
  for (const std::string& file : configs()) {
    const std::string header = header_of(file);
    INFO(file);
    CHECK_THAT(header, Catch::Matchers::Contains("what to see"));
    // A recipe that shows a feature and follows no paper says what it is for.
    const bool paper = header.find("arxiv ") != std::string::npos;
    const bool feature = header.find("sil help ") != std::string::npos;
    CHECK((paper || feature));
    const bool kept =
        header.find("kept of it") != std::string::npos || header.find("every round:") != std::string::npos;
    CHECK((kept || feature));
  }
}

TEST_CASE("the recipe that help shows is complete and passes check against the real shelves") {
  CHECK(findings(std::string(example_recipe())).empty());
  WholeRun whole;
  CHECK(whole.run(std::string(example_recipe()), {"rounds=1"}).status == "done");
}

}  // namespace
}  // namespace sil::testing
