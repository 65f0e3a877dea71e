// What `check` plans against what a run takes, and what does not fit.
#include <sys/resource.h>

#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

namespace sil::testing {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kRecipe = R"(name: memory
models:
  lm: {llama: {layers: 4, width: 512, heads: 8, context: 64}, tokenizer: chars}
tasks:
  sums: {addition: {digits: 2}}
round:
  - generate: {tasks: sums, problems: 16, samples: 8, max_new_tokens: 8}
  - verify: task
  - finetune: {from: live, loss: nll, steps: 2, batch_tokens: 1024, optimizer: keep}
)";

constexpr int64_t kMebibyte = int64_t{1} << 20;

// The address sanitizer keeps what is freed.
bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

TEST_CASE("a run takes what check planned: at most 64 MiB more, and no less than five sixths") {
  if (sanitized()) {
    WARN("skipped: a sanitizer's own memory counts");
    return;
  }
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kRecipe);
  // The children's peak is the largest so far, and two threads need more than one. Of two, a busy machine may leave one
  // without work: a single thread's peak is the sharper test.
  for (const std::string threads : {"1", "2"}) {
    const ProgramResult check = run_sil("check " + recipe + " --json --threads " + threads);
    REQUIRE(check.code == 0);
    const Json plan = parse_json(check.out).at("plan").at("memory");
    const ProgramResult run =
        run_sil("run " + recipe + " rounds=2 --quiet --threads " + threads + " --out " + directory.at("run" + threads));
    INFO(run.err);
    REQUIRE(run.code == 0);
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    const int64_t peak = used.ru_maxrss * 1024;
    INFO("planned " << plan.at("total").as_int() / kMebibyte << " MiB, peak " << peak / kMebibyte << " MiB");
    CHECK(peak <= plan.at("total").as_int() + 64 * kMebibyte);
    CHECK(plan.at("total").as_int() <= 6 * peak / 5);
  }
}

TEST_CASE("check shows the memory of each step as comments below the recipe") {
  const TestDirectory directory;
  const ProgramResult check = run_sil("check " + directory.write("recipe.yaml", kRecipe));
  CHECK(check.code == 0);
  CHECK_THAT(check.out, Contains("# memory: at most ") && Contains("#   start: ") && Contains("#   generate: ") &&
                            Contains("#   finetune: ") && Contains(" + optimizer "));
}

TEST_CASE("a model that cannot fit is refused by check and run with the sum, and nothing is begun") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", kRecipe);
  const std::string large = recipe + " models.lm.llama.layers=200 models.lm.llama.width=8192 models.lm.llama.heads=64";
  const ProgramResult check = run_sil("check " + large);
  CHECK(check.code == 5);
  CHECK_THAT(check.err, Contains("finetune needs ") && Contains(" + optimizer ") && Contains("this machine has "));
  const ProgramResult run = run_sil("run " + large + " --out " + directory.at("run"));
  CHECK(run.code == 5);
  CHECK_FALSE(std::filesystem::exists(directory.at("run")));
}

}  // namespace
}  // namespace sil::testing
