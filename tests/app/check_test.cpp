#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRecipe = R"(name: tiny
rounds: 2
models:
  lm: {table: {context: 4}, tokenizer: chars}
tasks:
  train: {addition: {digits: 1}}
round:
  - generate: {tasks: train, problems: 8, samples: 4}
  - verify: exact
  - filter: {keep: pass}
  - finetune: {from: live, loss: nll}
)";

// Two faults, on lines 7 and 8.
constexpr const char* kBroken = R"(name: tiny
models:
  lm: {table: {context: 4}, tokenizer: chars}
tasks:
  train: {addition: {digits: 1}}
round:
  - generate: {tasks: train, problems: 8, samplez: 4}
  - verify: exakt
)";

}  // namespace

TEST_CASE("sampling options that no model can sample with are found before the start, with their place") {
  TestDirectory directory;
  const std::string words = "check " + directory.write("recipe.yaml", kRecipe) + " 'generate.";
  const ProgramResult bias = run_sil(words + "logit_bias={7: 101}'");
  CHECK(bias.code == 2);
  CHECK_THAT(bias.err, Contains("generate: logit_bias: of 7: 101; write token ids and numbers from -100 to 100"));
  CHECK(run_sil(words + "logit_bias={7: -100}'").code == 0);
  CHECK_THAT(run_sil(words + "stop=[\"\"]'").err, Contains("generate: stop: an empty text would stop every rollout"));
}

TEST_CASE("check reports every fault with its place and the nearest name, and starts nothing") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kBroken);
  const ProgramResult result = run_sil("check " + recipe);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains(recipe + ":7:") && Contains("samplez") && Contains("samples"));
  CHECK_THAT(result.err, Contains(recipe + ":8:") && Contains("exakt") && Contains("exact"));
  CHECK(result.out.empty());
}

TEST_CASE("check --json gives each finding as an object") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kBroken);
  const ProgramResult result = run_sil("check --json " + recipe);
  CHECK(result.code == 2);
  const Json report = parse_json(result.out);
  CHECK(report.at("schema_version").as_int() == 1);
  CHECK_FALSE(report.at("ok").as_bool());
  REQUIRE(report.at("errors").as_array().size() == 2);
  const Json& first = report.at("errors").as_array().front();
  CHECK(first.at("file").as_string() == recipe);
  CHECK(first.at("line").as_int() == 7);
  CHECK_THAT(first.at("message").as_string(), Contains("samplez"));
  CHECK(report.at("plan").is_null());
}

TEST_CASE("check of a good recipe prints it resolved, overrides included, with origins") {
  const TestDirectory directory;
  const ProgramResult result = run_sil("check " + directory.write("recipe.yaml", kRecipe) + " generate.samples=5");
  CHECK(result.err.empty());
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Contains("samples: 5") && Contains("override") && Contains("default"));
}

TEST_CASE("check --json of a good recipe plans its rollouts by arithmetic") {
  const TestDirectory directory;
  const ProgramResult result = run_sil("check --json " + directory.write("recipe.yaml", kRecipe));
  CHECK(result.code == 0);
  const Json report = parse_json(result.out);
  CHECK(report.at("ok").as_bool());
  CHECK(report.at("errors").as_array().empty());
  CHECK(report.at("plan").at("rounds").as_int() == 2);
  CHECK(report.at("plan").at("round").as_array().front().at("rollouts").as_int() == 32);
}

TEST_CASE("check of a file that is not there is a usage error that names it") {
  const ProgramResult result = run_sil("check /nowhere/recipe.yaml --json");
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains("/nowhere/recipe.yaml"));
}

TEST_CASE("a misspelt field of an expression is found before anything starts") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", R"(name: tiny
models:
  lm: {table: {context: 4}, tokenizer: chars}
tasks:
  train: {addition: {digits: 1}}
round:
  - generate: {tasks: train, problems: 8, samples: 4}
  - verify: exact
  - filter: {keep: "scoer > 0"}
  - finetune: {from: live, loss: nll}
)");
  const ProgramResult result = run_sil("check " + recipe);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains(recipe + ":9:") && Contains("scoer") && Contains("score"));
}
