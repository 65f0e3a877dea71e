#include "record/simulated_env.h"

#include <set>

#include "record/support.h"
#include "support/catch.h"

namespace sil {
namespace {

void write_file(Env& env, const std::string& path, std::string_view bytes, bool sync) {
  const auto file = env.create(path, Create::append);
  file->write(bytes);
  if (sync) file->sync();
}

// What the file holds after each of many power failures, "-" when it is gone.
std::set<std::string> after_power_loss(const std::function<void(SimulatedEnv&)>& work, const std::string& path) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedEnv env;
    work(env);
    env.lose_power(seed);
    seen.insert(env.exists(path) ? env.contents(path) : "-");
  }
  return seen;
}

}  // namespace

TEST_CASE("synced data under a synced name survives every power loss") {
  CHECK(after_power_loss(
            [](SimulatedEnv& env) {
              write_file(env, "f", "abc", true);
              env.sync_dir(".");
            },
            "f") == std::set<std::string>{"abc"});
}

TEST_CASE("a synced file whose folder was not synced may be gone, but is never half there") {
  CHECK(after_power_loss([](SimulatedEnv& env) { write_file(env, "f", "abc", true); }, "f") ==
        std::set<std::string>{"-", "abc"});
}

TEST_CASE("unsynced data may vanish, stay, end anywhere or read as zeros") {
  const auto seen = after_power_loss(
      [](SimulatedEnv& env) {
        write_file(env, "f", "abc", false);
        env.sync_dir(".");
      },
      "f");
  for (const std::string& possible : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                                      std::string("a\0\0", 3), std::string("\0\0\0", 3)})
    CHECK(seen.count(possible) == 1);
  CHECK(seen.count("-") == 0);
}

TEST_CASE("data appended after a sync is lost alone") {
  for (const std::string& bytes : after_power_loss(
           [](SimulatedEnv& env) {
             write_file(env, "f", "abc", true);
             env.sync_dir(".");
             write_file(env, "f", "def", false);
           },
           "f"))
    CHECK(bytes.substr(0, 3) == "abc");
}

TEST_CASE("a rename that was not synced shows one of both names, with its bytes") {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedEnv env;
    env.put_file("a/old", "abc");
    env.put_file("b/other", "");
    env.rename_over("a/old", "b/new");
    env.lose_power(seed);
    REQUIRE(env.exists("a/old") != env.exists("b/new"));
    seen.insert(env.exists("a/old") ? env.contents("a/old") : "new " + env.contents("b/new"));
  }
  CHECK(seen == std::set<std::string>{"abc", "new abc"});
}

TEST_CASE("syncing one folder of a rename saves both sides, and what they build on") {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedEnv env;
    env.put_file("a/other", "");
    env.put_file("b/other", "");
    write_file(env, "a/temporary", "abc", true);
    env.rename_over("a/temporary", "b/final");
    env.sync_dir("b");
    env.lose_power(seed);
    REQUIRE(env.contents("b/final") == "abc");
    REQUIRE_FALSE(env.exists("a/temporary"));
  }
}

TEST_CASE("a new folder that was not synced into its parent may be gone with all it holds") {
  const auto seen = after_power_loss(
      [](SimulatedEnv& env) {
        env.make_dir("d");
        write_file(env, "d/f", "abc", true);
        env.sync_dir("d");
      },
      "d/f");
  CHECK(seen == std::set<std::string>{"-", "abc"});
}

TEST_CASE("a removal that was not synced may be undone") {
  CHECK(after_power_loss(
            [](SimulatedEnv& env) {
              env.put_file("f", "abc");
              env.remove("f");
            },
            "f") == std::set<std::string>{"-", "abc"});
}

TEST_CASE("a failed fsync loses the data, or leaves it dirty, or makes it look saved") {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SimulatedEnv env;
    env.put_file("f", "abc");
    const auto file = env.create("f", Create::append);
    file->write("def");
    env.plan({env.calls().size(), Fault::Kind::io, false, seed % 3});
    REQUIRE(exit_of([&] { file->sync(); }) == Exit::io);
    const std::string now = env.contents("f");
    env.create("f", Create::append)->sync();  // succeeds
    env.lose_power(seed);
    seen.insert(now + " " + env.contents("f"));
  }
  CHECK(seen == std::set<std::string>{"abc abc", "abcdef abcdef", "abcdef abc"});
}

TEST_CASE("calls are numbered by name and path, and a planned one crashes") {
  SimulatedEnv env;
  write_file(env, "f", "abc", true);
  CHECK(env.calls() == std::vector<SimulatedCall>{{"create", "f"}, {"write", "f"}, {"sync", "f"}});
  env.plan({4, Fault::Kind::crash, false, 0});
  CHECK(env.exists("f"));
  CHECK_THROWS_AS(env.remove("f"), SimulatedCrash);
  CHECK(env.crashed());
  CHECK_THROWS_AS(env.exists("f"), SimulatedCrash);  // and nothing happens any more
  env.restart();
  CHECK(env.calls().empty());
  CHECK(env.contents("f") == "abc");
}

TEST_CASE("a crash or error in a write lets some bytes through") {
  std::set<std::string> seen;
  for (const Fault::Kind kind : {Fault::Kind::crash, Fault::Kind::no_space}) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
      SimulatedEnv env;
      env.plan({1, kind, false, seed});
      CHECK_THROWS(write_file(env, "f", "abc", false));
      env.restart();
      seen.insert(env.contents("f"));
    }
  }
  CHECK(seen == std::set<std::string>{"", "a", "ab", "abc"});
}

TEST_CASE("a full disk lets files be read, cut and removed; a broken one does not") {
  const auto codes = [](Fault::Kind kind) {
    SimulatedEnv env;
    env.put_file("f", "abc");
    env.plan({0, kind, true, 0});
    return std::vector<Exit>{exit_of([&] { env.read_all("f"); }), exit_of([&] { env.truncate("f", 1); }),
                             exit_of([&] { env.create("g", Create::exclusive); }), exit_of([&] { env.remove("f"); })};
  };
  CHECK(codes(Fault::Kind::no_space) == std::vector<Exit>{Exit::ok, Exit::ok, Exit::resources, Exit::ok});
  CHECK(codes(Fault::Kind::quota) == std::vector<Exit>{Exit::ok, Exit::ok, Exit::resources, Exit::ok});
  CHECK(codes(Fault::Kind::io) == std::vector<Exit>(4, Exit::io));
  CHECK(codes(Fault::Kind::read_only) == std::vector<Exit>{Exit::ok, Exit::io, Exit::io, Exit::io});
}

TEST_CASE("a fault happens once unless it is for ever") {
  SimulatedEnv env;
  env.plan({0, Fault::Kind::io, false, 0});
  CHECK(exit_of([&] { env.make_dir("d"); }) == Exit::io);
  CHECK(exit_of([&] { env.make_dir("d"); }) == Exit::ok);
  env.plan({2, Fault::Kind::io, true, 0});
  for (int i = 0; i < 3; ++i) CHECK(exit_of([&] { env.make_dir("e"); }) == Exit::io);
}

TEST_CASE("locks are held until released or their process is gone") {
  SimulatedEnv env;
  auto lock = env.lock("lock");
  CHECK(lock != nullptr);
  CHECK(env.lock("lock") == nullptr);
  lock.reset();
  auto second = env.lock("lock");
  CHECK(second != nullptr);
  env.restart();
  const auto third = env.lock("lock");
  CHECK(third != nullptr);
  second.reset();  // of a process that is gone: frees nothing
  CHECK(env.lock("lock") == nullptr);
}

TEST_CASE("open files of a dead process are dead") {
  SimulatedEnv env;
  const auto file = env.create("f", Create::append);
  env.restart();
  CHECK_THROWS_AS(file->write("x"), SimulatedCrash);
  CHECK_THROWS_AS(file->sync(), SimulatedCrash);
  CHECK(env.contents("f").empty());
}

TEST_CASE("the clock is virtual, moves and starts in 2000") {
  SimulatedEnv env;
  CHECK(env.utc_time() == "2000-01-01T00:00:00Z");
  const double before = env.seconds();
  CHECK(env.seconds() > before);
  env.advance(86400);
  CHECK(env.seconds() >= before + 86400);
  CHECK(env.utc_time() == "2000-01-02T00:00:00Z");
}

}  // namespace sil
