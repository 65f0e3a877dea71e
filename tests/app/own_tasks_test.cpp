// Tasks by code of the user in whole runs.
#include <set>

#include "app/hostile.h"
#include "app/whole_run.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kRest =
    "round:\n"
    "  - demonstrate: {tasks: train, problems: 40}\n"
    "  - finetune: {from: live, loss: nll, learning_rate: 0.1}\n"
    "  - generate: {tasks: train, problems: 8, samples: 2, max_new_tokens: 3}\n"
    "  - verify: exact\n"
    "  - evaluate: {tasks: dev, samples: 2, max_new_tokens: 3}\n";

std::string recipe_of(const std::string& task) {
  return "name: tiny\nrounds: 1\nmodels:\n  lm: {table: {context: 4}, tokenizer: chars}\ntasks:\n  train: {" + task +
         "}\n  dev: {" + task + ", split: dev}\n" + kRest;
}

const std::string kLua =
    "lua: {size: 400, alphabet: '0123456789+=', prompt: \"math.floor(random.a * 10) .. '+' .. index .. '='\", "
    "solution: \"math.floor(random.a * 10) + index\"}";

}  // namespace

TEST_CASE("a recipe's own Lua makes its problems: training apart from dev, one digest whatever disturbs the run") {
  SimulatedEnv env;
  expect_one_digest(recipe_of(kLua), env, 16, 40);
  WholeRun whole;
  whole.run(recipe_of(kLua));
  std::set<uint64_t> train, dev;
  for (const Group& group : whole.groups("1", "demonstrate")) {
    train.insert(group.problem->uid);
    CHECK(group.rollouts.at(0).text == *group.problem->answer);
  }
  for (const Group& group : whole.groups("1", "evaluate")) dev.insert(group.problem->uid);
  CHECK(train.size() == 40);
  CHECK_FALSE(dev.empty());
  for (const uint64_t uid : dev) CHECK_FALSE(train.contains(uid));
}

TEST_CASE("Lua of a task that is wrong is refused before the start, with its place") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", recipe_with("{lua: {size: 9, prompt: \"indx .. '='\"}}"));
  CHECK_THAT(refusal(2, recipe, recipe + ":6:35: "), Contains("`indx` is not declared; did you mean `index`?"));
}

TEST_CASE("a program that is not pure is refused before the start, and leaves no process") {
  const TestDirectory directory;
  const std::string program = directory.write(
      "program.sh",
      "echo '{\"protocol\":\"sil-task/1\",\"name\":\"n\",\"version\":\"1\",\"size\":5}'\nread hello\nid=0\n"
      "while read line; do id=$((id + 1)); echo '{\"id\":'$id',\"problem\":{\"prompt\":\"'$$'\"}}'; done\n");
  const std::string recipe =
      directory.write("recipe.yaml", recipe_with("{program: {command: \"sh " + program + "\"}}"));
  CHECK_THAT(refusal(3, recipe, recipe + ":6:3: "), Contains("is another one when it is asked for again"));
  const std::string pattern = program.substr(0, program.size() - 1) + "[h]";  // the shell that looks is none
  CHECK(std::system(("pgrep -f '" + pattern + "' >/dev/null").c_str()) != 0);
}
