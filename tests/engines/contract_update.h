// Contract of update.
#pragma once

#include "engines/contract_versions.h"

namespace sil::test {

inline void check_pure_update(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().update, "update is pure")) return;
  const Version from = trained(*engine);
  const Digest before = engine->digest(from);
  const std::string state = saved(*engine, from, Part::optimizer);
  RandomSteps steps(engine->codec().vocabulary_size());
  Recorder first;
  Recorder second;
  const UpdateResult one = UpdateCall().run(*engine, from, steps, first);
  const UpdateResult two = UpdateCall().run(*engine, from, steps, second);
  CHECK(engine->digest(from) == before);
  CHECK(saved(*engine, from, Part::optimizer) == state);
  CHECK(engine->digest(one.version) != before);
  CHECK(engine->digest(one.version) == engine->digest(two.version));
  CHECK(first.losses == second.losses);
  CHECK(one.steps == steps.count);
  CHECK(static_cast<int64_t>(first.losses.size()) == steps.count);
  RandomSteps none(engine->codec().vocabulary_size());
  none.count = 0;
  CHECK(engine->digest(UpdateCall().run(*engine, from, none, first).version) == before);
}

inline void check_update_threads(const EngineSubject& subject) {
  const auto alone = subject.make(1);
  if (denied(alone->caps().update, "update does not depend on threads")) return;
  const auto threaded = subject.make(3);
  for (const char* loss : {"nll", "grpo", "dpo", "match"}) {
    INFO(loss);
    UpdateCall call;
    call.loss = loss_of(loss);
    call.optimizer.max_grad_norm = 0.5;
    RandomSteps steps(alone->codec().vocabulary_size());
    steps.temperatures = {1, 0.7F, 1.5F};
    steps.pairs = loss == std::string("dpo");
    Recorder first;
    Recorder second;
    const Version one = call.run(*alone, alone->initial(), steps, first).version;
    const Version two = call.run(*threaded, threaded->initial(), steps, second).version;
    CHECK(alone->digest(one) == threaded->digest(two));
    CHECK(first.losses == second.losses);
    CHECK(first.norms == second.norms);
    CHECK(first.metrics == second.metrics);
  }
}

inline void check_resume(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  if (denied(engine->caps().update, "a resumed update")) return;
  const Version from = trained(*engine);
  for (const char* kind : {"adamw", "sgd"}) {
    INFO(kind);
    UpdateCall call;
    call.optimizer.kind = kind;
    call.optimizer.max_grad_norm = 0.3;
    call.optimizer.weight_decay = 0.1;
    call.optimizer.keep_state = true;
    RandomSteps steps(engine->codec().vocabulary_size());
    Recorder plain;
    Recorder saving;
    saving.every_step = true;
    const Version whole = call.run(*engine, from, steps, plain).version;
    CHECK(plain.checkpoints.empty());
    CHECK(engine->digest(call.run(*engine, from, steps, saving).version) == engine->digest(whole));
    REQUIRE(static_cast<int64_t>(saving.checkpoints.size()) >= steps.count - 1);
    for (const UpdateCheckpoint& checkpoint : saving.checkpoints) {
      INFO("from step " << checkpoint.step);
      const auto other = subject.make(1);
      const Version start = other->load(saved(*engine, from, Part::weights), saved(*engine, from, Part::optimizer));
      Recorder rest;
      call.resume = checkpoint;
      const UpdateResult result = call.run(*other, start, steps, rest);
      call.resume.reset();
      CHECK(other->digest(result.version) == engine->digest(whole));
      CHECK(saved(*other, result.version, Part::optimizer) == saved(*engine, whole, Part::optimizer));
      CHECK(std::equal(rest.losses.rbegin(), rest.losses.rend(), plain.losses.rbegin()));
      CHECK(result.steps == steps.count);
    }
  }
}

inline void check_stopped_update(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  if (denied(engine->caps().update, "a stopped update")) return;
  const Version from = engine->initial();
  RandomSteps steps(engine->codec().vocabulary_size());
  Recorder plain;
  const Version whole = UpdateCall().run(*engine, from, steps, plain).version;
  for (int64_t last : {int64_t{0}, int64_t{1}, steps.count - 1}) {
    INFO("stopped after step " << last);
    std::stop_source source;
    if (last == 0) source.request_stop();
    Recorder recorder;
    recorder.after_step = [&](int64_t step) {
      if (step == last) source.request_stop();
    };
    UpdateCall call;
    call.stop = source.get_token();
    const UpdateResult part = call.run(*engine, from, steps, recorder);
    CHECK(part.steps == last);
    REQUIRE(recorder.checkpoints.size() == 1);
    CHECK(recorder.checkpoints.front().step == last);
    UpdateCall rest;
    rest.resume = recorder.checkpoints.front();
    Recorder after;
    CHECK(engine->digest(rest.run(*engine, from, steps, after).version) == engine->digest(whole));
  }
}

inline void check_kept_state(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  if (denied(engine->caps().update, "kept optimizer state")) return;
  const Version from = trained(*engine);
  RandomSteps steps(engine->codec().vocabulary_size());
  Recorder recorder;
  UpdateCall keep;
  keep.optimizer.keep_state = true;
  const Version kept = keep.run(*engine, from, steps, recorder).version;
  CHECK(engine->digest(kept) != engine->digest(UpdateCall().run(*engine, from, steps, recorder).version));
  const auto other = subject.make(1);
  const Version loaded = other->load(saved(*engine, from, Part::weights), saved(*engine, from, Part::optimizer));
  CHECK(other->digest(keep.run(*other, loaded, steps, recorder).version) == engine->digest(kept));
}

inline void check_divergence(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  if (denied(engine->caps().update, "a diverging update")) return;
  const Version from = trained(*engine);
  const Digest before = engine->digest(from);
  UpdateCall call;
  call.optimizer = {.kind = "sgd", .learning_rate = 3e38};
  call.loss.terms.front().coef = 1e30;
  RandomSteps steps(engine->codec().vocabulary_size());
  Recorder recorder;
  check_error(Exit::diverged, [&] { call.run(*engine, from, steps, recorder); });
  CHECK(engine->digest(from) == before);
}

// Steps of which the second has examples with a credit that is no number.
struct PoisonedSteps final : TrainBatches {
  RandomSteps sound;
  std::vector<size_t> poisoned;  // sequences

  explicit PoisonedSteps(TokenId size) : sound(size) {}
  int64_t steps() const override { return sound.steps(); }
  TrainBatch step(int64_t index) override {
    TrainBatch batch = sound.step(index);
    if (index == 1)
      for (size_t s : poisoned)
        std::fill(batch.credit.begin() + batch.begin[s], batch.credit.begin() + batch.begin[s + 1], std::nanf(""));
    return batch;
  }
};

inline void check_examples_at_fault(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().update, "a diverging update names the examples at fault")) return;
  PoisonedSteps steps(engine->codec().vocabulary_size());
  Recorder recorder;
  const auto at_fault = [&] {
    try {
      UpdateCall().run(*engine, engine->initial(), steps, recorder);
    } catch (const Diverged& error) {
      CHECK(error.step() == 1);
      CHECK(error.of() == static_cast<size_t>(steps.sound.sequences));
      return error.examples();
    }
    return std::vector<size_t>();
  };
  for (std::vector<size_t> wanted : {std::vector<size_t>{5}, {0, 17, 39}}) {
    steps.poisoned = wanted;
    CHECK(at_fault() == wanted);
  }
  CHECK(recorder.losses.size() == 2);  // the sound step of each
}

}  // namespace sil::test
