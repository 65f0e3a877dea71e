// The loop of a run in small: append a frame, sync, journal it; put an object, journal it. Stopped by kills, power
// failures and I/O errors at every call, it must lose nothing acknowledged and end with the bytes of an undisturbed
// run.
#include <algorithm>
#include <map>

#include "record/run_directory.h"
#include "record/segment.h"
#include "record/simulated_env.h"
#include "record/support.h"
#include "support/catch.h"

namespace sil {
namespace {

constexpr const char* kRun = "runs/demo";
constexpr int kSteps = 7;  // frames in two rounds, every third an object

std::string text_of(int step) {
  return "step " + std::to_string(step) + std::string(static_cast<size_t>(40 * step), '.');
}

bool is_object(int step) {
  return step % 3 == 2;
}

std::string segment_of(int step) {
  return "rounds/000" + std::to_string(1 + step / 4) + "/generate.rollouts.jsonl.zst";
}

// Number of steps whose journal record was acknowledged; what the outside world knows.
struct Outside {
  int acknowledged = -1;  // -1: not even `open`
};

// Everything the journal named at its opening is there and equal; returns the number of steps done.
int check_record(SimulatedEnv& env, RunDirectory& run) {
  const auto& records = run.journal().found();
  for (size_t i = 1; i < records.size(); ++i) {
    const int step = static_cast<int>(i) - 1;
    const Json& payload = records[i].payload;
    const std::string text = is_object(step) ? run.objects().read(Digest::from_hex(payload.at("object").as_string()))
                                             : read_frame(env, run.path(), FrameRef::from_json(payload.at("frame")));
    if (text != text_of(step)) FAIL("step " << step << " reads back as " << text);
  }
  for (const Digest& digest : run.objects().list()) run.objects().verify(digest);
  return std::max(0, static_cast<int>(records.size()) - 1);
}

void do_step(SimulatedEnv& env, RunDirectory& run, std::map<std::string, SegmentWriter>& segments, int step) {
  if (is_object(step)) {
    run.journal().append("object", Json::Object{{"object", run.objects().put(text_of(step)).hex()}});
    return;
  }
  const std::string name = segment_of(step);
  auto segment = segments.find(name);
  if (segment == segments.end()) {
    uint64_t end = 0;
    for (const JournalRecord& record : run.journal().found()) {
      const Json* frame = record.payload.find("frame");
      if (!frame || frame->at("segment").as_string() != name) continue;
      end = static_cast<uint64_t>(frame->at("offset").as_int() + frame->at("length").as_int());
    }
    segment = segments.emplace(name, SegmentWriter(env, run.path(), name, end)).first;
  }
  const FrameRef frame = segment->second.append(encode_frame(text_of(step)));
  segment->second.sync();
  run.journal().append("frame", Json::Object{{"frame", frame.to_json()}});
}

// One process: opens the run, checks it against what it acknowledged before, and does the rest.
void process(SimulatedEnv& env, Outside& outside) {
  RunDirectory run(env, kRun);
  if (run.journal().found().empty()) {
    if (outside.acknowledged >= 0) FAIL("the whole run is lost");
    run.journal().append("open", Json::object());
    outside.acknowledged = 0;
  }
  const int done = check_record(env, run);
  if (done < outside.acknowledged) FAIL("of " << outside.acknowledged << " acknowledged steps " << done << " are left");
  outside.acknowledged = done;
  std::map<std::string, SegmentWriter> segments;
  for (int step = done; step < kSteps; ++step) {
    do_step(env, run, segments, step);
    outside.acknowledged = step + 1;
  }
}

struct Undisturbed {
  uint64_t calls = 0;
  std::map<std::string, std::string> files;

  Undisturbed() {
    SimulatedEnv env;
    Outside outside;
    process(env, outside);
    calls = env.calls().size();
    for (const std::string& name : {std::string("journal"), segment_of(0), segment_of(kSteps - 1)})
      files[name] = env.contents(std::string(kRun) + "/" + name);
  }
};

const Undisturbed& undisturbed() {
  static const Undisturbed result;
  return result;
}

void check_end(SimulatedEnv& env) {
  for (const auto& [name, bytes] : undisturbed().files)
    if (env.contents(std::string(kRun) + "/" + name) != bytes) FAIL(name << " differs from an undisturbed run");
}

// After the trouble: the run is continued to its end, and that survives a power failure.
void finish(SimulatedEnv& env, Outside& outside, uint64_t seed) {
  process(env, outside);
  check_end(env);
  env.lose_power(seed);
  process(env, outside);
  check_end(env);
}

bool killed(SimulatedEnv& env, Outside& outside, uint64_t call, uint64_t seed) {
  env.plan({call, Fault::Kind::crash, false, seed});
  try {
    process(env, outside);
    return false;
  } catch (const SimulatedCrash&) {
    return true;
  }
}

}  // namespace

TEST_CASE("a run killed at any call goes on and ends with the same bytes") {
  for (uint64_t call = 0; call < undisturbed().calls; ++call) {
    SimulatedEnv env;
    Outside outside;
    REQUIRE(killed(env, outside, call, call));
    env.restart();
    finish(env, outside, call);
  }
}

TEST_CASE("a run whose machine loses power at any call goes on and ends with the same bytes") {
  for (uint64_t call = 0; call < undisturbed().calls; ++call) {
    for (uint64_t seed = 0; seed < 16; ++seed) {
      INFO("call " << call << ", seed " << seed);
      SimulatedEnv env;
      Outside outside;
      REQUIRE(killed(env, outside, call, seed));
      env.lose_power(seed);
      finish(env, outside, seed);
    }
  }
}

TEST_CASE("kills and power failures one after the other lose nothing either") {
  RandomStream random(2024, 0);
  for (int trial = 0; trial < 1000; ++trial) {
    SimulatedEnv env;
    Outside outside;
    std::string story;
    for (int i = 0; i < 4; ++i) {
      const uint64_t call = random.below(undisturbed().calls), seed = random.word();
      const bool power = random.below(2) == 0;
      story += (power ? " power " : " kill ") + std::to_string(call) + "/" + std::to_string(seed);
      INFO(story);
      killed(env, outside, call, seed);
      power ? env.lose_power(seed) : env.restart();
    }
    INFO(story);
    finish(env, outside, random.word());
  }
}

TEST_CASE("every I/O error at every call ends with its exit code and a run that goes on") {
  struct Kind {
    Fault::Kind kind;
    Exit code;
  };
  for (const Kind kind : {Kind{Fault::Kind::no_space, Exit::resources}, Kind{Fault::Kind::quota, Exit::resources},
                          Kind{Fault::Kind::io, Exit::io}, Kind{Fault::Kind::read_only, Exit::io}}) {
    uint64_t seen = 0;
    for (uint64_t call = 0; call < undisturbed().calls; ++call) {
      for (uint64_t seed = 0; seed < 6; ++seed) {
        INFO("kind " << static_cast<int>(kind.kind) << ", call " << call << ", seed " << seed);
        SimulatedEnv env;
        Outside outside;
        env.plan({call, kind.kind, seed % 2 == 1, seed});
        const Exit code = exit_of([&] { process(env, outside); });
        if (code != Exit::ok && code != kind.code) FAIL("exit " << static_cast<int>(code));
        seen += code == kind.code;
        seed < 3 ? env.restart() : env.lose_power(seed);
        finish(env, outside, seed + 1);
      }
    }
    CHECK(seen > 2 * undisturbed().calls);  // most calls can fail
  }
}

// But for one pair, against which a program is blind: an fsync fails, its bytes cannot be taken back, and they still
// read well although no later fsync will save them. So the seeds leave out that outcome of a failed fsync.
TEST_CASE("two errors at once are no worse") {
  RandomStream random(7, 0);
  for (int trial = 0; trial < 1000; ++trial) {
    SimulatedEnv env;
    Outside outside;
    const uint64_t first = random.below(undisturbed().calls), seed = 3 * random.below(1000000) + random.below(2);
    env.plan({first, random.below(2) == 0 ? Fault::Kind::io : Fault::Kind::no_space, false, seed});
    env.plan({first + 1 + random.below(4), Fault::Kind::io, false, seed});
    INFO("trial " << trial);
    const Exit code = exit_of([&] { process(env, outside); });
    REQUIRE((code == Exit::ok || code == Exit::io || code == Exit::resources));
    random.below(2) == 0 ? env.restart() : env.lose_power(seed);
    finish(env, outside, seed + 2);
  }
}

TEST_CASE("the same faults make the same calls") {
  const auto trace = [] {
    SimulatedEnv env;
    Outside outside;
    killed(env, outside, 60, 5);
    env.lose_power(5);
    process(env, outside);
    return env.calls();
  };
  CHECK(trace() == trace());
}

}  // namespace sil
