// A run whose recipe reads the environment: what was read is in the record.
#include <cstdlib>

#include "app/program.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using testing::ProgramResult;
using testing::run_sil;
using testing::TestDirectory;

constexpr const char* kRecipe = R"(name: reads
seed: 3
rounds: 1
models: {lm: {table: {context: 2}, tokenizer: chars}}
tasks: {sums: {addition: {digits: "${env:SIL_TEST_DIGITS}"}}}
round:
  - {generate: {tasks: sums, problems: "${env:SIL_TEST_PROBLEMS,5}", samples: 2, max_new_tokens: 3}, as: tries}
)";

// Sets a variable while it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;

 private:
  const char* name_;
};

// Everything that looks back at a run.
void check_looked_back_at(const std::string& run) {
  for (const std::string& words : {"show " + run + " --json", "show " + run + " --rollouts --jsonl", "fsck " + run,
                                   "reproduce " + run, "replay " + run + " --random 5", "diff " + run + " " + run}) {
    const ProgramResult result = run_sil(words);
    INFO(words << ": " << result.err);
    CHECK(result.code == 0);
  }
}

TEST_CASE("a run can be looked back at when the variables it read are unset or others") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kRecipe), run = directory.at("run");
  const std::string command = "run " + recipe + " --quiet --threads 1 --out " + run;
  {
    const Variable digits("SIL_TEST_DIGITS", "1"), other("SIL_TEST_UNREAD", "secret");
    REQUIRE(run_sil(command).code == 0);
    CHECK(run_sil(command).code == 0);  // goes on, or says that it is done
  }
  check_looked_back_at(run);  // unset
  const Variable digits("SIL_TEST_DIGITS", "2"), problems("SIL_TEST_PROBLEMS", "9");
  check_looked_back_at(run);
  const ProgramResult changed = run_sil(command);
  CHECK(changed.code == 2);
  CHECK_THAT(changed.err, Contains("tasks.sums.addition.digits.0: 1 in the record, 2 now") &&
                              Contains("tries.problems: 5 in the record, 9 now"));
  CHECK(std::system(("grep -rq secret " + run).c_str()) != 0);  // no more than was read
}

TEST_CASE("a variable that an override reads is recorded too") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kRecipe), run = directory.at("run");
  {
    const Variable digits("SIL_TEST_DIGITS", "1"), samples("SIL_TEST_SAMPLES", "3");
    REQUIRE(
        run_sil("run " + recipe + " 'tries.samples=${env:SIL_TEST_SAMPLES}' --quiet --threads 1 --out " + run).code ==
        0);
  }
  check_looked_back_at(run);
}

TEST_CASE("to go on without a variable that has no default is refused by its name") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kRecipe);
  const std::string command = "run " + recipe + " --quiet --threads 1 --out " + directory.at("run");
  {
    const Variable digits("SIL_TEST_DIGITS", "1");
    REQUIRE(run_sil(command).code == 0);
  }
  const std::string journal = directory.read("run/journal");
  const ProgramResult unset = run_sil(command);
  CHECK(unset.code == 2);
  CHECK_THAT(unset.err, Contains("'SIL_TEST_DIGITS' is not set"));
  CHECK(directory.read("run/journal") == journal);
}

}  // namespace
}  // namespace sil
