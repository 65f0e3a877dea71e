// Contract of an engine's versions and caps.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engines/engine_data.h"
#include "sil/error.h"

namespace sil::test {

struct EngineSubject {
  std::function<std::unique_ptr<Engine>(int threads)> make;
  std::vector<std::string> prompts;  // of the engine's codec
};

// A part that the engine's caps deny is not checked, and says so.
inline bool denied(bool cap, const char* what) {
  if (!cap) WARN("skipped, as the engine's caps deny it: " << what);
  return !cap;
}

template <class Call>
void check_error(Exit code, const Call& call) {
  try {
    call();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    INFO(error.what());
    CHECK(error.code() == code);
    CHECK_FALSE(error.findings().front().message.empty());
  }
}

inline ScoreBatch score_batch(const GenerateBatch& batch, const std::vector<Written>& written) {
  ScoreBatch out;
  out.begin.push_back(0);
  for (size_t r = 0; r < written.size(); ++r) {
    const auto first = batch.ids.begin() + static_cast<std::ptrdiff_t>(batch.prompt_begin[batch.prompt[r]]);
    const auto last = batch.ids.begin() + static_cast<std::ptrdiff_t>(batch.prompt_begin[batch.prompt[r] + 1]);
    out.start.push_back(static_cast<uint64_t>(last - first));
    out.ids.insert(out.ids.end(), first, last);
    out.ids.insert(out.ids.end(), written[r].ids.begin(), written[r].ids.end());
    out.begin.push_back(out.ids.size());
  }
  return out;
}

inline void check_caps(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = engine->initial();
  const GenerateBatch batch = requests(engine->codec(), subject.prompts, 2);
  const std::vector<Written> written = all_answers(*engine, version, batch);
  for (const Written& answer : written)
    CHECK(answer.logprobs.size() == (engine->caps().logprobs ? answer.ids.size() : 0));
  const ScoreBatch scored = score_batch(batch, written);
  if (engine->caps().score)
    CHECK_NOTHROW(engine->score(version, scored, 1));
  else
    check_error(Exit::usage, [&] { engine->score(version, scored, 1); });
  RandomSteps steps(engine->codec().vocabulary_size());
  Recorder recorder;
  if (engine->caps().update)
    CHECK_NOTHROW(UpdateCall().run(*engine, version, steps, recorder));
  else
    check_error(Exit::usage, [&] { UpdateCall().run(*engine, version, steps, recorder); });
}

inline void check_round_trip(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = trained(*engine);
  const std::string weights = saved(*engine, version, Part::weights);
  const std::string optimizer = saved(*engine, version, Part::optimizer);
  const auto other = subject.make(1);
  for (const std::string& state : {optimizer, std::string()}) {
    const Version loaded = other->load(weights, state);
    CHECK(other->digest(loaded) == engine->digest(version));
    CHECK(saved(*other, loaded, Part::weights) == weights);
    CHECK(saved(*other, loaded, Part::optimizer) == state);
  }
  const Digest digest = engine->digest(version);
  CHECK(engine->has_optimizer(version) == !optimizer.empty());
  engine->forget_optimizer(version);
  CHECK_FALSE(engine->has_optimizer(version));
  CHECK(saved(*engine, version, Part::optimizer).empty());
  CHECK(engine->digest(version) == digest);
  CHECK(subject.make(1)->initial().id != 0);
  CHECK(other->digest(other->initial()) == engine->digest(engine->initial()));
}

inline void check_refused_bytes(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const std::string weights = saved(*engine, trained(*engine), Part::weights);
  const auto refused = [&](const std::string& bytes, const std::string& optimizer = {}) {
    check_error(Exit::unreadable, [&] { engine->load(bytes, optimizer); });
  };
  refused("");
  refused("no version at all");
  refused(weights + "x");
  refused(weights.substr(0, weights.size() - 1));
  for (size_t size = 0; size < std::min<size_t>(weights.size(), 80); ++size) refused(weights.substr(0, size));
  refused(weights, "no optimizer state");
}

inline void check_owners(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = engine->initial();
  const Digest digest = engine->digest(version);
  engine->pin(version);
  engine->drop(version);
  CHECK(engine->digest(version) == digest);
  engine->drop(version);
  check_error(Exit::internal, [&] { engine->digest(version); });
  check_error(Exit::internal, [&] { engine->drop(version); });
  CHECK(engine->digest(engine->initial()) == digest);
}

inline void check_average(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version first = engine->initial();
  const Version second = trained(*engine);
  CHECK(engine->digest(engine->ema(second, second, 0.25)) == engine->digest(second));
  if (denied(engine->caps().update, "averages of different versions")) return;
  CHECK(engine->digest(first) != engine->digest(second));
  CHECK(engine->digest(engine->ema(first, second, 0)) == engine->digest(second));
  CHECK(saved(*engine, engine->ema(first, second, 0.5), Part::optimizer).empty());
}

}  // namespace sil::test
