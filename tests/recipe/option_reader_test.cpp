#include "recipe/option_reader.h"

#include "recipe/shelves.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;
using Catch::Contains;

namespace {

PluginSpec plugin(const std::string& text, const std::string& kind) {
  return parse_plugin(text, kind, shelves().all(), {"here", 1, 1});
}

std::string refused(const std::string& text, const std::string& kind) {
  try {
    plugin(text, kind);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

VerifyOptions verify(const std::string& text) {
  return made<VerifyOptions>(shelves().steps, plugin(text, "step"));
}

}  // namespace

TEST_CASE("options reach the struct, defaults stay") {
  const auto weather =
      made<WeatherOptions>(shelves().verifiers, plugin("{weather: {days: 5, rain: true}}", "verifier"));
  CHECK(weather.days == 5);
  CHECK(weather.place == "here");
  CHECK(weather.rain);
  CHECK(made<WeatherOptions>(shelves().verifiers, plugin("weather", "verifier")).days == 3);
}

TEST_CASE("options that only the resolved form has reach the struct too") {
  PluginSpec spec;
  spec.kind = "verifier";
  spec.name = "weather";
  spec.options = Json::Object{{"days", 9}, {"place", "there"}};
  CHECK(made<WeatherOptions>(shelves().verifiers, spec).days == 9);
  spec.node = Node::from_json(Json(Json::Object{{"days", 2}}), {}, Origin::file);
  CHECK(made<WeatherOptions>(shelves().verifiers, spec).days == 2);
  CHECK(made<WeatherOptions>(shelves().verifiers, spec).place == "there");
}

TEST_CASE("resolved options hold every default") {
  CHECK(dump(plugin("{weather: {rain: true}}", "verifier").options) == R"({"days":3,"place":"here","rain":true})");
}

TEST_CASE("one text or a list of texts") {
  auto stop = [](const std::string& text) { return made<GenerateOptions>(shelves().steps, plugin(text, "step")).stop; };
  CHECK(stop("{generate: {stop: x}}") == std::vector<std::string>{"x"});
  CHECK(stop("{generate: {stop: [x, 5, no]}}") == std::vector<std::string>{"x", "5", "no"});
  CHECK_THAT(refused("{generate: {stop: [[x]]}}", "step"), Contains("'stop'") && Contains("a list"));
}

TEST_CASE("one whole number or a list of whole numbers") {
  auto ids = [](const std::string& text) {
    return made<GenerateOptions>(shelves().steps, plugin(text, "step")).stop_ids;
  };
  CHECK(ids("{generate: {stop_ids: 7}}") == std::vector<int64_t>{7});
  CHECK(ids("{generate: {stop_ids: [7, 0]}}") == std::vector<int64_t>{7, 0});
  CHECK_THAT(refused("{generate: {stop_ids: [7, 0.5]}}", "step"),
             Contains("'stop_ids'") && Contains("a whole number of at least 0, or a list of such; found '0.5'"));
  CHECK_THAT(refused("{generate: {stop_ids: -1}}", "step"), Contains("'stop_ids'") && Contains("'-1'"));
}

TEST_CASE("a bare value sets the shorthand") {
  CHECK(made<CountOptions>(shelves().filters, plugin("{per_problem: 3}", "filter")).n == 3);
  CHECK(made<AdditionOptions>(shelves().tasks, plugin("{addition: [1, 3]}", "task")).digits ==
        std::vector<double>{1, 3});
  CHECK(made<ScheduleOptions>(shelves().controls, plugin("{schedule: {1: 0, 101: 10}}", "control")).values.at("101") ==
        Json(10));
  CHECK(made<ScheduleOptions>(shelves().controls, plugin("{schedule: {values: [1]}}", "control")).values.is_array());
  CHECK_THAT(refused("{pass: 3}", "filter"), Contains("takes no options") && Contains("'3'"));
  CHECK_THAT(refused("{weather: wet}", "verifier"), Contains("options as a map") && Contains("'wet'"));
}

TEST_CASE("what is no name is Lua where the kind has it") {
  const PluginSpec spec = plugin("unit.score > 0.5", "filter");
  CHECK(spec.name == "lua");
  CHECK(made<LuaOptions>(shelves().filters, spec).expr.source() == "unit.score > 0.5");
  CHECK_THAT(refused("unit.score > 0.5", "verifier"), Contains("no name of a verifier"));
  CHECK_THAT(refused("pas", "filter"), Contains("no filter called 'pas'") && Contains("'pass'"));
}

TEST_CASE("verifiers carry weights") {
  CHECK(plugin("exact", "verifier").weight == 1);
  CHECK(plugin("{exact: 0.8}", "verifier").weight == 0.8);
  CHECK(plugin("{exact: -1}", "verifier").weight == -1);
  CHECK(plugin("{exact: {}, weight: 0.2}", "verifier").weight == 0.2);
  CHECK(plugin("{numeric: 2}", "verifier").weight == 2);  // a number is a weight, whatever the shorthand
  const PluginSpec beside = plugin("{numeric: {tolerance: 0.1}, weight: 3}", "verifier");
  CHECK(beside.weight == 3);
  CHECK(beside.options.at("tolerance") == Json(0.1));
  const PluginSpec within = plugin("{numeric: {tolerance: 0.1, weight: 3}}", "verifier");
  CHECK(within.weight == 3);
  CHECK(within.options.find("weight") == nullptr);
  const PluginSpec score = plugin("{score: 1 - unit.score}", "verifier");
  CHECK(score.weight == 1);
  CHECK(score.options.at("expr") == Json("1 - unit.score"));
  CHECK_THAT(refused("{exact: {}, weight: heavy}", "verifier"), Contains("'weight' must be a number"));
  CHECK_THAT(refused("{per_problem: {}, weight: 2}", "filter"), Contains("2 keys"));
}

TEST_CASE("a plug-in may stand in place of the options, beside them or under its option") {
  for (const char* text : {"{verify: exact}", "{verify: {exact: {}}}", "{verify: {verifiers: exact}}",
                           "{verify: [exact]}", "{verify: {verifiers: [{exact: {}}]}}"}) {
    CAPTURE(text);
    const VerifyOptions options = verify(text);
    REQUIRE(options.verifiers.size() == 1);
    CHECK(options.verifiers[0].name == "exact");
    CHECK(options.timeout == 10);
  }
  const VerifyOptions both = verify("{verify: {numeric: {tolerance: 0.1}, timeout: 5}}");
  CHECK(both.timeout == 5);
  CHECK(made<NumericOptions>(shelves().verifiers, both.verifiers[0]).tolerance == 0.1);
  CHECK(both.verifiers[0].options.at("tolerance") == Json(0.1));
  const VerifyOptions list = verify("{verify: [{exact: 1}, {format: 0.5}, {score: 1 - x}]}");
  REQUIRE(list.verifiers.size() == 3);
  CHECK(list.verifiers[1].weight == 0.5);
  CHECK(made<ScoreOptions>(shelves().verifiers, list.verifiers[2]).expr.source() == "1 - x");
  CHECK_THAT(refused("{verify: {exact: {}, verifiers: format}}", "step"), Contains("given twice"));
}

TEST_CASE("keys that are neither options nor plug-ins belong to the fallback") {
  auto rule = [](const std::string& text) {
    return made<GateOptions>(shelves().steps, plugin(text, "step")).rule.at(0);
  };
  const PluginSpec spec = rule("{gate: {metric: x.y, at_least: 0.5}}");
  CHECK(spec.name == "at_least");
  CHECK(made<AtLeastOptions>(shelves().gates, spec).metric == "x.y");
  CHECK(made<AtLeastOptions>(shelves().gates, spec).at_least == Json(0.5));
  CHECK(rule("{gate: {at_least: {metric: z}}}").options.at("metric") == Json("z"));
  CHECK(rule("{gate: always}").name == "always");
  CHECK_THAT(refused("{gate: {metrik: x}}", "step"), Contains("'metrik'") && Contains("'metric'"));
  CHECK_THAT(refused("{gate: [always, at_least]}", "step"), Contains("takes one plug-in; found 2"));
}

TEST_CASE("findings of nested plug-ins are collected") {
  const std::string found =
      refused("{verify: [{numeric: {tolerance: -1}}, {weather: {days: 15, plase: x, place: moon}}]}", "step");
  CHECK_THAT(found, Contains("'tolerance'") && Contains("of at least 0"));
  CHECK_THAT(found, Contains("'days'") && Contains("from 1 to 14") && Contains("'15'"));
  CHECK_THAT(found, Contains("'plase'") && Contains("'place'"));
  CHECK_THAT(found, Contains("'moon'") && Contains("one of: here, there"));
}

TEST_CASE("factories refuse what the reader would") {
  PluginSpec spec;
  spec.kind = "verifier";
  spec.name = "weather";
  spec.place = {"r.yaml", 3, 4};
  spec.node = Node::from_json(Json(Json::Object{{"dais", 2}}), {"r.yaml", 3, 15}, Origin::file);
  try {
    shelves().verifiers.make(spec);
    FAIL("made");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK_THAT(error.what(), Contains("r.yaml:3:15") && Contains("'days'"));
  }
}

TEST_CASE("control characters of a recipe do not reach the terminal") {
  CHECK_THAT(refused("{weather: {place: \"\\e[31m\"}}", "verifier"), Contains("\\x1b[31m") && !Contains("\x1b"));
}
