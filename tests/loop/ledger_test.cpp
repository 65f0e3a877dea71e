// What a frame says by its lines alone, and the equations between a step's counts.
#include "loop/ledger.h"

#include "loop/frame_scan.h"
#include "record/lines.h"
#include "sil/verifier.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

// Keys of the record's own lines inside of texts and metadata, quotes and backslashes: what could mislead a scan.
Group awkward_group(int64_t position, uint32_t occurrence, uint64_t parent) {
  auto problem = std::make_shared<Problem>();
  problem->uid = 0x0123456789abcdef;
  problem->prompt = R"(a ","occurrence":9,"prompts":[ \ b)";
  problem->meta = parse_json(R"({"occurrence":7,"prompts":[{"ids":[1],"text":"x"}],"makers":[{"member":5}]})");
  Group group;
  group.problem = problem;
  group.position = position;
  group.occurrence = occurrence;
  group.parent = parent;
  group.prompts.push_back({{1, 2}, R"("makers":[ "finish":"cancelled")"});
  for (uint32_t sample : {0, 1}) {
    Rollout rollout;
    rollout.step = "s\"tep";
    rollout.sample = sample;
    rollout.ids = {4, 5, 6};
    rollout.logprobs = {-1, -2, -3};
    rollout.finish = sample == 0 ? Finish::length : Finish::stop;
    rollout.text = R"(","finish":"cancelled","ids":[1])";
    Verdict verdict = failed(R"(no ","label":"pass","cost_us":1)");
    verdict.step = "judge";
    verdict.parts = {{"cost_us", 1.0}, {"label", 0.5}};
    rollout.verdicts.push_back(verdict);
    group.rollouts.push_back(std::move(rollout));
  }
  return group;
}

TEST_CASE("a frame's text gives the digests that its writer gave and counts what it holds, whatever texts it has") {
  const std::vector<Group> groups = {awkward_group(3, 0, 0), awkward_group(4, 2, 0), awkward_group(6, 3, 77)};
  FrameText rollouts, added, verdicts, fates, examples;
  for (const Group& group : groups) {
    append_rollouts(rollouts, group, true);
    append_rollouts(added, group, false, 1, 1);
    append_verdicts(verdicts, group, "judge");
    append_fates(fates, group, {{"kept", "a \"tie\"", 1}, {"dropped", "b\\c", 1}});
    Example example;
    example.id = R"("segments":[[0,1,1,"x"]])";
    example.sequences.resize(2);
    for (ExampleSequence& sequence : example.sequences) {
      sequence.ids = {1, 2, 3};
      sequence.segments = {{0, 1, 0, ""}, {1, 3, 1, rollout_id("1", group, group.rollouts[0])}};
    }
    append_example(examples, example);
  }
  using Counts = std::map<std::string, int64_t>;
  const std::vector<std::tuple<std::string, FrameText, Counts>> kinds = {
      {"rollouts", rollouts, {{"groups", 3}, {"rollouts", 6}, {"tokens", 18}, {"cut", 3}, {"cancelled", 0}}},
      {"rollouts", added, {{"rollouts", 3}, {"tokens", 9}, {"cut", 0}, {"cancelled", 0}}},
      {"verdicts", verdicts, {{"units", 6}, {"fail", 6}, {"class.fail", 6}}},
      {"fates", fates, {{"in", 6}, {"kept", 3}, {"unused.a \"tie\"", 3}, {"dropped.b\\c", 3}}},
      {"examples", examples, {{"examples", 3}, {"used", 3}}}};
  for (const auto& [kind, text, counts] : kinds) {
    const FrameScan scan = scan_frame(kind, text.text, {3, 7});
    INFO(kind << "\n" << text.text);
    CHECK(scan.items == text.items);
    CHECK(scan.lines == static_cast<int64_t>(text.lines));
    CHECK(scan.counts == counts);
    CHECK(scan.fault == "");
  }
  const FrameScan whole = scan_frame("rollouts", rollouts.text, {3, 7});
  const uint64_t uid = 0x0123456789abcdef;
  CHECK(whole.groups == std::vector<GroupKey>{{uid, 0, 0}, {uid, 0, 2}, {uid, 77, 3}});
  CHECK_THAT(scan_frame("rollouts", rollouts.text, {3, 6}).fault, Contains("group 6 is outside its frame"));
  CHECK_THAT(scan_frame("fates", fates.text, {3, 6}).fault, Contains("group 6 is outside its frame"));
  CHECK(scan_frame("fates", fates.text, {103, 107}).fault == "");  // of a second part, whose positions begin anew
  FrameText twice;
  Group group = awkward_group(3, 0, 0);
  group.rollouts[1].sample = 0;
  append_rollouts(twice, group, true);
  CHECK_THAT(scan_frame("rollouts", twice.text, {3, 4}).fault, Contains("sample 0 twice"));
  for (const char* damaged : {"x\n", "{\"sample\":1}\n", "{\"group\":1"})
    CHECK_THROWS_AS(scan_frame("rollouts", damaged, {0, 9}), Error);
}

TEST_CASE("the ledger's equations, by hand") {
  Tally tally;
  tally.count("asked", 3);
  tally.count("rollouts", 3);
  CHECK(imbalance(tally, {{"rollouts", 4}}) == "");
  tally.count("asked");
  CHECK_THAT(imbalance(tally, {{"rollouts", 4}}), Contains("asked for 4"));
  Tally judged;
  for (const char* name : {"units", "pass", "class.pass"}) judged.count(name, 2);
  CHECK(imbalance(judged, {{"verdicts", 2}}) == "");
  CHECK_THAT(imbalance(judged, {{"verdicts", 1}}), Contains("2 units were judged, 1 verdicts"));
  judged.count("fail");
  CHECK_THAT(imbalance(judged, {{"verdicts", 2}}), Contains("1 failed"));
  Tally filtered;
  filtered.count("in", 5);
  filtered.count("kept", 3);
  filtered.count("dropped.fail", 2);
  CHECK(imbalance(filtered, {{"fates", 5}}) == "");
  filtered.count("used", 2);
  filtered.count("examples", 1);
  CHECK_THAT(imbalance(filtered, {{"fates", 5}, {"examples", 1}}), Contains("2 are in examples"));
  filtered.count("unused.tie");
  CHECK(imbalance(filtered, {{"fates", 5}, {"examples", 1}}) == "");
  filtered.count("in");
  CHECK_THAT(imbalance(filtered, {{"fates", 6}, {"examples", 1}}), Contains("6 rollouts came in"));
}

}  // namespace
}  // namespace sil
