#include "record/objects.h"

#include <algorithm>
#include <stdexcept>

#include "record/simulated_env.h"
#include "record/support.h"
#include "support/catch.h"

namespace sil {
namespace {

// SHA-256("abc"), FIPS 180-2 appendix B.1.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kAbcPath = "objects/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const std::vector<std::string> kObjects = {"abc", std::string(3000, 'w'), "", "abc", "another object"};

// Puts all of them, collecting what was acknowledged.
void put_all(SimulatedEnv& env, std::vector<std::string>& acknowledged) {
  ObjectStore store(env, "/run");
  store.clear_temporaries();
  for (const std::string& bytes : kObjects) {
    store.put([&](ByteSink& sink) {
      sink.write(std::string_view(bytes).substr(0, bytes.size() / 2));
      sink.write(std::string_view(bytes).substr(bytes.size() / 2));
    });
    acknowledged.push_back(bytes);
  }
}

void check_store(SimulatedEnv& env, const std::vector<std::string>& acknowledged) {
  ObjectStore store(env, "/run");
  for (const std::string& bytes : acknowledged) REQUIRE(store.read(sha256(bytes)) == bytes);
  for (const Digest& digest : store.list()) REQUIRE_NOTHROW(store.verify(digest));
}

void set_scene(SimulatedEnv& env) {
  env.put_file("/run/SIL", "");
}

uint64_t calls_of_put_all() {
  SimulatedEnv env;
  set_scene(env);
  std::vector<std::string> acknowledged;
  put_all(env, acknowledged);
  return env.calls().size();
}

}  // namespace

TEST_CASE("an object is named by the SHA-256 of its bytes") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  const Digest digest = store.put("abc");
  CHECK(digest.hex() == kAbc);
  CHECK(store.path(digest) == kAbcPath);
  CHECK(env.contents(std::string("/run/") + kAbcPath) == "abc");
  CHECK(store.contains(digest));
  CHECK(store.read(digest) == "abc");
  CHECK(store.verify(digest) == 3);
  CHECK(env.list("/run/tmp").empty());
}

TEST_CASE("the same bytes are kept once") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  CHECK(store.put("abc") == store.put("abc"));
  CHECK(store.list().size() == 1);
  CHECK(env.list("/run/tmp").empty());
}

TEST_CASE("an object of another size under the same name is corrupt, and stays") {
  SimulatedEnv env;
  set_scene(env);
  env.put_file(std::string("/run/") + kAbcPath, "ab");
  ObjectStore store(env, "/run");
  CHECK(exit_of([&] { store.put("abc"); }) == Exit::corrupt);
  CHECK(env.contents(std::string("/run/") + kAbcPath) == "ab");
  CHECK(env.list("/run/tmp").empty());
}

TEST_CASE("the list is sorted and knows objects only") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  CHECK(store.list().empty());
  std::vector<Digest> digests;
  for (int i = 0; i < 20; ++i) digests.push_back(store.put("object " + std::to_string(i)));
  std::sort(digests.begin(), digests.end());
  env.put_file("/run/objects/README", "");
  env.put_file("/run/objects/ab/notes.txt", "");
  env.put_file("/run/objects/AB/" + std::string(62, 'a'), "");
  env.put_file("/run/objects/ab/" + std::string(62, 'A'), "");
  env.put_file("/run/objects/cd", "");
  CHECK(store.list() == digests);
}

TEST_CASE("removing tells the bytes freed, and a missing object is fine") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  const Digest digest = store.put("abc");
  CHECK(store.remove(digest) == 3);
  CHECK(store.remove(digest) == 0);
  CHECK_FALSE(store.contains(digest));
}

TEST_CASE("missing objects and flipped bits are corrupt, to read and to verify") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  CHECK(exit_of([&] { store.read(sha256("abc")); }) == Exit::corrupt);
  CHECK(exit_of([&] { store.verify(sha256("abc")); }) == Exit::corrupt);
  const Digest digest = store.put("abc");
  for (uint64_t bit = 0; bit < 24; ++bit) {
    env.flip_bit(std::string("/run/") + kAbcPath, bit);
    CHECK(exit_of([&] { store.read(digest); }) == Exit::corrupt);
    CHECK(exit_of([&] { store.verify(digest); }) == Exit::corrupt);
    env.flip_bit(std::string("/run/") + kAbcPath, bit);
  }
  CHECK_THAT(message_of([&] { store.read(sha256("x")); }), Catch::Contains("objects/2d/711642b726b04401"));
}

TEST_CASE("an object larger than a read is verified whole") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  const std::string bytes(size_t{2500000}, 'x');
  const Digest digest = store.put(bytes);
  CHECK(store.verify(digest) == bytes.size());
  env.flip_bit("/run/" + store.path(digest), 8 * (bytes.size() - 1));
  CHECK(exit_of([&] { store.verify(digest); }) == Exit::corrupt);
}

TEST_CASE("a writer that throws leaves nothing behind") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  CHECK_THROWS_AS(store.put([](ByteSink& sink) {
    sink.write("half");
    throw std::runtime_error("the model cannot be written");
  }),
                  std::runtime_error);
  CHECK(env.list("/run/tmp").empty());
  CHECK(store.list().empty());
}

TEST_CASE("leftovers of a killed process are cleared, and never taken for new ones") {
  SimulatedEnv env;
  set_scene(env);
  env.put_file("/run/tmp/0", "stale");
  env.put_file("/run/tmp/folder/file", "stale");
  ObjectStore store(env, "/run");
  CHECK(exit_of([&] { store.put("abc"); }) == Exit::io);
  CHECK(env.contents("/run/tmp/0") == "stale");
  store.clear_temporaries();
  CHECK(env.list("/run/tmp").empty());
  store.put("abc");
}

TEST_CASE("a kill at any call of put leaves whole objects, and all that were acknowledged") {
  for (uint64_t call = 0; call < calls_of_put_all(); ++call) {
    SimulatedEnv env;
    set_scene(env);
    std::vector<std::string> acknowledged;
    env.plan({call, Fault::Kind::crash, false, call});
    REQUIRE_THROWS_AS(put_all(env, acknowledged), SimulatedCrash);
    env.restart();
    check_store(env, acknowledged);
    put_all(env, acknowledged);
    check_store(env, kObjects);
  }
}

TEST_CASE("a power loss at any call of put leaves whole objects, and all that were acknowledged") {
  for (uint64_t call = 0; call < calls_of_put_all(); ++call) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      SimulatedEnv env;
      set_scene(env);
      std::vector<std::string> acknowledged;
      env.plan({call, Fault::Kind::crash, false, seed});
      REQUIRE_THROWS_AS(put_all(env, acknowledged), SimulatedCrash);
      env.lose_power(seed);
      check_store(env, acknowledged);
      put_all(env, acknowledged);
      env.lose_power(seed);
      check_store(env, kObjects);
    }
  }
}

TEST_CASE("a failed fsync discards the temporary and is not tried again") {
  SimulatedEnv env;
  set_scene(env);
  ObjectStore store(env, "/run");
  store.put("first");
  const uint64_t begin = env.calls().size();
  env.plan({begin + 3, Fault::Kind::io, false, 1});
  CHECK(exit_of([&] { store.put("abc"); }) == Exit::io);
  const std::vector<SimulatedCall> calls(env.calls().begin() + static_cast<long>(begin), env.calls().end());
  CHECK(calls == std::vector<SimulatedCall>{{"create", "/run/tmp/1"},
                                            {"write", "/run/tmp/1"},
                                            {"make_readonly", "/run/tmp/1"},
                                            {"sync", "/run/tmp/1"},
                                            {"remove", "/run/tmp/1"}});
  CHECK_FALSE(store.contains(sha256("abc")));
  CHECK(store.put("abc").hex() == kAbc);
}

}  // namespace sil
