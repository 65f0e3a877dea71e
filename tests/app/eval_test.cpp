// `sil eval`, as a shell sees it.
#include <algorithm>

#include "app/json_rows.h"
#include "app/program.h"
#include "app/tiny_runs.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kOptions = "problems=20 samples=3 max_new_tokens=4";

std::string model() {
  return runs().at("whole/accepted");
}

Json metrics(const std::string& words) {
  const ProgramResult result = run_sil("eval " + model() + " " + words + " --json --quiet --threads 2");
  INFO(result.err);
  REQUIRE(result.code == 0);
  return parse_json(result.out).at("metrics");
}

}  // namespace

TEST_CASE("an evaluation outside a run gives the figures and the rollouts of the same step inside one") {
  const TestDirectory out;
  const std::string recipe = out.write("r.yaml", "seed: 7\nmodels: {lm: {path: " + model() + R"(}}
tasks: {addition: {addition: {digits: 1}}}
round: [{evaluate: {tasks: addition, problems: 20, samples: 3, max_new_tokens: 4}}]
)");
  const ProgramResult run = run_sil("run " + recipe + " --quiet --json --out " + out.at("run"));
  INFO(run.err);
  REQUIRE(run.code == 0);
  const Json seen = metrics("addition='{digits: 1}' seed=7 " + std::string(kOptions) + " --rollouts " + out.at("rows"));
  CHECK(seen == parse_json(run.out).at("metrics").at("evaluate"));
  CHECK(seen.at("problems").as_double() == 20);
  const ProgramResult rows = run_sil("show " + out.at("run") + " --rollouts --jsonl");
  CHECK(rows_of(out.read("rows")) == rows_of(rows.out));
  CHECK(rows_of(out.read("rows")).size() == 60);
}

TEST_CASE("a file of problems is judged by a verifier, and the intervals are Wilson's") {
  const TestDirectory out;
  std::string rows;
  for (int i = 0; i < 8; ++i) rows += "{\"prompt\":\"" + std::to_string(i) + "\",\"answer\":\"x\"}\n";
  const std::string file = out.write("rows.jsonl", rows);
  const Json all = metrics("jsonl=" + file + " verify='{regex: \"\"}' max_new_tokens=4 temperature=0");
  CHECK(all.at("pass@1").as_double() == 1);
  // 8 of 8 at 95 %: 1 / (1 + z^2 / 8), z = 1.959964
  CHECK(all.at("pass@1.low").as_double() == Approx(0.67559).epsilon(1e-4));
  CHECK(all.at("abstained").as_double() == 0);
  const ProgramResult text = run_sil("eval " + model() + " jsonl=" + file + " verify='{regex: \"\"}' --quiet");
  CHECK_THAT(text.out, Contains("pass@1         1  [0.676, 1.000]"));
}

TEST_CASE("what cannot be evaluated is refused before the model is read") {
  const TestDirectory out;
  const auto refusal = [&](const std::string& words) {
    const ProgramResult result = run_sil("eval " + out.at("no-model") + " " + words);
    CHECK(result.code == 2);
    return result.err;
  };
  CHECK_THAT(refusal("problems=3"), Contains("no task is named") && Contains("jsonl="));
  CHECK_THAT(refusal("addition problem=3"), Contains("problems"));
  CHECK_THAT(refusal("addition verify=exakt"), Contains("exact"));
  CHECK_THAT(refusal("addition='{digit: 2}'"), Contains("digits"));
  const std::string file = out.write("there", "rows of another day");
  const ProgramResult result =
      run_sil("eval " + model() + " addition='{digits: 1}' problems=2 --quiet --rollouts " + file);
  CHECK(result.code != 0);
  CHECK(out.read("there") == "rows of another day");
}
