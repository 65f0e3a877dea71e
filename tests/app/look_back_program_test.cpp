// `sil replay`, `sil rejudge`, `sil show RUN ID`, `sil ls` and `sil fsck` as a shell sees them.
#include <sstream>

#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRecipe = R"(
name: seen
seed: 2
rounds: 1
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 8, learning_rate: 0.3}
round:
  - generate: {tasks: sums, problems: 12, samples: 6, max_new_tokens: 3}
  - verify: exact
  - filter: {shape: pair}
  - finetune: {from: live, loss: dpo, reference: start, steps: 1}
)";

struct Run {
  TestDirectory directory;
  std::string path = directory.at("run");

  Run() {
    const ProgramResult result = run_sil("run " + directory.write("seen.yaml", kRecipe) + " --quiet --out " + path);
    REQUIRE(result.code == 0);
  }
  std::vector<Json> rollouts(const std::string& flags) const {
    std::vector<Json> rows;
    std::istringstream lines(run_sil("show " + path + " --rollouts --jsonl " + flags).out);
    for (std::string line; std::getline(lines, line);) rows.push_back(parse_json(line));
    return rows;
  }
  std::string id(const std::string& flags) const { return rollouts(flags).at(0).at("id").as_string(); }
};

}  // namespace

TEST_CASE("replay prints the tokens of a rollout and that it is equal") {
  const Run run;
  const Json stored = run.rollouts("--step generate").at(3);
  const std::string id = stored.at("id").as_string();
  const ProgramResult text = run_sil("replay " + run.path + " " + id);
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Contains(id) && Contains("\nequal\n"));
  const Json json = parse_json(run_sil("replay --json " + run.path + " " + id).out);
  CHECK(json.at("equal").as_bool());
  CHECK(json.at("first_difference").is_null());
  for (const char* key : {"token_ids", "logprobs", "completion", "finish_reason", "prompt"})
    CHECK(json.at(key) == stored.at(key));
}

TEST_CASE("replay says what it cannot sample and draws at random") {
  const Run run;
  CHECK(run_sil("replay " + run.path + " " + run.id("--step demonstrate")).code == 2);
  CHECK(run_sil("replay " + run.path + " 1/generate/0123456789abcdef/0").code == 2);
  CHECK(run_sil("replay " + run.path).code == 2);
  CHECK(run_sil("replay " + run.path + " " + run.id("--step generate") + " --random 3").code == 2);
  const ProgramResult all = run_sil("replay --json --random 1000 --threads 2 " + run.path);
  CHECK(all.code == 0);
  const Json json = parse_json(all.out);
  CHECK(json.at("rollouts").as_int() == 132);
  CHECK(json.at("replayed").as_int() == 72);
  CHECK(json.at("not_sampled").as_int() == 60);
  CHECK(json.at("equal").as_bool());
}

TEST_CASE("show gives one round, or all of one rollout") {
  const Run run;
  CHECK_THAT(run_sil("show " + run.path + " 1").out, Contains("round 1") && !Contains("round 0"));
  CHECK(run_sil("show " + run.path + " 7").code == 2);
  const std::string id = run.id("--passed --step generate");
  CHECK_THAT(run_sil("show " + run.path + " " + id).out, Contains(id) && Contains("prompt") && Contains("logprob") &&
                                                             Contains("verify: pass 1") && Contains("filter: kept"));
  const Json row = parse_json(run_sil("show --json " + run.path + " " + id).out);
  CHECK(row.at("tokens").as_array().size() == row.at("token_ids").as_array().size());
  CHECK(row.at("verdicts").as_array().at(0).at("label").as_string() == "pass");
  CHECK(row.at("answer").as_string() == row.at("completion").as_string());
  CHECK(run_sil("show " + run.path + " 1/generate/0123456789abcdef/0").code == 2);
}

TEST_CASE("a rollout that was kept is in an example or says why not") {
  const Run run;
  int in_examples = 0, reasons = 0;
  for (const Json& row : run.rollouts("--step generate")) {
    const Json all = parse_json(run_sil("show --json " + run.path + " " + row.at("id").as_string()).out);
    const bool used = !all.at("examples").as_array().empty();
    const bool reason = !all.at("fates").as_array().at(0).at("reason").as_string().empty();
    INFO(row.at("id").as_string());
    CHECK(used != reason);
    in_examples += used;
    reasons += reason;
  }
  CHECK(in_examples > 0);
  CHECK(in_examples % 2 == 0);
  CHECK(reasons > 0);
}

TEST_CASE("rollouts can be chosen by step and by having passed") {
  const Run run;
  CHECK(run.rollouts("--step generate").size() == 72);
  CHECK(run.rollouts("--step demonstrate").size() == 60);
  CHECK(run.rollouts("--step generate --passed").size() + run.rollouts("--step generate --failed").size() == 72);
  for (const Json& row : run.rollouts("--passed")) CHECK(row.at("verdict").at("label").as_string() == "pass");
  CHECK(run_sil("show " + run.path + " --passed").code == 2);
  CHECK(run_sil("show " + run.path + " --rollouts --passed --failed").code == 2);
}

TEST_CASE("rejudge ends with 0 where nothing flips and with 8 where something does") {
  const Run run;
  const ProgramResult same = run_sil("rejudge " + run.path);
  CHECK(same.code == 0);
  CHECK_THAT(same.out, Contains("0 of 72 verdicts flip"));
  const ProgramResult other = run_sil("rejudge --json " + run.path + " \"verify={score: '0'}\"");
  CHECK(other.code == 8);
  const Json json = parse_json(other.out);
  const size_t passed = run.rollouts("--step generate --passed").size();
  CHECK(json.at("flips").as_array().size() == passed);
  CHECK(json.at("changes").at("pass -> fail").as_int() == static_cast<int64_t>(passed));
  CHECK(json.at("flips").as_array().at(0).at("now").at("label").as_string() == "fail");
  CHECK(run_sil("rejudge " + run.path + " generate.samples=2").code == 2);
  CHECK(run_sil("rejudge " + run.path + " --step generate").code == 2);
  CHECK(run_sil("rejudge " + run.path + " verify=exakt").code == 2);
}

TEST_CASE("ls lists runs by name and status, as JSON too") {
  const Run run;
  const std::string directory = run.directory.at("");
  const Json all = parse_json(run_sil("ls --json " + directory).out);
  REQUIRE(all.at("runs").as_array().size() == 1);
  CHECK(all.at("runs").as_array().at(0).at("name").as_string() == "seen");
  CHECK(all.at("runs").as_array().at(0).at("status").as_string() == "done");
  CHECK_THAT(run_sil("ls --name see --status done " + directory).out, Contains("seen  done  1 rounds"));
  CHECK(run_sil("ls --status running " + directory).out.empty());
  CHECK(run_sil("ls --name other-name " + directory).out.empty());
}

TEST_CASE("fsck ends with 7 once a byte of a frame is another one") {
  const Run run;
  CHECK(run_sil("fsck " + run.path).code == 0);
  const std::string name = "run/rounds/0001/verify.verdicts.jsonl.zst";
  std::string bytes = run.directory.read(name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  run.directory.write(name, bytes);
  const ProgramResult damaged = run_sil("fsck " + run.path);
  CHECK(damaged.code == 7);
  CHECK_THAT(damaged.err, Contains("verify"));
}
