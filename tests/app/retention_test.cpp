// Which objects may go, on records written by hand; and the table of metrics.
#include "loop/retention.h"
#include "loop/metrics_table.h"
#include "support/catch.h"

namespace sil {
namespace {

Digest object(const std::string& name) {
  return sha256(name);
}

Json version(const std::string& name) {
  Json json = Json::object();
  json.set("digest", object("digest of " + name).hex());
  json.set("weights", object(name).hex());
  json.set("optimizer", object("optimizer of " + name).hex());
  return json;
}

// A run of one model whose journal is told line by line. Rounds make w1, w2 ...; w0 is what the model starts as.
class Told {
 public:
  RunState state;

  Told() {
    Json recipe = Json::object();
    recipe.set("name", "told");
    for (const char* key : {"digest", "source", "resolved"}) recipe.set(key, object(key).hex());
    add("recipe", std::move(recipe));
    Json model = Json::object();
    model.set("model", "lm");
    model.set("version", version("w0"));
    add("model", std::move(model));
  }

  void add(const std::string& type, Json payload) {
    JournalRecord record;
    record.seq = seq_++;
    record.type = type;
    record.payload = std::move(payload);
    state.apply(record);
  }
  void begin(const std::string& round) {
    round_ = round;
    Json payload = Json::object();
    payload.set("round", round);
    payload.set("values", Json::array());
    add("round", std::move(payload));
  }
  void step(const std::string& name, Json payload, const Metrics& metrics = {}) {
    payload.set("round", round_);
    payload.set("step", name);
    payload.set("verb", name);
    payload.set("digest", object(name).hex());
    Json figures = Json::object();
    for (const auto& [key, value] : metrics) figures.set(key, value);
    payload.set("metrics", std::move(figures));
    add("step", std::move(payload));
  }
  void make(const std::string& name) {
    Json candidate = Json::object();
    candidate.set("model", "lm");
    candidate.set("version", version(name));
    Json payload = Json::object();
    payload.set("candidate", std::move(candidate));
    step("finetune", std::move(payload));
  }
  void gate(bool accepted, double best) {
    Json payload = Json::object();
    payload.set("model", "lm");
    payload.set("accepted", accepted);
    payload.set("best", best);
    step("gate", std::move(payload));
  }
  void training_state(const std::string& name, int64_t steps) {
    Json payload = Json::object();
    payload.set("round", round_);
    payload.set("step", "finetune");
    payload.set("steps_done", steps);
    payload.set("state", object(name).hex());
    add("checkpoint", std::move(payload));
  }
  void seal(const std::string& average = "") {
    Json payload = Json::object();
    payload.set("round", round_);
    payload.set("digest", object("round " + round_).hex());
    if (!average.empty()) {
      Json entry = Json::object();
      entry.set("model", "lm");
      entry.set("decay", 0.9);
      entry.set("version", version(average));
      Json list = Json::array();
      list.push(std::move(entry));
      payload.set("averages", std::move(list));
    }
    add("seal", std::move(payload));
  }
  void retire(const std::string& name) {
    Json payload = Json::object();
    Json list = Json::array();
    list.push(object(name).hex());
    payload.set("objects", std::move(list));
    add("retire", std::move(payload));
  }
  // Rounds 1 to 5: w1 accepted (best figure), w2 rejected, w3 accepted, w4 accepted, w5 rejected.
  void five_rounds() {
    const std::pair<bool, double> gates[] = {{true, 0.9}, {false, 0.9}, {true, 0.5}, {true, 0.6}, {false, 0.6}};
    for (int r = 1; r <= 5; ++r) {
      begin(std::to_string(r));
      make("w" + std::to_string(r));
      gate(gates[r - 1].first, gates[r - 1].second);
      seal();
    }
  }

 private:
  uint64_t seq_ = 0;
  std::string round_;
};

Json resolved(const std::string& text) {
  return parse_json(text);
}

// Names of `all` that may go; each must be a weights object or an optimizer state of the told run.
std::set<std::string> retirable(const RunState& state, const RetainSpec& retain, const std::string& recipe = "{}") {
  std::map<Digest, std::string> names;
  for (const char* name : {"w0", "w1", "w2", "w3", "w4", "w5", "t1", "t2"}) {
    names[object(name)] = name;
    names[object(std::string("optimizer of ") + name)] = std::string("o") + (name + 1);
  }
  std::set<std::string> out;
  for (const Digest& digest : retirable_objects(state, retain, resolved(recipe))) out.insert(names.at(digest));
  return out;
}

std::set<std::string> weights_only(std::set<std::string> names) {
  std::erase_if(names, [](const std::string& name) { return name[0] != 'w'; });
  return names;
}

using Names = std::set<std::string>;

TEST_CASE("what stays: base, best, the incumbent, and what the rule says") {
  Told told;
  told.five_rounds();
  // base w0, best w1 (0.9), incumbent w4; w2 and w5 were turned down, w3 was replaced.
  CHECK(weights_only(retirable(told.state, {"all", "all"})) == Names{});
  CHECK(weights_only(retirable(told.state, {"accepted + last 2", "last"})) == Names{"w2"});
  CHECK(weights_only(retirable(told.state, {"accepted + last 0", "last"})) == Names{"w2", "w5"});
  CHECK(weights_only(retirable(told.state, {"last 1", "last"})) == Names{"w2", "w3"});
  CHECK(weights_only(retirable(told.state, {"last 0", "last"})) == Names{"w2", "w3", "w5"});
  CHECK(weights_only(retirable(told.state, {"last 4", "last"})) == Names{});
}

TEST_CASE("a version that the recipe names stays") {
  Told told;
  told.five_rounds();
  const RetainSpec least{"last 0", "none"};
  const auto with = [&](const char* recipe) { return weights_only(retirable(told.state, least, recipe)); };
  CHECK(with(R"({"round":[{"finetune":{"from":{"round":3}}}]})") == Names{"w2", "w5"});
  CHECK(with(R"({"round":[{"finetune":{"from":{"round":2}}}]})") == Names{"w2", "w3", "w5"});  // w1 stood at its end
  // Round 6 reads -2 as what stood after round 4, round 7 as after round 5: w4 both. -3: w3, then w4.
  CHECK(with(R"({"roles":{"judge":{"weights":{"round":-2}}}})") == Names{"w2", "w3", "w5"});
  CHECK(with(R"({"roles":{"judge":{"weights":{"round":-3}}}})") == Names{"w2", "w5"});
}

TEST_CASE("the average of now stays, the one it replaced goes") {
  Told told;
  for (const char* average : {"t1", "t2"}) {
    told.begin(average[1] == '1' ? "1" : "2");
    told.make("w1");
    told.seal(average);
  }
  CHECK(retirable(told.state, {"all", "all"}) == Names{"t1"});
}

TEST_CASE("a live or candidate version in the middle of a round stays") {
  Told told;
  told.begin("1");
  told.make("w1");
  CHECK(retirable(told.state, {"last 0", "none"}) == Names{"o0", "o1"});
}

TEST_CASE("optimizer states: all of the kept versions, the live one's, or none, and what `keep` may read") {
  Told told;
  told.five_rounds();
  const auto optimizers = [&](const char* rule, const char* recipe = "{}") {
    Names out = retirable(told.state, {"accepted + last 1", rule}, recipe);
    std::erase_if(out, [](const std::string& name) { return name[0] != 'o'; });
    return out;
  };
  CHECK(optimizers("all") == Names{"o2"});  // w2 itself goes
  CHECK(optimizers("last") == Names{"o0", "o1", "o2", "o3", "o5"});
  CHECK(optimizers("none") == Names{"o0", "o1", "o2", "o3", "o4", "o5"});
  const char* keeps = R"({"round":[{"finetune":{"from":"live","optimizer":"keep"}}]})";
  CHECK(optimizers("none", keeps) == Names{"o2", "o3", "o5"});  // base, best and incumbent may be gone on with
}

TEST_CASE("a retired optimizer state is no part of its version any more, a retired version none that is saved") {
  Told told;
  told.five_rounds();
  told.retire("optimizer of w4");
  CHECK_FALSE(told.state.models.at("lm").live.optimizer);
  CHECK_FALSE(told.state.models.at("lm").accepted.at(4).optimizer);
  told.retire("w2");
  CHECK(told.state.retired.count(object("w2")) == 1);
  CHECK(weights_only(retirable(told.state, {"last 0", "none"})) == Names{"w3", "w5"});
}

TEST_CASE("a version made again after it was retired is there again, and is the last one made") {
  Told told;
  told.five_rounds();
  told.retire("w2");
  told.begin("6");
  told.make("w2");
  told.gate(false, 0.6);
  told.seal();
  CHECK(told.state.retired.count(object("w2")) == 0);
  CHECK(weights_only(retirable(told.state, {"last 1", "none"})) == Names{"w3", "w5"});
}

TEST_CASE("a training state stays until a later one or the version is recorded") {
  Told told;
  told.begin("1");
  told.training_state("t1", 10);
  CHECK(retirable(told.state, {"all", "all"}) == Names{});
  told.training_state("t2", 20);
  CHECK(retirable(told.state, {"all", "all"}) == Names{"t1"});
  told.retire("t1");
  CHECK(retirable(told.state, {"all", "all"}) == Names{});
  told.make("w1");
  CHECK(retirable(told.state, {"all", "all"}) == Names{"t2"});
}

TEST_CASE("steps stand in the order of their records, also when one made its entry before") {
  Told told;
  told.begin("1");
  told.state.rounds.back().steps["gate"];  // as a working step does
  told.make("w1");
  told.gate(true, 1);
  CHECK(told.state.rounds.back().order == std::vector<std::string>{"finetune", "gate"});
}

TEST_CASE("metrics.csv has a column a figure as they first came and a row a sealed section") {
  Told told;
  told.begin("0");
  told.step("verify", Json::object(), {{"units", 4}, {"pass_rate", 0.25}});
  told.seal();
  told.begin("1");
  told.step("filter", Json::object(), {{"drop.too \"long\", cut", 2}});
  told.step("verify", Json::object(), {{"pass_rate", 0.5}, {"a_later_one", 1e-7}});
  told.seal();
  std::string expected =
      "round,verify.pass_rate,verify.units,\"filter.drop.too \"\"long\"\", cut\",verify.a_later_one\n"
      "0,0.25,4,,\n"
      "1,0.5,,2,1e-07\n";
  MetricsTable table;
  for (const RoundState& section : told.state.rounds) table.add(section);
  CHECK(table.text() == expected);
}

}  // namespace
}  // namespace sil
