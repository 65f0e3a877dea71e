// What stands beside the record: derived files that can be made again, and objects that may go.
#include <algorithm>

#include "app/whole_run.h"
#include "loop/retention.h"
#include "loop/views.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::builtins;

const std::string kRun = testing::kRun;
constexpr const char* kRecipe = R"(
name: small
seed: 5
rounds: 3
retain: {weights: last 1, optimizer: last}
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
round:
  - {demonstrate: {tasks: sums, problems: 6}}
  - {finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.3}}
  - {evaluate: {tasks: held, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent}
after:
  - {evaluate: {tasks: held, max_new_tokens: 3}, as: final}
)";

// `changes`: overrides.
RunRequest request(std::vector<std::string> changes = {}) {
  RunRequest out = testing::request(kRecipe, 1, 8);
  out.recipe.overrides = std::move(changes);
  return out;
}

RunSummary run(Env& env, const RunRequest& r = request(), std::stop_token stop = {}) {
  testing::Lines lines;
  return testing::run(env, r, lines, stop);
}

RunState recorded(Env& env) {
  return replay(read_run_journal(env, kRun).records);
}

void add_files(SimulatedEnv& env, const std::string& path, std::map<std::string, std::string>& out) {
  if (!env.is_dir(path)) {
    out[path] = env.contents(path);
    return;
  }
  for (const std::string& name : env.list(path)) add_files(env, path + "/" + name, out);
}

bool is_record(const std::string& name) {
  return name == "SIL" || name == "journal" || name == "rounds" || name == "objects";
}

// Every derived file but the log and the lock, links followed.
std::map<std::string, std::string> derived(SimulatedEnv& env) {
  std::map<std::string, std::string> out;
  for (const std::string& name : env.list(kRun))
    if (!is_record(name) && name != "log" && name != "lock" && name != "tmp") add_files(env, kRun + "/" + name, out);
  return out;
}

std::vector<std::string> names_of(const std::map<std::string, std::string>& files) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files) names.push_back(name);
  return names;
}

struct Undisturbed {
  SimulatedEnv env;
  Digest digest;
  std::map<std::string, std::string> files;
  std::vector<Digest> objects;
  size_t calls = 0;
  Undisturbed() {
    digest = run(env).digest;
    calls = env.calls().size();
    files = derived(env);
    objects = ObjectStore(env, kRun).list();
  }
};
Undisturbed& undisturbed() {
  static Undisturbed one;
  return one;
}

TEST_CASE("all but SIL, journal, rounds and objects can be deleted and is rebuilt byte for byte") {
  SimulatedEnv env;
  run(env);
  const auto files = derived(env);
  for (const char* name : {"recipe.yaml", "recipe.resolved.json", "run.json", "metrics.jsonl", "metrics.csv",
                           "latest/model.safetensors", "latest/model.json", "accepted/model.safetensors"}) {
    INFO(name);
    CHECK(files.count(kRun + "/" + name) == 1);
  }
  for (const std::string& name : env.list(kRun))
    if (!is_record(name)) env.remove_tree(kRun + "/" + name);
  rebuild_run(env, kRun);
  CHECK(derived(env) == files);
  CHECK(files.at(kRun + "/recipe.yaml") == kRecipe);
}

TEST_CASE("what stands in derived files, whatever it is, is replaced by rebuild") {
  SimulatedEnv env;
  run(env);
  const auto files = derived(env);
  env.put_file(kRun + "/metrics.csv", "spoilt");
  env.put_file(kRun + "/latest/model.safetensors", "spoilt");
  env.put_file(kRun + "/checkpoints/0099/model.safetensors", "of no round");
  rebuild_run(env, kRun);
  CHECK(derived(env) == files);
}

TEST_CASE("a kill at any call leaves a run that ends with the same files and objects") {
  for (size_t n = 0; n < undisturbed().calls; ++n) {
    SimulatedEnv env;
    testing::run_until(n, env, request());
    env.restart();
    INFO("killed at call " << n);
    // An object that is gone must already be recorded as retired.
    if (env.exists(kRun + "/journal") && recorded(env).begun) REQUIRE_NOTHROW(fsck_run(env, kRun));
    REQUIRE(run(env).digest == undisturbed().digest);
    REQUIRE(names_of(derived(env)) == names_of(undisturbed().files));
    REQUIRE(derived(env) == undisturbed().files);
    REQUIRE(ObjectStore(env, kRun).list() == undisturbed().objects);
  }
}

TEST_CASE("a power failure at any call leaves a run that ends with the same files") {
  for (size_t n = 0; n < undisturbed().calls; n += 2) {
    SimulatedEnv env;
    testing::run_until(n, env, request());
    env.lose_power(n);
    INFO("power lost at call " << n);
    REQUIRE(run(env).digest == undisturbed().digest);
    REQUIRE(names_of(derived(env)) == names_of(undisturbed().files));
    REQUIRE(derived(env) == undisturbed().files);
    REQUIRE_NOTHROW(fsck_run(env, kRun));
  }
}

TEST_CASE("a power failure after the end is mended by the same command") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedEnv env;
    run(env);
    env.lose_power(seed);
    INFO("seed " << seed);
    CHECK(run(env).digest == undisturbed().digest);
    CHECK(derived(env) == undisturbed().files);
  }
}

TEST_CASE("a full disk while derived files are written ends with its exit code and harms nothing") {
  for (size_t n = 0; n < undisturbed().calls; ++n) {
    SimulatedEnv env;
    env.plan({n, Fault::Kind::no_space, true, n});
    try {
      run(env);
    } catch (const Error& error) {
      INFO("from call " << n << ": " << error.what());
      CHECK(error.code() == Exit::resources);
    }
    env.restart();
    INFO("no space from call " << n);
    if (env.exists(kRun + "/journal") && recorded(env).begun) REQUIRE_NOTHROW(fsck_run(env, kRun));
    REQUIRE(run(env).digest == undisturbed().digest);
    REQUIRE(names_of(derived(env)) == names_of(undisturbed().files));
    REQUIRE(derived(env) == undisturbed().files);
  }
}

TEST_CASE("retired objects are gone, fsck accepts that, and misses any other") {
  SimulatedEnv env;
  run(env);
  const RunState state = recorded(env);
  REQUIRE_FALSE(state.retired.empty());
  ObjectStore objects(env, kRun);
  for (const Digest& digest : state.retired) CHECK_FALSE(objects.contains(digest));
  CHECK_NOTHROW(fsck_run(env, kRun));
  for (const Digest& digest : objects.list()) {
    const std::string path = kRun + "/" + objects.path(digest);
    const std::string bytes = env.contents(path);
    env.remove(path);
    INFO(path);
    CHECK_THROWS_AS(fsck_run(env, kRun), Error);
    env.put_file(path, bytes);
  }
  CHECK_NOTHROW(fsck_run(env, kRun));
}

TEST_CASE("retain may change between starts and does not change what is learnt") {
  SimulatedEnv env;
  RunRequest first = request({"retain.weights=all", "retain.optimizer=all"});
  first.last_round = 2;
  run(env, first);
  CHECK(recorded(env).retired.empty());
  CHECK(run(env).digest == undisturbed().digest);
  CHECK(ObjectStore(env, kRun).list().size() == undisturbed().objects.size());
  auto files = derived(env), expected = undisturbed().files;
  files.erase(kRun + "/recipe.resolved.json");  // as it was begun
  expected.erase(kRun + "/recipe.resolved.json");
  CHECK(names_of(files) == names_of(expected));
  CHECK(files == expected);
}

TEST_CASE("retain: all keeps a checkpoint of every round that made a version") {
  SimulatedEnv env;
  run(env, request({"retain.weights=all"}));
  for (const char* folder : {"0001", "0002", "0003"}) CHECK(env.is_dir(kRun + "/checkpoints/" + folder));
  const RunState state = recorded(env);
  const VersionRef third =
      VersionRef::from_json(state.find_round("3")->steps.at("finetune").payload.at("candidate").at("version"));
  CHECK_FALSE(env.exists(kRun + "/checkpoints/0000"));
  CHECK(env.contents(kRun + "/latest/model.safetensors") == ObjectStore(env, kRun).read(third.weights));
}

TEST_CASE("training states go once a later one or the version is recorded") {
  class StopInFinetune final : public RunProgress {
   public:
    std::stop_source source;
    int starts = 0;
    void line(const std::string&) override {}
    void working(const std::string& step, int64_t done, int64_t) override {
      if (step == "finetune" && done == 1 && ++starts == 1) source.request_stop();
    }
  };
  SimulatedEnv env;
  StopInFinetune progress;
  const RunSummary stopped =
      run_recipe(request(), builtins().registries, builtins().steps, env, progress, progress.source.get_token());
  CHECK(stopped.status == "stopped");
  const RunState state = recorded(env);
  const std::optional<Digest> training = state.rounds.back().steps.at("finetune").checkpoint;
  REQUIRE(training);
  CHECK(ObjectStore(env, kRun).contains(*training));
  CHECK(gc_run(env, kRun, false).objects == 0);
  CHECK(run(env).digest == undisturbed().digest);
  CHECK_FALSE(ObjectStore(env, kRun).contains(*training));
  CHECK(recorded(env).retired.count(*training) == 1);
  CHECK_NOTHROW(fsck_run(env, kRun));
}

TEST_CASE("gc frees what no record names, says how much, and changes nothing in a dry run") {
  SimulatedEnv env;
  run(env);
  CHECK(gc_run(env, kRun, false).objects == 0);
  const Digest stray = sha256("stray");
  const std::string path = kRun + "/" + ObjectStore(env, kRun).path(stray);
  env.put_file(path, "stray");
  env.put_file(kRun + "/tmp/7", "half");
  for (bool dry_run : {true, true, false}) {
    const GcReport report = gc_run(env, kRun, dry_run);
    CHECK(report.objects == 1);
    CHECK(report.temporaries == 1);
    CHECK(report.bytes == 9);
    CHECK(env.exists(path) == dry_run);
    CHECK(env.exists(kRun + "/tmp/7") == dry_run);
  }
  CHECK(gc_run(env, kRun, false).bytes == 0);
  CHECK(ObjectStore(env, kRun).list() == undisturbed().objects);
  CHECK(derived(env) == undisturbed().files);
  CHECK(run(env).digest == undisturbed().digest);
}

TEST_CASE("gc and rebuild refuse a run in use and what is no run") {
  SimulatedEnv env;
  run(env);
  const RunDirectory held(env, kRun);
  const auto code_of = [](auto&& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return Exit::ok;
  };
  CHECK(code_of([&] { gc_run(env, kRun, false); }) == Exit::in_use);
  CHECK(code_of([&] { gc_run(env, kRun, true); }) == Exit::in_use);
  CHECK(code_of([&] { rebuild_run(env, kRun); }) == Exit::in_use);
  CHECK(code_of([&] { gc_run(env, "runs/none", false); }) == Exit::unreadable);
  CHECK(code_of([&] { rebuild_run(env, "runs/none"); }) == Exit::unreadable);
  CHECK_FALSE(env.exists("runs/none"));
}

TEST_CASE("how a run ended is recorded, unless the disk failed") {
  const auto status_in_file = [](SimulatedEnv& env) {
    return parse_json(env.contents(kRun + "/run.json")).at("status").as_string();
  };
  SECTION("stopped, then running again, then done") {
    SimulatedEnv env;
    std::stop_source stop;
    stop.request_stop();
    run(env, request(), stop.get_token());
    CHECK(recorded(env).status == "stopped");
    CHECK(status_in_file(env) == "stopped");
    run(env);
    CHECK(recorded(env).status == "done");
    CHECK(status_in_file(env) == "done");
  }
  SECTION("failed") {
    SimulatedEnv env;
    CHECK_THROWS_AS(run(env, request({"gate.metric=pass@7"})), Error);
    CHECK(recorded(env).status == "failed");
    CHECK(status_in_file(env) == "failed");
    CHECK(env.contents(kRun + "/log/run.log").find("error: ") != std::string::npos);
  }
  SECTION("killed or failed by the disk") {
    SimulatedEnv env;
    env.plan({undisturbed().calls / 2, Fault::Kind::io, true, 1});
    CHECK_THROWS_AS(run(env), Error);
    env.restart();
    CHECK(status_word(recorded(env)) == "running");
  }
}

TEST_CASE("with several models each has its own checkpoints and links") {
  std::string text = kRecipe;
  text.replace(text.find("models:"), text.find("tasks:") - text.find("models:"),
               "models:\n  a: {table: {context: 4}, tokenizer: chars}\n  b: {table: {context: 2}, tokenizer: chars}\n");
  text.replace(text.find("round:"), text.find("after:") - text.find("round:"), R"(round:
  - {demonstrate: {tasks: sums, problems: 6, role: a}}
  - {finetune: {model: a, from: live, loss: nll, steps: 1}}
  - {finetune: {model: b, from: live, loss: nll, steps: 1}, as: other}
)");
  text.replace(text.find("{evaluate: {tasks: held"), 23, "{evaluate: {role: a, tasks: held");
  RunRequest both = request();
  both.recipe.text = text;
  SimulatedEnv env;
  run(env, both);
  const RunState state = recorded(env);
  for (const char* model : {"a", "b"}) {
    const std::string weights = ObjectStore(env, kRun).read(state.models.at(model).incumbent.weights);
    CHECK(env.contents(kRun + "/accepted/" + model + "/model.safetensors") == weights);
    CHECK(env.contents(kRun + "/checkpoints/" + model + "/0003/model.safetensors") == weights);
    CHECK_FALSE(env.exists(kRun + "/checkpoints/" + model + "/0002"));
  }
  const auto files = derived(env);
  rebuild_run(env, kRun);
  CHECK(derived(env) == files);
}

TEST_CASE("a run that used a program verifier says that nothing contained it") {
  SimulatedEnv env;
  run(env);
  CHECK(parse_json(env.contents(kRun + "/run.json")).find("cage") == nullptr);
  RunRequest own = request();
  own.recipe.text.replace(own.recipe.text.find("  - {finetune"), 0, "  - {verify: {program: {command: 'false'}}}\n");
  own.directory = "runs/own";
  CHECK_THROWS_AS(run(env, own), Error);  // no grader
  const Json about = parse_json(env.contents("runs/own/run.json"));
  CHECK(about.at("cage").as_string() == "none");
  CHECK(about.at("status").as_string() == "failed");
}

}  // namespace
}  // namespace sil
