// An internal error leaves a report.
#include <filesystem>
#include <set>
#include <stdexcept>

#include "app/failure.h"
#include "app/program.h"
#include "app/whole_run.h"
#include "support/catch.h"

namespace sil {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::TestDirectory;
using testing::WholeRun;

// Works in a directory while it lives.
class Inside {
 public:
  explicit Inside(const std::string& directory) : before_(fs::current_path()) { fs::current_path(directory); }
  ~Inside() { fs::current_path(before_); }
  Inside(const Inside&) = delete;

 private:
  fs::path before_;
};

// The reports in a directory.
std::vector<std::string> reports(const TestDirectory& directory, const std::string& below) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory.at(below)))
    if (entry.path().filename().string().starts_with("internal-error-")) names.push_back(entry.path().filename());
  return names;
}

int report(const Error& error) {
  std::string program = "sil", command = "run", recipe = "r.yaml";
  char* words[] = {program.data(), command.data(), recipe.data()};
  return report_failure(error, words, false);
}

TEST_CASE("the report of an internal error lies in the run's directory, else in the current one, else in TMPDIR") {
  const TestDirectory directory;
  fs::create_directories(directory.at("run/log"));
  fs::create_directories(directory.at("here"));
  fs::create_directories(directory.at("temporary"));
  directory.write("run/log/run.log", "round 3 of 5\n");
  const Inside inside(directory.at("here"));
  const Error error(Exit::internal, "two rollouts were lost", "this is a bug");
  CHECK(report(FailedRun(error, directory.at("run"))) == 70);
  REQUIRE(reports(directory, "run").size() == 1);
  CHECK(reports(directory, "here").empty());
  CHECK_THAT(directory.read("run/" + reports(directory, "run").front()),
             Contains("two rollouts were lost; this is a bug") && Contains("command: sil run r.yaml") &&
                 Contains("round 3 of 5") && Contains("sil 0."));
  CHECK(report(error) == 70);
  REQUIRE(reports(directory, "here").size() == 1);
  CHECK_THAT(directory.read("here/" + reports(directory, "here").front()), Contains("run: none"));
  fs::remove_all(directory.at("here"));  // nothing can be written to what is no more
  ::setenv("TMPDIR", directory.at("temporary").c_str(), 1);
  CHECK(report(error) == 70);
  ::unsetenv("TMPDIR");
  CHECK(reports(directory, "temporary").size() == 1);
}

TEST_CASE("no other error leaves a report") {
  const TestDirectory directory;
  const Inside inside(directory.at(""));
  CHECK(report(Error(Exit::usage, "no such option")) == 2);
  CHECK(reports(directory, "").empty());
}

struct BrokenOptions {
  std::string role, by = "check";
  void visit(OptionVisitor& v) {
    v.option("role", role, {.help = "whose model stands by", .refers = "role"});
    v.option("by", by, {.help = "how it breaks", .choices = {"check", "lookup"}});
  }
};

// Breaks a promise of the program to itself.
class Broken final : public Step {
 public:
  explicit Broken(BrokenOptions options) : options_(std::move(options)) {}
  void check(const Recipe&, const StepSpec&, std::vector<Finding>&) const override {}
  std::unique_ptr<LocalRun> local(RoundContext&, const StepSpec&) const override { return nullptr; }
  std::unique_ptr<FrameSource> source(RoundContext&, const StepSpec&) const override { return nullptr; }
  bool makes_pool(const StepSpec&) const override { return false; }
  StepResult run(RoundContext&, const StepSpec&) const override {
    if (options_.by == "lookup") throw std::out_of_range("what is counted is written");
    SIL_CHECK(!"what is counted is written");
  }

 private:
  BrokenOptions options_;
};

TEST_CASE("an internal error within a run names the run, and the run's record says that it failed") {
  Registry<Step> steps{"step"};
  steps.add<Broken, BrokenOptions>("broken", "breaks");
  for (const char* by : {"check", "lookup"}) {
    INFO(by);
    SimulatedEnv env;
    RunRequest request;
    request.recipe.file = "recipe.yaml";
    request.recipe.text =
        "name: bug\nseed: 1\nrounds: 1\nmodels: {lm: {table: {context: 1}, tokenizer: bytes}}\n"
        "round:\n  - broken: {role: lm}\n";
    request.recipe.overrides = {std::string("broken.by=") + by};
    request.directory = "runs/bug";
    testing::Lines lines;
    try {
      run_recipe(request, testing::builtins().registries, steps, env, lines, {});
      FAIL("nothing was thrown");
    } catch (const FailedRun& error) {
      CHECK(error.code() == Exit::internal);
      CHECK(error.directory() == "runs/bug");
      CHECK_THAT(error.what(), Contains("what is counted is written"));
    }
    CHECK(load_run(env, "runs/bug", testing::builtins().registries, steps).status == "failed");
  }
}

TEST_CASE("a finetune that diverges names the rollouts at fault, and the version before stays live") {
  testing::WholeRun whole;
  const auto message = [&]() -> std::string {
    try {
      whole.run(R"(
name: diverging
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - {demonstrate: {tasks: sums, problems: 40}, as: shown}
  - {filter: {weigh: {lua: "tokens > 2 and 1e39 or 1"}}}
  - {finetune: {from: live, loss: nll, learning_rate: 0.1}}
)");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::diverged);
      return error.what();
    }
    return "";
  }();
  INFO(message);
  std::set<std::string> long_ones;
  for (const Group& group : whole.groups("1", "shown"))
    for (const Rollout& rollout : group.rollouts)
      if (rollout.ids.size() > 2) long_ones.insert(rollout_id("1", group, rollout));
  REQUIRE(long_ones.size() > 5);
  CHECK(message.find("of its 40 examples " + std::to_string(long_ones.size()) + " by themselves: ") !=
        std::string::npos);
  int64_t named = 0;
  for (const std::string& id : long_ones) named += message.find(" " + id + " ") != std::string::npos;
  CHECK(named == 5);
  const RunState state = whole.state();
  CHECK(state.models.at("lm").live.digest == state.models.at("lm").base.digest);
}

}  // namespace
}  // namespace sil
