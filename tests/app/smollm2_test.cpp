// A published model, where scripts/get_smollm2.sh has fetched it: what transformers answers
// (tests/golden/make_smollm2.py, make_gsm8k.py).
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "app/json_rows.h"
#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;

namespace {

const std::string kModel = SIL_SOURCE_DIR "/.deps/SmolLM2-135M-Instruct.Q4_1.gguf";

bool missing() {
  if (std::filesystem::exists(kModel)) return false;
  WARN("skipped: " << kModel << " is not there; scripts/get_smollm2.sh fetches it");
  return true;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

Json golden_rows() {
  return parse_json(read(SIL_SOURCE_DIR "/tests/golden/smollm2.json")).at("rows");
}

std::string prompts() {
  std::string out;
  const Json rows = golden_rows();
  for (const Json& row : rows.as_array()) out += dump(Json::Object{{"prompt", row.at("prompt")}}) + "\n";
  return out;
}

}  // namespace

TEST_CASE("SmolLM2 from GGUF answers 20 prompts as transformers does, to the token, its log-probs within 1e-4") {
  if (missing()) return;
  const std::vector<Json> seen = answers("generate " + kModel + " temperature=0 max_new_tokens=64", prompts());
  const Json rows = golden_rows();
  REQUIRE(seen.size() == rows.as_array().size());
  for (size_t i = 0; i < seen.size(); ++i) {
    const Json& wanted = rows.as_array()[i];
    INFO(dump(wanted.at("prompt")));
    CHECK(seen[i].at("prompt_ids") == wanted.at("prompt_ids"));
    REQUIRE(seen[i].at("token_ids") == wanted.at("token_ids"));
    const Json::Array& logprobs = seen[i].at("logprobs").as_array();
    for (size_t n = 0; n < logprobs.size(); ++n)
      CHECK(std::abs(logprobs[n].as_double() - wanted.at("logprobs").as_array()[n].as_double()) < 1e-4);
  }
}

TEST_CASE("what SmolLM2 samples is what it scores, bit for bit, whatever the threads") {
  if (missing()) return;
  const std::string words = "generate " + kModel + " temperature=0.8 max_new_tokens=24 seed=5 --threads ";
  const std::vector<Json> sampled = answers(words + "2", prompts());
  CHECK(answers(words + "1", prompts()) == sampled);
  std::string sequences;
  for (const Json& row : sampled) {
    Json ids = row.at("prompt_ids");
    const auto start = static_cast<int64_t>(ids.as_array().size());
    for (const Json& id : row.at("token_ids").as_array()) ids.push(id);
    sequences += dump(Json::Object{{"token_ids", ids}, {"start", start}}) + "\n";
  }
  const std::vector<Json> scored = answers("score " + kModel + " temperature=0.8 --threads 2", sequences);
  REQUIRE(scored.size() == sampled.size());
  for (size_t i = 0; i < sampled.size(); ++i) CHECK(scored[i].at("logprobs") == sampled[i].at("logprobs"));
}

TEST_CASE(
    "SmolLM2's answers to 200 problems of GSM8K are those of transformers, and none passes that math-verify does not") {
  const std::string problems = SIL_SOURCE_DIR "/.deps/gsm8k_test.jsonl";
  if (std::getenv("SIL_SLOW_TESTS") == nullptr || !std::filesystem::exists(problems) || missing()) {
    WARN("skipped: set SIL_SLOW_TESTS=1; scripts/get_gsm8k.sh fetches what it reads");
    return;
  }
  std::map<std::string, std::string> ids;  // by prompt
  for (const Json& row : rows_of(read(problems))) ids[row.at("prompt").as_string()] = row.at("id").as_string();
  const Json golden = parse_json(read(SIL_SOURCE_DIR "/tests/golden/gsm8k_smollm2.json")).at("rows");
  std::map<std::string, Json> wanted;
  for (const Json& row : golden.as_array()) wanted[row.at("id").as_string()] = row;
  const TestDirectory out;
  const ProgramResult result = run_sil("eval " + kModel + " jsonl=" + problems +
                                       " verify=math problems=200 temperature=0 max_new_tokens=128 --json --quiet" +
                                       " --rollouts " + out.at("rollouts.jsonl"));
  INFO(result.err);
  REQUIRE(result.code == 0);
  const std::vector<Json> seen = rows_of(out.read("rollouts.jsonl"));
  REQUIRE(seen.size() == wanted.size());
  int64_t passed = 0;
  for (const Json& row : seen) {
    const Json& expected = wanted.at(ids.at(row.at("prompt").as_string()));
    CHECK(row.at("token_ids") == expected.at("token_ids"));
    if (row.at("verdict").at("label").as_string() != "pass") continue;
    ++passed;
    CHECK(expected.at("right").as_bool());
  }
  CHECK(passed > 0);
  CHECK(std::lround(200 * parse_json(result.out).at("metrics").at("pass@1").as_double()) == passed);
}
