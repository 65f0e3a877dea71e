// Whole runs in memory: schedules, kills, power failures and I/O errors change no digest.
#include "app/whole_run.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::builtins;
using testing::kRun;
using testing::run;

constexpr const char* kRecipe = R"(
name: tiny
seed: 3
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
stores: {seen: {holds: groups}}
before:
  - demonstrate: {tasks: sums, problems: 12}
  - finetune: {from: base, loss: nll, steps: 2, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 9, samples: 4, max_new_tokens: 3}, as: tries}
  - verify: exact
  - {generate: {view: {text: "{{problem.prompt}}"}, samples: 2, max_new_tokens: 3}, of: tries, where: failed, as: again}
  - {verify: exact, as: again_checked}
  - {filter: {keep: [{dedupe: text}], weigh: group_zscore}, of: tries, as: credited, put: seen}
  - {finetune: {from: live, optimizer: keep, loss: grpo, minibatches: 2, learning_rate: 0.05}, of: credited}
  - {evaluate: {tasks: held, samples: 2, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent}
  - {finetune: {from: live, loss: nll, steps: 1}, of: {seen: {n: 5, draw: uniform}}, as: replay}
after:
  - {evaluate: {tasks: held, max_new_tokens: 3}, as: final}
)";

RunRequest request(int threads, int64_t frame_rollouts, const std::string& text = kRecipe) {
  return testing::request(text, threads, frame_rollouts);
}

Digest undisturbed_digest() {
  static const Digest digest = [] {
    SimulatedEnv env;
    return run(env, request(1, 8)).digest;
  }();
  return digest;
}

size_t undisturbed_calls() {
  SimulatedEnv env;
  run(env, request(1, 8));
  return env.calls().size();
}

TEST_CASE("one digest for any number of threads and any frame size", "[threads]") {
  for (int threads : {1, 2, 3, 8})
    for (int64_t frame : {1, 7, 64}) {
      SimulatedEnv env;
      INFO("threads " << threads << ", frames of " << frame);
      CHECK(run(env, request(threads, frame)).digest == undisturbed_digest());
    }
}

TEST_CASE("another seed gives another digest") {
  SimulatedEnv env;
  std::string text = kRecipe;
  text.replace(text.find("seed: 3"), 7, "seed: 4");
  CHECK(run(env, request(1, 8, text)).digest != undisturbed_digest());
}

TEST_CASE("a run killed at any file-system call continues to the same digest") {
  const size_t calls = undisturbed_calls();
  REQUIRE(calls > 100);
  for (size_t n = 0; n < calls; ++n) {
    SimulatedEnv env;
    testing::run_until(n, env, request(1, 8));
    env.restart();
    INFO("killed at call " << n);
    REQUIRE(run(env, request(2, 5)).digest == undisturbed_digest());
  }
}

TEST_CASE("a run that loses power at any file-system call continues to the same digest") {
  const size_t calls = undisturbed_calls();
  for (size_t n = 0; n < calls; n += 2) {
    SimulatedEnv env;
    testing::run_until(n, env, request(1, 8));
    env.lose_power(n);
    INFO("power lost at call " << n);
    REQUIRE(run(env, request(1, 64)).digest == undisturbed_digest());
  }
}

TEST_CASE("a full or failing disk stops the run with its exit code and loses nothing") {
  const size_t calls = undisturbed_calls();
  for (Fault::Kind kind : {Fault::Kind::no_space, Fault::Kind::io})
    for (size_t n = 0; n < calls; n += 3) {
      SimulatedEnv env;
      env.plan({n, kind, false, n});
      try {
        run(env, request(1, 8));
      } catch (const Error& error) {
        INFO(error.what());
        CHECK((error.code() == Exit::resources || error.code() == Exit::io));
      }
      env.restart();
      INFO("call " << n << " failed");
      REQUIRE(run(env, request(1, 8)).digest == undisturbed_digest());
    }
}

TEST_CASE("a finished run is only summed up by the same command") {
  SimulatedEnv env;
  run(env, request(1, 8));
  const std::string journal = env.contents(std::string(kRun) + "/journal");
  CHECK(run(env, request(1, 8)).status == "done");
  CHECK(env.contents(std::string(kRun) + "/journal") == journal);
}

TEST_CASE("rounds may be added, any other change of the recipe is refused with the difference") {
  SimulatedEnv env;
  run(env, request(1, 8));
  std::string text = kRecipe;
  text.replace(text.find("samples: 4"), 10, "samples: 5");
  try {
    run(env, request(1, 8, text));
    FAIL("was not refused");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK(std::string(error.what()).find("another recipe") != std::string::npos);
  }
}

TEST_CASE("a stop request ends the run as stopped and the same command finishes it", "[threads]") {
  SimulatedEnv env;
  std::stop_source stop;
  stop.request_stop();
  testing::Lines lines;
  CHECK(run(env, request(1, 8), lines, stop.get_token()).status == "stopped");
  CHECK(run(env, request(1, 8)).digest == undisturbed_digest());
}

TEST_CASE("fsck passes a good run and notices a flipped bit in every segment") {
  SimulatedEnv env;
  run(env, request(1, 8));
  CHECK(fsck_run(env, kRun).digest == undisturbed_digest());
  for (const std::string& name : env.list(std::string(kRun) + "/rounds/0001")) {
    const std::string path = std::string(kRun) + "/rounds/0001/" + name;
    env.flip_bit(path, 77);
    INFO(name);
    CHECK_THROWS_AS(fsck_run(env, kRun), Error);
    env.flip_bit(path, 77);
  }
  CHECK_NOTHROW(fsck_run(env, kRun));
}

TEST_CASE("a round run again has equal digests and a changed record is named") {
  SimulatedEnv env;
  run(env, request(1, 8));
  for (const RoundComparison& round :
       reproduce_run(env, kRun, "scratch", 0, 2, builtins().registries, builtins().steps)) {
    INFO(round.round << ": " << round.first_difference);
    CHECK(round.equal);
    CHECK(round.steps > 0);
  }
  RunState recorded = load_run(env, kRun, builtins().registries, builtins().steps);
  RunState other = recorded;
  other.rounds[1].steps.at("verify").digest = sha256("something else");
  const auto rounds = compare_runs(recorded, other);
  CHECK(rounds[0].equal);
  CHECK(rounds[1].first_difference.rfind("verify:", 0) == 0);
}

}  // namespace
}  // namespace sil
