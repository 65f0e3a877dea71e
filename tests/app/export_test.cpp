// `sil export` and `sil import`, as a shell sees them.
#include "app/json_rows.h"
#include "app/program.h"
#include "app/tiny_runs.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

std::vector<Json> generated(const std::string& model) {
  return answers("generate " + model + " max_new_tokens=8 seed=4 --threads 1",
                 "{\"prompt\":\"1+2=\"}\n{\"prompt\":\"é\"}\n");
}

ProgramResult exported(const std::string& words) {
  return run_sil("export " + words);
}

}  // namespace

TEST_CASE("a run is exported as a folder and as GGUF, and both answer as what it accepted does") {
  const TestDirectory out;
  const std::vector<Json> wanted = generated(runs().at("whole/accepted"));
  REQUIRE(exported(runs().at("whole") + " " + out.at("folder")).code == 0);
  CHECK(generated(out.at("folder")) == wanted);
  const ProgramResult made = exported(out.at("folder") + " " + out.at("m.gguf") + " --gguf f32 --json");
  REQUIRE(made.code == 0);
  CHECK(parse_json(made.out).at("out") == Json(out.at("m.gguf")));
  CHECK(generated(out.at("m.gguf")) == wanted);
  REQUIRE(run_sil("import " + out.at("m.gguf") + " " + out.at("again")).code == 0);
  CHECK(generated(out.at("again")) == wanted);
}

TEST_CASE("an adapter is exported as it is, or merged, and both answer as it does") {
  const TestDirectory out;
  const std::string adapter = runs().at("adapter/accepted");
  const std::vector<Json> wanted = generated(adapter);
  CHECK(wanted != generated(runs().at("whole/accepted")));
  REQUIRE(exported(runs().at("adapter") + " " + out.at("peft")).code == 0);
  CHECK(std::filesystem::exists(out.at("peft/adapter_config.json")));
  CHECK_FALSE(std::filesystem::exists(out.at("peft/config.json")));
  CHECK(generated(out.at("peft")) == wanted);
  REQUIRE(exported(adapter + " " + out.at("merged") + " --merge").code == 0);
  CHECK(std::filesystem::exists(out.at("merged/config.json")));
  CHECK(generated(out.at("merged")) == wanted);
  REQUIRE(exported(adapter + " " + out.at("m.gguf") + " --merge --gguf F32").code == 0);
  CHECK(generated(out.at("m.gguf")) == wanted);
}

TEST_CASE("what cannot be exported is refused before anything is written") {
  const TestDirectory out;
  const std::string whole = runs().at("whole/accepted"), adapter = runs().at("adapter/accepted");
  const auto refusal = [&](const std::string& words) {
    const ProgramResult result = run_sil(words);
    CHECK(result.code == 2);
    CHECK_FALSE(std::filesystem::exists(out.at("x")));
    return result.err;
  };
  CHECK_THAT(refusal("export " + whole + " " + out.at("x") + " --gguf Q4_K"), Contains("Q8_0"));
  CHECK_THAT(refusal("export " + whole + " " + out.at("x") + " --gguf F16 --dtype bf16"), Contains("--dtype"));
  CHECK_THAT(refusal("export " + whole + " " + out.at("x") + " --merge"), Contains("no adapter to merge"));
  CHECK_THAT(refusal("export " + adapter + " " + out.at("x") + " --gguf F16"), Contains("add --merge"));
  CHECK_THAT(refusal("export " + adapter + " " + out.at("x") + " --dtype bf16"), Contains("add --merge"));
  CHECK_THAT(refusal("export any.gguf " + out.at("x")), Contains("sil import"));
  CHECK_THAT(refusal("import " + whole + " " + out.at("x")), Contains("sil export"));
  CHECK_THAT(refusal("export " + whole + " " + runs().at("whole")), Contains("is there already"));
}
