// What a run tells while it works: lines for people, events for programs.
#include "app/program.h"
#include "loop/round_line.h"
#include "sil/json.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Contains;
using testing::ProgramResult;
using testing::run_sil;
using testing::TestDirectory;

TEST_CASE("run with --jsonl gives an event a line: rounds, their steps, their seals, and the summary last") {
  const TestDirectory directory;
  const ProgramResult ran = run_sil("run configs/rft.yaml --rounds 1 --jsonl --out " + directory.at("run"));
  REQUIRE(ran.code == 0);
  std::vector<Json> rows;
  for (size_t begin = 0, end; (end = ran.out.find('\n', begin)) != std::string::npos; begin = end + 1)
    rows.push_back(parse_json(ran.out.substr(begin, end - begin)));
  REQUIRE(rows.size() > 5);
  std::map<std::string, int> counts;
  std::string sealed;
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    CHECK(rows[i].at("schema_version").as_int() == 1);
    const std::string event = rows[i].at("event").as_string();
    ++counts[event];
    if (event == "seal") sealed = rows[i].at("digest").as_string();
    if (event == "step") CHECK(rows[i].at("metrics").is_object());
  }
  CHECK(counts["round"] == 2);  // before and the first
  CHECK(counts["seal"] == 2);
  CHECK(counts["step"] == 8);
  CHECK(rows.back().at("status").as_string() == "done");
  CHECK(rows.back().at("digest").as_string() == sealed);
}

TEST_CASE("a round ends with one line of what it sampled, kept, lost, measured and decided") {
  RoundState round;
  round.label = "3";
  const auto add = [&](const char* name, const char* verb) -> StepProgress& {
    round.order.push_back(name);
    StepProgress& step = round.steps[name];
    step.verb = verb;
    step.done = true;
    return step;
  };
  add("generate", "generate").tally.count("rollouts", 1024);
  StepProgress& verify = add("verify", "verify");
  verify.tally.count("pass", 256);
  verify.tally.count("fail", 768);
  verify.tally.count("abstain", 5);
  add("filter", "filter").tally.count("kept", 96);
  add("finetune", "finetune").metrics["loss"] = 0.93;
  add("dev", "evaluate").metrics = {{"pass@1", 0.55}, {"pass@1.low", 0.49}, {"pass@1.high", 0.61}};
  round.accepted["lm"] = false;
  CHECK(round_line(round) ==
        "round 3: sampled 1024, pass rate 0.25, kept 96, loss 0.93, dev pass@1 0.55 [0.49, 0.61], rejected");
}

TEST_CASE("a round that cannot learn says why and what to change") {
  RoundState round;
  round.label = "1";
  round.steps["filter"].verb = "filter";
  round.steps["filter"].metrics = {{"in", 64}};
  round.steps["generate"].verb = "generate";
  round.steps["generate"].metrics = {{"cut_rate", 0.5}};
  round.steps["verify"].verb = "verify";
  round.steps["verify"].metrics = {{"units", 64}, {"abstained", 64}};
  const std::vector<std::string> notes = round_notes(round);
  REQUIRE(notes.size() == 3);
  CHECK_THAT(notes[0], Contains("filter kept nothing") && Contains("easier problems"));
  CHECK_THAT(notes[1], Contains("cut 50 %") && Contains("max_new_tokens"));
  CHECK_THAT(notes[2], Contains("verify abstained on everything"));
}

}  // namespace
}  // namespace sil
