#include "recipe/recipe.h"

#include "recipe/paths.h"
#include "recipe/shelves.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;
using Catch::Contains;

namespace {

std::vector<std::string> step_names(const Recipe& recipe) {
  std::vector<std::string> out;
  for (const auto* steps : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *steps) out.push_back(step.name);
  return out;
}

std::string digest(const std::string& text, std::vector<std::string> overrides = {}) {
  return read(text, std::move(overrides)).digest.hex();
}

const std::string kStores = R"(models: {gen: {table: 2}, ver: {table: 3}}
roles: {judge: {model: ver, weights: {ema: 0.9}, view: {system: be strict}}}
tasks: {train: {jsonl: data/x.jsonl, split: {fraction: 0.95, name: train}}}
stores: {tried: {holds: groups, draw: {newest: 4}, evict: {age: 3}, max: 100}}
round:
  - {generate: {role: gen, tasks: train}, as: tries}
  - {verify: {score: tries.pass_rate}, of: tries, where: "unit.score > 0", per: {set: 4}, when: round > 1}
  - {filter: {keep: "unit.score > 0.5"}, put: tried}
  - {filter: {keep: pass}, of: [tries, {tried: {n: 5, draw: all}}], as: mixed}
  - {generate: {role: judge}, of: {tried: 7}, per: rollout, where: failed}
)";

}  // namespace

TEST_CASE("the quickstart reads as it is written") {
  const Recipe recipe = read(kQuickstart);
  CHECK(recipe.name == "additions");
  CHECK(recipe.seed == 7);
  CHECK(recipe.rounds == 6);
  CHECK(recipe.retain.weights == "accepted + last 2");
  REQUIRE(recipe.models.size() == 1);
  CHECK(recipe.models[0].engine.name == "table");
  CHECK(recipe.models[0].engine.options.at("context") == Json(8));
  CHECK(recipe.models[0].tokenizer->name == "chars");
  CHECK(recipe.role("lm")->model == "lm");
  CHECK(recipe.task("test")->plugin.options.at("split") == Json("test"));
  CHECK(made<AdditionOptions>(shelves().tasks, recipe.task("test")->plugin).digits == std::vector<double>{3});
  CHECK(recipe.step("gate")->place.text() == "recipe.yaml:16:5");
  CHECK(recipe.step("nothing") == nullptr);
}

TEST_CASE("steps are named by their verbs, counted over the whole text") {
  CHECK(step_names(read(kQuickstart)) ==
        std::vector<std::string>{"generate", "verify", "filter", "finetune", "evaluate", "gate", "evaluate_2"});
  CHECK(step_names(read(
            with(kQuickstart, "- evaluate: {tasks: dev, samples: 4}", "- {evaluate: {tasks: dev}, as: measure}"))) ==
        std::vector<std::string>{"generate", "verify", "filter", "finetune", "measure", "gate", "evaluate"});
}

TEST_CASE("the name defaults to the stem of the file") {
  const std::string nameless = with(kQuickstart, "name: additions\n", "");
  CHECK(read_recipe({"configs/my-run.v2.yaml", nameless, {}, {}}, shelves().all()).name == "my-run.v2");
  CHECK_THROWS_AS(read_recipe({"configs/-x.yaml", nameless, {}, {}}, shelves().all()), Error);
}

TEST_CASE("common keys of steps are read") {
  const Recipe recipe = read(kStores);
  const StepSpec& verify = *recipe.step("verify");
  CHECK(verify.of.at(0).name == "tries");
  CHECK(verify.where.source() == "unit.score > 0");
  CHECK(verify.per_set == 4);
  CHECK(verify.when.source() == "round > 1");
  CHECK(recipe.step("filter")->put == "tried");
  const StepSpec& mixed = *recipe.step("mixed");
  REQUIRE(mixed.of.size() == 2);
  CHECK(mixed.of[1].name == "tried");
  CHECK(mixed.of[1].n == 5);
  CHECK(mixed.of[1].draw->name == "all");
  const StepSpec& generate = *recipe.step("generate");
  CHECK(generate.of.at(0).n == 7);
  CHECK(generate.per == "rollout");
  CHECK(generate.where_label == "failed");
}

TEST_CASE("models, roles, tasks and stores are read") {
  const Recipe recipe = read(kStores);
  CHECK(recipe.roles.size() == 3);
  CHECK(recipe.roles[0].name == "gen");
  CHECK(recipe.role("judge")->model == "ver");
  CHECK(recipe.role("judge")->weights.at("ema") == Json(0.9));
  CHECK(recipe.role("judge")->view.at("system") == Json("be strict"));
  const StoreSpec& store = *recipe.store("tried");
  CHECK(store.max == 100);
  CHECK(store.draw->options.at("n") == Json(4));
  CHECK(store.evict.at(0).name == "age");
  CHECK(recipe.task("train")->plugin.options.at("path") == Json("data/x.jsonl"));
  CHECK_THAT(errors(with(kStores, "{ema: 0.9}", "{ema: 2}")), Contains("'weights'") && Contains("{ema: a}"));
  CHECK_THAT(errors(with(kStores, "max: 100", "max: -1")), Contains("recipe.yaml:4:") && Contains("'max'"));
  CHECK_THAT(errors(with(kStores, "split: {", "path: other, split: {")), Contains("given twice"));
}

TEST_CASE("every expression is collected with its step, option and place") {
  const Recipe recipe = read(kStores);
  std::vector<std::string> found;
  for (const ExpressionUse& use : recipe.expressions)
    found.push_back(use.step + "|" + use.option + "|" + use.expression.source() + "|" + use.expression.place().text());
  CHECK(found == std::vector<std::string>{
                     "verify|score|tries.pass_rate|recipe.yaml:7:22", "verify|where|unit.score > 0|recipe.yaml:7:59",
                     "verify|when|round > 1|recipe.yaml:7:97", "filter|keep.lua|unit.score > 0.5|recipe.yaml:8:22"});
}

TEST_CASE("the digest ignores what may change between starts, comments and the order of keys") {
  const std::string first = digest(kQuickstart);
  CHECK(digest(with(kQuickstart, "name: additions", "name: other")) == first);
  CHECK(digest(with(kQuickstart, "rounds: 6", "rounds: 9")) == first);
  CHECK(digest(kQuickstart + "retain: {weights: all}\n") == first);
  CHECK(digest("# a comment\n" + kQuickstart) == first);
  CHECK(digest(with(kQuickstart, "problems: 128, samples: 8", "samples: 8, problems: 128")) == first);
  CHECK(digest(with(kQuickstart, "samples: 8", "samples: 8, greedy: false")) == first);  // its default
  CHECK(digest(with(kQuickstart, "verify: exact", "verify: {verifiers: [{exact: {}}], timeout: 10}")) == first);
  CHECK(digest(with(kQuickstart, "temperature: 0.8", "temperature: 8e-1")) == first);
}

TEST_CASE("the digest changes with every other option") {
  const std::string first = digest(kQuickstart);
  for (const char* change : {"seed=8", "generate.samples=9", "generate.greedy=true", "verify.timeout=3",
                             "verify=format", "verify={exact: 2}", "filter.keep.per_problem=1",
                             "finetune.loss.nll.coef=2", "verify.as=judge", "evaluate.when=round > 1",
                             "filter.where=passed", "tasks.train.digits=3", "gate.at_least=0.5", "~filter.keep.pass"}) {
    CAPTURE(change);
    CHECK(digest(kQuickstart, {change}) != first);
  }
}

TEST_CASE("every value of the resolved recipe has an origin") {
  const Recipe recipe = read(kQuickstart, {"generate.samples=16"});
  CHECK(recipe.origins.at("round.0.generate.samples") == "override");
  CHECK(recipe.origins.at("round.0.generate.problems") == "recipe.yaml:11");
  CHECK(recipe.origins.at("round.0.generate.greedy") == "default");
  CHECK(recipe.origins.at("models.lm.table.context") == "recipe.yaml:5");
  CHECK(recipe.origins.at("tasks.dev.addition.split") == "recipe.yaml:8");
  CHECK(recipe.origins.at("round.2.filter.keep.1.per_problem.n") == "recipe.yaml:13");
  CHECK(recipe.origins.at("retain.weights") == "default");
}

TEST_CASE("a control's path must be an option's") {
  auto controlled = [](const std::string& path) {
    return errors(kQuickstart + "control: [{set: " + path + ", by: {schedule: [1, 2]}}]\n");
  };
  for (const char* path : {"generate.temperature", "generate.samples", "tasks.train.digits",
                           "filter.keep.per_problem.n", "gate.at_least", "verify.timeout", "finetune.loss.nll.coef"}) {
    CAPTURE(path);
    CHECK(controlled(path).empty());
  }
  CHECK_THAT(controlled("generate.temprature"), Contains("recipe.yaml:19:17") && Contains("'generate.temprature'"));
  CHECK_THAT(controlled("nowhere.x"), Contains("recipe.yaml:19:17") && Contains("nowhere"));
}

TEST_CASE("values set by a control are typed like any other") {
  const std::string text = kQuickstart + "control: [{set: generate.temperature, by: {schedule: [1, 2]}}]\n";
  const Recipe recipe = read(text);
  const Recipe changed = with_values(
      recipe, {{"generate.temperature", Json(0.25)}, {"filter.keep.per_problem.n", Json(7)}}, shelves().all());
  CHECK(changed.step("generate")->options.options.at("temperature") == Json(0.25));
  CHECK(made<CountOptions>(shelves().filters,
                           made<FilterOptions>(shelves().steps, changed.step("filter")->options).keep.at(1))
            .n == 7);
  CHECK(changed.origins.at("round.0.generate.temperature") == "control");
  CHECK(option_value(changed, "generate.temperature") == Json(0.25));
  CHECK(option_value(recipe, "generate.temperature") == Json(0.8));
  try {
    with_values(recipe, {{"generate.temperature", Json(-1)}}, shelves().all());
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK_THAT(error.what(), Contains("control 'generate.temperature'") && Contains("'temperature'"));
  }
}

TEST_CASE("a recipe with one model needs no role, one with two does") {
  CHECK_THAT(errors(with(kStores, "role: gen, ", "")), Contains("'generate' needs 'role'") && Contains("2 models"));
  CHECK_THAT(errors(with(kStores, "model: ver, ", "")), Contains("role 'judge' needs 'model'"));
}

TEST_CASE("a name within an expression or a view counts as use") {
  CHECK(errors(with(with(kStores, ", put: tried", ", when: tried.size > 3"), "{tried: {n: 5, draw: all}}", "tries"))
            .empty() == true);
  CHECK_THAT(errors(with(kStores, "  - {generate: {role: judge}", "  - {generate: {role: ver}")),
             Contains("role 'judge'"));
}
