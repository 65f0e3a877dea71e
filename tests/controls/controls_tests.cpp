#include "controls/controls.h"

#include <limits>

#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {
namespace {

const Registry<Control>& controls() {
  static const Registry<Control> registry = [] {
    Registry<Control> made{"control"};
    register_schedule(made);
    register_mastery(made);
    return made;
  }();
  return registry;
}

std::unique_ptr<Control> schedule(Json values) {
  return make_plugin(controls(), "schedule", {{"values", std::move(values)}});
}
std::unique_ptr<Control> mastery(Json::Object options) {
  return make_plugin(controls(), "mastery", std::move(options));
}

Json list(Json::Array values) {
  return Json(std::move(values));
}

// What a control gives at the start of a round, as text; "" = leaves the option as it is.
std::string at(const Control& control, int64_t round, Json current = 0.5) {
  const std::vector<RoundMetrics> history(static_cast<size_t>(round - 1));
  ControlInput input;
  input.round = round;
  input.history = &history;
  input.current = std::move(current);
  const std::optional<Json> value = control.value(input);
  return value ? dump(*value) : "";
}

// What `evaluate.pass@1` gave round by round, and what the control made of it before each next round.
std::vector<std::string> follow(const Control& control, const std::vector<double>& accuracies, Json current) {
  std::vector<RoundMetrics> history;
  ControlInput input;
  input.history = &history;
  input.current = std::move(current);
  std::vector<std::string> values;
  for (size_t round = 0; round <= accuracies.size(); ++round) {
    input.round = static_cast<int64_t>(round) + 1;
    input.previous = control.value(input);
    values.push_back(dump(*input.previous));
    if (round < accuracies.size()) history.push_back({{"evaluate", {{"pass@1", accuracies[round]}}}});
  }
  return values;
}

TEST_CASE("every control has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(controls()).empty());
  CHECK(controls().names() == std::vector<std::string>{"mastery", "schedule"});
}

TEST_CASE("a schedule of values gives one a round and repeats the last") {
  const auto control = schedule(list({0.5, 0.7, 0.9}));
  CHECK(at(*control, 1) == "0.5");
  CHECK(at(*control, 2) == "0.7");
  CHECK(at(*control, 3) == "0.9");
  CHECK(at(*control, 40) == "0.9");
}

TEST_CASE("a schedule of rounds holds each value until the next, and nothing before the first") {
  for (const Json& values : {Json(Json::Object{{"101", 10}, {"2", 0}}), list({list({101, 10}), list({2, 0})})}) {
    const auto control = schedule(values);
    CHECK(at(*control, 1) == "");
    CHECK(at(*control, 2) == "0");
    CHECK(at(*control, 100) == "0");
    CHECK(at(*control, 101) == "10");
  }
}

TEST_CASE("pairs are values where the option takes a list") {
  const auto control = schedule(list({list({1, 6}), list({2, 6}), list({3, 6})}));
  CHECK(at(*control, 2, list({5, 5})) == "[2,6]");
  CHECK(at(*control, 9, list({5, 5})) == "[3,6]");
  CHECK(at(*control, 2, 0.5) == "6");
}

TEST_CASE("a schedule of texts keeps them") {
  CHECK(at(*schedule(list({"easy", "hard"})), 2, "easy") == "\"hard\"");
}

TEST_CASE("a schedule that is none is refused") {
  CHECK_THROWS_WITH(schedule(0.5), Catch::Contains("values is 0.5; allowed: a list or a map"));
  CHECK_THROWS_WITH(schedule(list({})), Catch::Contains("values is []"));
  CHECK_THROWS_WITH(schedule(Json(Json::Object{{"first", 1}})), Catch::Contains("'first' is no round"));
  CHECK_THROWS_WITH(schedule(Json(Json::Object{{"0", 1}})), Catch::Contains("'0' is no round"));
  CHECK_THROWS_WITH(schedule(Json(Json::Object{{"3", 1}, {"03", 2}})), Catch::Contains("round 3 is given twice"));
  CHECK_THROWS_WITH(at(*schedule(list({list({1, 6}), list({1, 7})})), 1), Catch::Contains("round 1 is given twice"));
}

TEST_CASE("mastery raises the option after each round that reached the mark") {
  const auto control = mastery({{"metric", "evaluate.pass@1"}});
  CHECK(follow(*control, {0.5, 0.9, 0.89, 0.95}, 3) == std::vector<std::string>{"3", "3", "4", "4", "5"});
}

TEST_CASE("mastery stops at max") {
  const auto control = mastery({{"metric", "evaluate.pass@1"}, {"at", 0.5}, {"step", 2}, {"max", 6}});
  CHECK(follow(*control, {1, 1, 1}, 3) == std::vector<std::string>{"3", "5", "6", "6"});
  CHECK(follow(*control, {1}, 8) == std::vector<std::string>{"8", "8"});
}

TEST_CASE("mastery with a negative step lowers to max") {
  const auto control = mastery({{"metric", "evaluate.pass@1"}, {"step", -0.25}, {"max", 0.5}});
  CHECK(follow(*control, {1, 1, 1}, 0.875) == std::vector<std::string>{"0.875", "0.625", "0.5", "0.5"});
}

TEST_CASE("mastery keeps the value without the metric, and at a metric that is no number") {
  const auto other = mastery({{"metric", "solve.pass@1"}});
  CHECK(follow(*other, {1, 1}, 3) == std::vector<std::string>{"3", "3", "3"});
  const auto control = mastery({{"metric", "evaluate.pass@1"}});
  CHECK(follow(*control, {std::numeric_limits<double>::quiet_NaN()}, 3) == std::vector<std::string>{"3", "3"});
}

TEST_CASE("mastery refuses what it cannot raise or read") {
  CHECK_THROWS_WITH(mastery({{"metric", "accuracy"}}), Catch::Contains("metric is 'accuracy'; allowed: STEP.METRIC"));
  CHECK_THROWS_WITH(mastery({{"metric", "a.b"}, {"max", "ten"}}), Catch::Contains("max is \"ten\""));
  CHECK_THROWS_WITH(at(*mastery({{"metric", "a.b"}}), 1, "easy"), Catch::Contains("the option is \"easy\""));
}

}  // namespace
}  // namespace sil::test
