#include "record/lines.h"

#include <bit>
#include <cmath>
#include <limits>

#include "sil/error.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

ProblemRef make_problem() {
  auto problem = std::make_shared<Problem>();
  problem->uid = 0x0123456789abcdef;
  problem->prompt = "2+2=\n\"quoted\" \\ tab\t \x01 \xF0\x9F\x98\x80";
  problem->messages = {{"system", "be brief"}, {"user", "2+2=?"}};
  problem->answer = "";
  problem->given = {{"4", true, "reference"}, {"5", false, "rejected"}};
  problem->meta = parse_json(R"({"level":[1,2.5,{"a":"}]\"{"}],"none":null})");
  problem->split = Split::dev;
  problem->difficulty = 2.5;
  problem->task = "train";
  problem->index = -7;
  return problem;
}

Rollout make_rollout(uint32_t sample) {
  Rollout rollout;
  rollout.step = "generate";
  rollout.role = "lm";
  rollout.version = sha256("weights");
  rollout.sample = sample;
  rollout.ids = {5, -1, std::numeric_limits<TokenId>::max()};
  rollout.logprobs = {-0.0f, -1.1920929e-07f, -103.27893f};
  rollout.text = "caf\xC3\xA9 " + std::to_string(sample);
  return rollout;
}

Group make_group(int64_t position = 3) {
  Group group;
  group.problem = make_problem();
  group.position = position;
  group.occurrence = 2;
  group.parent = 0xfeedfacecafebeef;
  group.prompts = {{{1, 2, 3}, "2+2=", {{0, 1}, {2, 3}}}, {{}, "", {}}};
  group.rollouts = {make_rollout(0), make_rollout(1), make_rollout(2)};
  Rollout& other = group.rollouts[1];
  other.role = "judge";
  other.temperature = 0.7f;
  other.member = 4;
  other.prompt = 1;
  other.kept_mass = {1, 0.5f, std::numeric_limits<float>::denorm_min()};
  other.finish = Finish::length;
  other.parent = "1/generate/0123456789abcdef/0";
  other.used = {"a", "b\"c"};
  group.rollouts[2].ids.clear();
  group.rollouts[2].logprobs.clear();
  return group;
}

template <class T>
std::vector<uint32_t> bits(const std::vector<T>& values) {
  std::vector<uint32_t> out;
  for (const T value : values) out.push_back(std::bit_cast<uint32_t>(value));
  return out;
}

void check_same(const Rollout& a, const Rollout& b) {
  CHECK(a.step == b.step);
  CHECK(a.role == b.role);
  CHECK(a.version == b.version);
  CHECK(a.prompt == b.prompt);
  CHECK(a.sample == b.sample);
  CHECK(a.member == b.member);
  CHECK(a.ids == b.ids);
  CHECK(bits(a.logprobs) == bits(b.logprobs));
  CHECK(bits(a.kept_mass) == bits(b.kept_mass));
  CHECK(std::bit_cast<uint32_t>(a.temperature) == std::bit_cast<uint32_t>(b.temperature));
  CHECK(a.finish == b.finish);
  CHECK(a.text == b.text);
  CHECK(a.parent == b.parent);
  CHECK(a.used == b.used);
}

void check_same(const Problem& a, const Problem& b) {
  CHECK(a.uid == b.uid);
  CHECK(a.prompt == b.prompt);
  CHECK(a.messages == b.messages);
  CHECK(a.answer == b.answer);
  CHECK(a.meta == b.meta);
  CHECK(a.split == b.split);
  CHECK(std::bit_cast<uint64_t>(a.difficulty) == std::bit_cast<uint64_t>(b.difficulty));
  CHECK(a.task == b.task);
  CHECK(a.index == b.index);
  REQUIRE(a.given.size() == b.given.size());
  for (size_t i = 0; i < a.given.size(); ++i) {
    CHECK(a.given[i].text == b.given[i].text);
    CHECK(a.given[i].passes == b.given[i].passes);
    CHECK(a.given[i].origin == b.given[i].origin);
  }
}

void check_same(const Group& a, const Group& b) {
  check_same(*a.problem, *b.problem);
  CHECK(a.position == b.position);
  CHECK(a.occurrence == b.occurrence);
  CHECK(a.parent == b.parent);
  REQUIRE(a.prompts.size() == b.prompts.size());
  for (size_t i = 0; i < a.prompts.size(); ++i) {
    CHECK(a.prompts[i].ids == b.prompts[i].ids);
    CHECK(a.prompts[i].text == b.prompts[i].text);
    CHECK(a.prompts[i].learned == b.prompts[i].learned);
  }
  REQUIRE(a.rollouts.size() == b.rollouts.size());
  for (size_t i = 0; i < a.rollouts.size(); ++i) check_same(a.rollouts[i], b.rollouts[i]);
}

Verdict make_verdict(std::string step = "exact") {
  Verdict verdict;
  verdict.step = std::move(step);
  verdict.verifier = "exact@1";
  verdict.label = Label::pass;
  verdict.score = 0.1;
  verdict.outcome = Outcome::pass;
  verdict.cost_us = 3;
  return verdict;
}

std::string written(const Group& group) {
  FrameText frame;
  append_rollouts(frame, group, true);
  return frame.text;
}

Digest verdict_digest(const Verdict& verdict) {
  Group group = make_group();
  group.rollouts[0].verdicts = {verdict};
  FrameText frame;
  append_verdicts(frame, group, verdict.step);
  REQUIRE(frame.items.size() == 1);
  return frame.items[0];
}

// The message of the Error(Exit::corrupt) that `read` throws.
template <class Read>
std::string refusal(Read read) {
  try {
    read();
  } catch (const Error& error) {
    CHECK(error.code() == Exit::corrupt);
    return error.what();
  }
  return "not refused";
}

std::string rollouts_refusal(const std::string& text) {
  return refusal([&] {
    std::vector<Group> groups;
    read_rollouts(text, groups, true);
  });
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("a group is written as the documented lines, defaults left out") {
  Group group;
  auto problem = std::make_shared<Problem>();
  problem->uid = 0xa;
  problem->prompt = "1+1=";
  problem->answer = "2";
  problem->task = "train";
  problem->index = 7;
  group.problem = problem;
  group.prompts = {{{4, 5}, "1+1=", {}}};
  Rollout rollout;
  rollout.step = "generate";
  rollout.role = "lm";
  rollout.ids = {2, 0};
  rollout.logprobs = {-0.5f, -0.1f};
  rollout.text = "2";
  group.rollouts = {rollout};

  const std::string expected =
      R"({"group":0,"problem":{"uid":"000000000000000a","prompt":"1+1=","answer":"2",)"
      R"("split":"train","task":"train","index":7},)"
      R"("prompts":[{"ids":[4,5],"text":"1+1="}],"makers":[{"step":"generate","role":"lm",)"
      R"("version":"0000000000000000000000000000000000000000000000000000000000000000","temperature":1,"member":0}]})"
      "\n"
      R"({"sample":0,"ids":[2,0],"logprobs":[-0.5,-0.1],"finish":"stop","text":"2"})"
      "\n";
  FrameText frame;
  append_rollouts(frame, group, true);
  CHECK(frame.text == expected);
  CHECK(frame.lines == 2);
  CHECK(frame.items == std::vector<Digest>{sha256(expected)});
}

TEST_CASE("groups with every field set come back the same") {
  const std::vector<Group> groups = {make_group(3), make_group(-1)};
  FrameText frame;
  for (const Group& group : groups) append_rollouts(frame, group, true);
  CHECK(frame.lines == 8);
  CHECK(frame.items.size() == 2);

  std::vector<Group> back;
  read_rollouts(frame.text, back, true);
  REQUIRE(back.size() == 2);
  for (size_t i = 0; i < 2; ++i) check_same(groups[i], back[i]);
}

TEST_CASE("empty groups, null meta, negative zero and extreme floats come back the same") {
  auto problem = std::make_shared<Problem>();
  problem->meta = Json();
  problem->difficulty = -0.0;
  Group group;
  group.problem = problem;
  std::vector<Group> back;
  read_rollouts(written(group), back, true);
  REQUIRE(back.size() == 1);
  check_same(group, back[0]);
  CHECK_FALSE(back[0].problem->answer.has_value());
  CHECK(back[0].rollouts.empty());

  Group extreme = make_group();
  extreme.rollouts.resize(1);
  using Limits = std::numeric_limits<float>;
  extreme.rollouts[0].logprobs = {Limits::max(), Limits::min(), -0.0f};
  extreme.rollouts[0].temperature = std::nextafter(1.0f, 2.0f);
  back.clear();
  read_rollouts(written(extreme), back, true);
  REQUIRE(back.size() == 1);
  check_same(extreme, back[0]);
}

TEST_CASE("random float bits come back the same") {
  RandomStream random(1, 2);
  Group group = make_group();
  group.rollouts.resize(1);
  Rollout& rollout = group.rollouts[0];
  rollout.ids.clear();
  rollout.logprobs.clear();
  while (rollout.ids.size() < 5000) {
    const float value = std::bit_cast<float>(random.word());
    if (!std::isfinite(value)) continue;
    rollout.logprobs.push_back(value);
    rollout.ids.push_back(static_cast<TokenId>(random.word()));
  }
  std::vector<Group> back;
  read_rollouts(written(group), back, true);
  check_same(group, back.at(0));
}

TEST_CASE("bytes that are no UTF-8 come back as the replacement character") {
  Group group = make_group();
  group.rollouts[0].text = "a\xFFz\xED\xA0\x80";
  std::vector<Group> back;
  read_rollouts(written(group), back, true);
  const std::string& text = back.at(0).rollouts[0].text;
  CHECK(text.substr(0, 5) == "a\xEF\xBF\xBDz");
  CHECK_THAT(text, !Contains("\xED\xA0\x80"));
}

TEST_CASE("escapes of other JSON writers are understood") {
  const std::string text = replaced(written(make_group()), "\"be brief\"", R"("\u0041\/\ud83d\ude00\u00e9\u20ac")");
  std::vector<Group> back;
  read_rollouts(text, back, true);
  CHECK(back.at(0).problem->messages[0].content == "A/\xF0\x9F\x98\x80\xC3\xA9\xE2\x82\xAC");
}

TEST_CASE("additions are appended to the groups they name") {
  const Group full = make_group(3);
  Group begun = full;
  begun.prompts.resize(1);
  begun.rollouts.resize(1);
  FrameText frame;
  append_rollouts(frame, begun, true);
  append_rollouts(frame, make_group(9), true);
  std::vector<Group> groups;
  read_rollouts(frame.text, groups, true);

  FrameText more;
  append_rollouts(more, make_group(9), false, 2, 2);
  append_rollouts(more, full, false, 1, 1);
  CHECK_THAT(more.text, !Contains("problem"));
  read_rollouts(more.text, groups, false);
  check_same(full, groups.at(0));
  REQUIRE(groups.at(1).rollouts.size() == 4);
  check_same(full.rollouts[2], groups[1].rollouts[3]);
  CHECK(groups[1].prompts.size() == 2);

  groups.pop_back();
  CHECK_THAT(refusal([&] { read_rollouts(more.text, groups, false); }),
             Contains("rollouts line 1") && Contains("no group 9"));
}

TEST_CASE("verdicts about groups and rollouts come back in order, parts in order") {
  Group group = make_group();
  Verdict about_group = make_verdict();
  about_group.unit = "group";
  about_group.label = Label::abstain;
  about_group.outcome = Outcome::timeout;
  Verdict about_rollout = make_verdict();
  about_rollout.parts = {{"z", 1}, {"a\"", -0.0}, {"m", 1e300}};
  about_rollout.reason = "r\xC3\xA9\n";
  about_rollout.cost_us = -5;
  Verdict about_turn = make_verdict();
  about_turn.unit = "turn";
  group.verdicts = {make_verdict("other"), about_group};
  group.rollouts[2].verdicts = {about_rollout, make_verdict("other"), about_turn};

  FrameText frame;
  append_verdicts(frame, group, "exact");
  CHECK(frame.lines == 3);
  CHECK(frame.items.size() == 1);
  std::vector<Group> back = {make_group()};
  read_verdicts(frame.text, "exact", back);
  REQUIRE(back[0].verdicts.size() == 1);
  REQUIRE(back[0].rollouts[2].verdicts.size() == 2);
  CHECK(back[0].verdicts[0].unit == "group");
  CHECK(back[0].verdicts[0].label == Label::abstain);
  CHECK(back[0].verdicts[0].outcome == Outcome::timeout);
  const Verdict& read = back[0].rollouts[2].verdicts[0];
  CHECK(read.step == "exact");
  CHECK(read.unit == "rollout");
  CHECK(read.verifier == "exact@1");
  CHECK(read.label == Label::pass);
  CHECK(read.score == 0.1);
  CHECK(read.parts == about_rollout.parts);
  CHECK(std::signbit(read.parts[1].second));
  CHECK(read.reason == about_rollout.reason);
  CHECK(read.cost_us == -5);
  CHECK(back[0].rollouts[2].verdicts[1].unit == "turn");

  append_verdicts(frame, make_group(), "exact");
  CHECK(frame.items.size() == 1);
}

TEST_CASE("a verdict's digest covers its line up to cost_us") {
  Group group = make_group();
  group.verdicts = {make_verdict()};
  group.verdicts[0].unit = "group";
  group.rollouts[1].verdicts = {make_verdict()};
  FrameText frame;
  append_verdicts(frame, group, "exact");
  const std::string first = R"({"group":3,"verifier":"exact@1","label":"pass","score":0.1,"class":"pass")";
  const std::string second = R"({"group":3,"rollout":1,"verifier":"exact@1","label":"pass","score":0.1,"class":"pass")";
  CHECK(frame.text == first + ",\"cost_us\":3}\n" + second + ",\"cost_us\":3}\n");
  CHECK(frame.items.at(0) == sha256(first + "\n" + second + "\n"));
}

TEST_CASE("a verdict's digest does not depend on its cost and does on everything else") {
  const Digest digest = verdict_digest(make_verdict());
  Verdict verdict = make_verdict();
  verdict.cost_us = 999;
  CHECK(verdict_digest(verdict) == digest);

  const std::vector<void (*)(Verdict&)> changes = {
      [](Verdict& v) { v.verifier = "exact@2"; }, [](Verdict& v) { v.label = Label::fail; },
      [](Verdict& v) { v.score = 0.2; },          [](Verdict& v) { v.outcome = Outcome::fail; },
      [](Verdict& v) { v.parts = {{"a", 1}}; },   [](Verdict& v) { v.reason = ",\"cost_us\":3}"; },
      [](Verdict& v) { v.unit = "turn"; },
  };
  for (const auto change : changes) {
    verdict = make_verdict();
    change(verdict);
    CHECK(verdict_digest(verdict) != digest);
  }
}

TEST_CASE("fates come back, and rollouts that are not kept are dropped") {
  const Group group = make_group();
  FrameText frame;
  append_fates(frame, group, {{"kept", "", 0.25}, {"dropped", "too \"long\"", 1}, {"", "", 1}});
  CHECK(frame.text == R"({"group":3,"rollout":0,"fate":"kept","weight":0.25})"
                      "\n"
                      R"({"group":3,"rollout":1,"fate":"dropped","reason":"too \"long\""})"
                      "\n");
  CHECK(frame.items == std::vector<Digest>{sha256(frame.text)});

  std::vector<Group> groups = {make_group(2), group};
  std::vector<std::vector<Fate>> fates;
  read_fates(frame.text, groups, &fates);
  CHECK(groups[1].rollouts[0].kept);
  CHECK(groups[1].rollouts[0].weight == 0.25);
  CHECK_FALSE(groups[1].rollouts[1].kept);
  CHECK_FALSE(groups[1].rollouts[2].kept);
  CHECK(groups[0].rollouts[0].kept);  // no line speaks of this group
  REQUIRE(fates.size() == 2);
  CHECK(fates[0].at(0).fate.empty());
  CHECK(fates[1].at(0).fate == "kept");
  CHECK(fates[1].at(1).reason == "too \"long\"");
  CHECK(fates[1].at(2).fate.empty());
}

TEST_CASE("a kept rollout may say why it stands in no example") {
  Group group = make_group();
  FrameText frame;
  append_fates(frame, group, {{"kept", "tie", 1}, {"kept", "", 1}, {"", "", 1}});
  CHECK(frame.text == R"({"group":3,"rollout":0,"fate":"kept","weight":1,"reason":"tie"})"
                      "\n"
                      R"({"group":3,"rollout":1,"fate":"kept","weight":1})"
                      "\n");
  std::vector<Group> groups = {group};
  std::vector<std::vector<Fate>> fates;
  read_fates(frame.text, groups, &fates);
  CHECK(groups[0].rollouts[0].kept);
  CHECK(fates[0].at(0).reason == "tie");
  CHECK(fates[0].at(1).reason.empty());
}

TEST_CASE("examples come back the same, one digest each") {
  Example pair;
  pair.id = "1/filter/0123456789abcdef/0";
  pair.group = 17;
  pair.sequences = {{{1, 2, 3}, {{0, 2, 0, ""}, {2, 3, -0.5, "1/generate/x/0"}}, {0, -0.0f, -0.3f}, 0.7f},
                    {{}, {}, {}, 1}};
  FrameText frame;
  append_example(frame, pair);
  append_example(frame, Example{});
  CHECK(frame.lines == 2);
  CHECK(frame.items.size() == 2);

  std::vector<Example> back;
  read_examples(frame.text, back);
  REQUIRE(back.size() == 2);
  CHECK(back[0].id == pair.id);
  CHECK(back[0].group == 17);
  REQUIRE(back[0].sequences.size() == 2);
  const ExampleSequence& sequence = back[0].sequences[0];
  CHECK(sequence.ids == pair.sequences[0].ids);
  CHECK(bits(sequence.logprobs) == bits(pair.sequences[0].logprobs));
  CHECK(sequence.temperature == 0.7f);
  REQUIRE(sequence.segments.size() == 2);
  CHECK(sequence.segments[1].begin == 2);
  CHECK(sequence.segments[1].end == 3);
  CHECK(sequence.segments[1].weight == -0.5);
  CHECK(sequence.segments[1].rollout == "1/generate/x/0");
  CHECK(back[0].sequences[1].ids.empty());
  CHECK(back[1].sequences.empty());
}

TEST_CASE("numbers that JSON cannot hold are a bug and never written") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Group group = make_group();
  group.rollouts[0].logprobs[0] = nan;
  CHECK_THROWS_AS(written(group), Error);
  group = make_group();
  group.rollouts[0].logprobs.pop_back();
  CHECK_THROWS_AS(written(group), Error);
  Verdict verdict = make_verdict();
  verdict.score = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(verdict_digest(verdict), Error);
}

TEST_CASE("what differs from the written form is refused with its line and column") {
  const std::string text = written(make_group());
  CHECK_THAT(rollouts_refusal(replaced(text, "\"finish\"", "\"finale\"")),
             Contains("rollouts line 2, column") && Contains("expected ,\"finish\":") && Contains("finale"));
  CHECK_THAT(rollouts_refusal(text.substr(0, text.size() - 1)), Contains("line 4") && Contains("cut short"));
  CHECK_THAT(rollouts_refusal(text.substr(0, text.size() / 2)), Contains("cut short"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[5,-1,", "[5,,")), Contains("number is missing"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[5,-1,", "[05,-1,")), Contains("as JSON writes it"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[5,-1,", "[4294967296,-1,")), Contains("out of range"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[-0,", "[nan,")), Contains("number is missing"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[-0,", "[1.,")), Contains("as JSON writes it"));
  CHECK_THAT(rollouts_refusal(replaced(text, "[-0,", "[-0,-0,")), Contains("one number an id"));
  CHECK_THAT(rollouts_refusal(replaced(text, "\"stop\"", "\"stopped\"")), Contains("none of those allowed"));
  CHECK_THAT(rollouts_refusal(replaced(text, "\"maker\":1", "\"maker\":2")), Contains("no such maker"));
  CHECK_THAT(rollouts_refusal(replaced(text, "\"prompt\":1", "\"prompt\":2")), Contains("no such prompt"));
  CHECK_THAT(rollouts_refusal(replaced(text, "be brief", "be\\ud800")), Contains("surrogate"));
  CHECK_THAT(rollouts_refusal(replaced(text, "be brief", "be\xC3(")), Contains("not UTF-8"));
  CHECK_THAT(rollouts_refusal(replaced(text, "be brief", "be\tb")), Contains("control character"));
  CHECK_THAT(rollouts_refusal(replaced(text, "\"none\":null", "\"level\":1")), Contains("column"));
  CHECK_THAT(rollouts_refusal(replaced(text, "0123456789abcdef", "0123456789abcdeg")), Contains("line 1"));
  CHECK_THAT(rollouts_refusal(text + "\n"), Contains("line 5"));
  CHECK_THAT(rollouts_refusal(text.substr(text.find('\n') + 1)), Contains("before its group"));
  CHECK_THAT(rollouts_refusal(replaced(text, "}\n", "} \n")), Contains("follows the end"));

  std::vector<Group> groups = {make_group()};
  const std::string verdict =
      R"({"group":3,"rollout":3,"verifier":"v","label":"pass","score":1,"class":"pass","cost_us":0})";
  CHECK_THAT(refusal([&] { read_verdicts(verdict + "\n", "s", groups); }),
             Contains("verdicts line 1") && Contains("no rollout 3"));
  CHECK_THAT(refusal([&] { read_fates("{\"group\":1,", groups); }), Contains("fates line 1"));
  std::vector<Example> examples;
  const std::string example =
      R"({"id":"","group":"0000000000000000","sequences":[{"ids":[1],"segments":[[0,2,1,""]]}]})";
  CHECK_THAT(refusal([&] { read_examples(example + "\n", examples); }), Contains("outside its ids"));
}

TEST_CASE("mutated text is read or refused, never worse") {
  Group group = make_group();
  group.rollouts[0].verdicts = {make_verdict()};
  group.rollouts[0].verdicts[0].parts = {{"a", 1}};
  FrameText frames[3];
  append_rollouts(frames[0], group, true);
  append_verdicts(frames[1], group, "exact");
  append_fates(frames[2], group, {{"kept", "", 1}, {"dropped", "x", 1}, {"surplus", "", 1}});
  static constexpr std::string_view kBytes = "\"\\{}[],:0-.eE\n\xFFu";
  RandomStream random(7, 7);
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    const int kind = i % 3;
    std::string text = frames[kind].text;
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const size_t at = random.below(text.size());
      const uint64_t choice = random.below(3);
      const char byte = kBytes[random.below(kBytes.size())];
      if (choice == 0) text[at] = byte;
      if (choice == 1) text.insert(at, 1, byte);
      if (choice == 2) text.erase(at, 1 + random.below(8));
      if (text.empty()) text = "{";
    }
    std::vector<Group> groups = {make_group()};
    try {
      if (kind == 0) read_rollouts(text, groups, random.below(2) == 0);
      if (kind == 1) read_verdicts(text, "exact", groups);
      if (kind == 2) read_fates(text, groups);
    } catch (const Error& error) {
      ++refused;
      REQUIRE(error.code() == Exit::corrupt);
    }
  }
  CHECK(refused > 3000);
}

TEST_CASE("a running digest takes items in order") {
  const Digest zero;
  const Digest item = sha256("item");
  std::string joined(32, '\0');
  joined.append(reinterpret_cast<const char*>(item.bytes.data()), 32);
  CHECK(chain(zero, item) == sha256(joined));
  CHECK(chain(chain(zero, item), zero) != chain(chain(zero, zero), item));
}

}  // namespace
}  // namespace sil
