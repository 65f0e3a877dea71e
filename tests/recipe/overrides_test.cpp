#include "recipe/overrides.h"

#include "recipe/paths.h"
#include "recipe/shelves.h"
#include "recipe/yaml.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;
using Catch::Contains;

namespace {

// The option at `path` of the quickstart with one override.
Json after(const std::string& override_text, const std::string& path) {
  return option_value(read(kQuickstart, {override_text}), path).value_or("nothing");
}

std::string refused(const std::string& override_text) {
  return errors(kQuickstart, {override_text});
}

Json interpolated(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  Node tree = parse_yaml(text, "r.yaml");
  std::vector<Finding> findings;
  interpolate(tree, environment, findings);
  if (!findings.empty()) return Json(Error(Exit::usage, findings).what());
  return tree.to_json();
}

}  // namespace

TEST_CASE("an override sets an option that the file says") {
  CHECK(after("seed=3", "seed") == Json(3));
  CHECK(after("generate.samples=16", "generate.samples") == Json(16));
  CHECK(after("evaluate_2.samples=2", "evaluate_2.samples") == Json(2));
  CHECK(after("evaluate.samples=2", "evaluate_2.samples") == Json(4));
  CHECK(after("round.0.generate.samples=16", "generate.samples") == Json(16));
  CHECK(after("models.lm.table.context=3", "models.lm.table.context") == Json(3));
  CHECK(after("tasks.train.addition.digits=3", "tasks.train.digits") == Json(Json::Array{3.0}));
  CHECK(after("gate.at_least=0.5", "gate.at_least") == Json(0.5));
}

TEST_CASE("an override sets an option that is declared and not said") {
  CHECK(after("generate.greedy=true", "generate.greedy") == Json(true));
  CHECK(after("tasks.train.split=dev", "tasks.train.split") == Json("dev"));
  CHECK(after("tasks.train.digits=5", "tasks.train.digits") == Json(Json::Array{5.0}));
  CHECK(after("retain.optimizer=none", "retain.optimizer") == Json("none"));
  CHECK(after("name=other", "name") == Json("other"));
}

TEST_CASE("an override reaches below the short forms of plug-ins") {
  CHECK(after("verify.timeout=5", "verify.timeout") == Json(5.0));
  CHECK(after("filter.keep.per_problem=3", "filter.keep.per_problem.n") == Json(3));
  CHECK(after("filter.keep.per_problem.n=4", "filter.keep.per_problem.n") == Json(4));
  CHECK(after("filter.keep.1.per_problem=5", "filter.keep.per_problem.n") == Json(5));
  CHECK(after("finetune.loss.nll.coef=0.5", "finetune.loss.nll.coef") == Json(0.5));
  CHECK(read(kQuickstart, {"verify={numeric: {tolerance: 0.1}}", "verify.numeric.tolerance=0.2"})
            .step("verify")
            ->options.options.at("verifiers")
            .as_array()[0]
            .at("numeric")
            .at("tolerance") == Json(0.2));
}

TEST_CASE("an override sets the common keys of a step") {
  const Recipe recipe = read(kQuickstart, {"filter.where=passed", "verify.as=judge", "evaluate.when=round % 2 == 0"});
  CHECK(recipe.step("filter")->where_label == "passed");
  CHECK(recipe.step("judge") != nullptr);
  CHECK(recipe.step("evaluate")->when.source() == "round % 2 == 0");
}

TEST_CASE("overrides apply in order and are marked as such") {
  const Recipe recipe = read(kQuickstart, {"seed=1", "seed=2", "seed=3"});
  CHECK(recipe.seed == 3);
  CHECK(recipe.origins.at("seed") == "override");
  CHECK(recipe.origins.at("rounds") == "recipe.yaml:3");
}

TEST_CASE("a tilde removes what the file says") {
  CHECK(after("~generate.samples", "generate.samples") == Json(1));
  CHECK(read(kQuickstart, {"~filter.keep.pass"}).step("filter")->options.options.at("keep").as_array().size() == 1);
  CHECK(read(kQuickstart, {"~gate"}).step("gate") == nullptr);
  CHECK(read(kQuickstart, {"~after", "~tasks.test"}).after.empty());
  CHECK_THAT(refused("~generate.sample"), Contains("override '~generate.sample'") && Contains("'samples'"));
  CHECK_THAT(refused("~nothing.at.all"), Contains("neither a section nor a step"));
}

TEST_CASE("two pluses add what is missing on the way") {
  CHECK_THAT(refused("generate.view.text=hi"), Contains("has no 'view'") && Contains("++"));
  CHECK(after("++generate.view.text=hi", "generate.view") == Json(Json::Object{{"text", "hi"}}));
  CHECK(read(kQuickstart, {"++stores.seen.max=5", "verify.put=seen"}).store("seen")->max == 5);
}

TEST_CASE("a wrong override says what is near") {
  CHECK_THAT(refused("generate.sampels=16"),
             Contains("override 'generate.sampels=16': unknown option 'sampels' of generate") && Contains("'samples'"));
  CHECK_THAT(refused("genrate.samples=16"), Contains("override") && Contains("'generate'"));
  CHECK_THAT(refused("tasks.trian.digits=3"), Contains("has no 'trian'") && Contains("'train'"));
  CHECK_THAT(refused("generate.samples=many"), Contains("override 'generate.samples=many'") && Contains("'many'"));
  CHECK_THAT(refused("generate.samples=1,2"), Contains("more than one value"));
  CHECK_THAT(refused("generate.samples=[1"), Contains("not one YAML value"));
  CHECK_THAT(refused("generate.samples"), Contains("this is no override"));
  CHECK_THAT(refused("=1"), Contains("this is no override"));
  CHECK_THAT(refused("generate..samples=1"), Contains("no path"));
  CHECK_THAT(refused("seed.x=1"), Contains("has no 'x'"));
  CHECK_THAT(refused("round.9.generate.samples=1"), Contains("has no '9'"));
  CHECK_THAT(refused(std::string(5000, '.') + "=1"), Contains("no path"));
}

TEST_CASE("wrong overrides are all reported, after the findings of the file") {
  const std::string found = errors(with(kQuickstart, "samples: 8", "sampels: 8"), {"sed=1", "tasks.x.y=1"});
  CHECK(found.find("recipe.yaml:11") < found.find("override 'sed=1'"));
  CHECK(found.find("override 'sed=1'") < found.find("override 'tasks.x.y=1'"));
  CHECK(found.find("override 'tasks.x.y=1'") != std::string::npos);
}

TEST_CASE("references take values with their types, within a text as text") {
  const Json value = interpolated("seed: 3\nrounds: \"${seed}\"\nname: x${seed}y${rounds}\nretain: '${name}'\n");
  CHECK(value.at("rounds") == Json(3));
  CHECK(value.at("name") == Json("x3y3"));
  CHECK(value.at("retain") == Json("x3y3"));
}

TEST_CASE("a path of references is a path of the recipe") {
  const Json value = interpolated(
      "seed: 3\nname: run-${seed}\nmodels: {a: [1, 2], b: \"${models.a}\", c: \"${models.a.1}\"}\nround: [{generate: "
      "{samples: 4}}, {verify: {n: \"${generate.samples}\"}}]\n");
  CHECK(value.at("name") == Json("run-3"));
  CHECK(value.at("models").at("b") == Json(Json::Array{1, 2}));
  CHECK(value.at("models").at("c") == Json(2));
  CHECK(value.at("round").as_array()[1].at("verify").at("n") == Json(4));
}

TEST_CASE("references of references are followed, circles are not") {
  CHECK(interpolated("seed: \"${rounds}\"\nrounds: \"${models}\"\nmodels: 5\n").at("seed") == Json(5));
  CHECK_THAT(interpolated("seed: \"${rounds}\"\nrounds: \"${seed}\"\n").as_string(),
             Contains("r.yaml:1:8") && Contains("refers to itself"));
  CHECK_THAT(interpolated("seed: x${seed}\n").as_string(), Contains("refers to itself"));
  CHECK_THAT(interpolated("models: {a: {b: \"${models.a}\"}}\n").as_string(), Contains("refers to itself"));
}

TEST_CASE("references cannot grow a recipe beyond measure") {
  std::string text = "models:\n  a0: xxxxxxxxxx\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "${models.a" + std::to_string(i - 1) + "}";
    text += "  a" + std::to_string(i) + ": \"" + before + before + "\"\n";
  }
  CHECK_THAT(interpolated(text).as_string(), Contains("too large"));
}

TEST_CASE("the environment is read only where it is named") {
  const std::map<std::string, std::string> environment{{"N", "4"}, {"T", "a: b"}, {"R", "${seed}"}};
  CHECK(interpolated("seed: \"${env:N}\"\n", environment).at("seed") == Json(4));
  CHECK(interpolated("seed: \"${env:T}\"\n", environment).at("seed") == Json("a: b"));
  CHECK(interpolated("seed: \"${env:R}\"\n", environment).at("seed") == Json("${seed}"));  // not expanded again
  CHECK(interpolated("seed: \"${env:M,5}\"\n", environment).at("seed") == Json(5));
  CHECK(interpolated("seed: n${env:M,}\n", environment).at("seed") == Json("n"));
  CHECK_THAT(interpolated("seed: \"${env:M}\"\n", environment).as_string(),
             Contains("'M' is not set") && Contains("${env:M,default}"));
}

TEST_CASE("two dollars stand for one") {
  CHECK(interpolated("seed: \"echo $${HOME} ${env:N,1}\"\n").at("seed") == Json("echo ${HOME} 1"));
  CHECK(interpolated("seed: \"$5 {x}\"\n").at("seed") == Json("$5 {x}"));
  CHECK_THAT(interpolated("seed: \"a ${b\"\n").as_string(), Contains("without '}'"));
  CHECK_THAT(interpolated("seed: \"${rounds}\"\n").as_string(), Contains("says nothing at '${rounds}'"));
}

TEST_CASE("an override may refer") {
  CHECK(read(kQuickstart, {"evaluate.samples=${generate.samples}"}).step("evaluate")->options.options.at("samples") ==
        Json(8));
}
