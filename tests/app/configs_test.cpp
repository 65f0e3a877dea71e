// Every recipe of configs/: a new file is tested without a line here.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/whole_run.h"
#include "loop/round.h"
#include "recipe/help.h"
#include "support/catch.h"

namespace sil::testing {
namespace {

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

RunRequest one_round(const std::string& file, int threads) {
  RunRequest request;
  request.recipe.file = file;
  request.recipe.text = read_recipe_file(file);
  request.recipe.overrides = {"rounds=1"};
  // What takes minutes by design is shown in small here.
  const std::string name = std::filesystem::path(file).stem();
  if (name == "quickstart")
    request.recipe.overrides = {"rounds=1",           "demonstrate.problems=64", "finetune.steps=3",
                                "finetune_2.steps=3", "generate.problems=16",    "five_digits.problems=8",
                                "learned.problems=8"};
  if (name == "grpo_countdown" || name == "rft_countdown")
    request.recipe.overrides = {"rounds=1",        "demonstrate.problems=64", "finetune.steps=3",
                                "warm.problems=8", "generate.problems=16",    "dev.problems=8"};
  if (name == "rft_countdown") request.recipe.overrides.emplace_back("finetune_2.steps=3");
  if (name == "star_scratchpad")
    request.recipe.overrides = {"rounds=1",        "plain.problems=64", "with_hint.problems=64", "finetune.steps=3",
                                "warm.problems=8", "tries.problems=16", "finetune_2.steps=3",    "dev.problems=8"};
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
  const Recipe recipe = read_recipe({.file = file, .text = request.recipe.text, .overrides = {}, .environment = {}},
                                    shelves_of(builtins().registries, builtins().steps));
  for (const ModelSpec& model : recipe.models) {
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
