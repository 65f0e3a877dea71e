#include "steps/training_order.h"

#include <algorithm>
#include <numeric>

#include "record/lines.h"
#include "record/simulated_env.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil {
namespace {

constexpr const char* kRun = "/run";

// Example i has 1 + i mod 5 tokens, all of them i, and belongs to group i / 3.
Example make_example(int i) {
  Example example;
  example.id = "1/generate/x/" + std::to_string(i);
  example.group = static_cast<uint64_t>(i / 3);
  ExampleSequence sequence;
  sequence.ids.assign(static_cast<size_t>(1 + i % 5), i);
  sequence.segments = {{0, static_cast<int32_t>(sequence.ids.size()), 1, example.id}};
  example.sequences.push_back(std::move(sequence));
  return example;
}

// A record of `count` examples in frames of `per_frame`.
struct Written {
  SimulatedEnv env;
  ExamplePart part;

  Written(int count, int per_frame) {
    env.put_file(std::string(kRun) + "/SIL", "");
    SegmentWriter writer(env, kRun, "rounds/0001/finetune.examples.jsonl.zst", 0);
    for (int begin = 0; begin < count; begin += per_frame) {
      FrameText text;
      const int end = std::min(count, begin + per_frame);
      for (int i = begin; i < end; ++i) append_example(text, make_example(i));
      part.frames.push_back(writer.append(encode_frame(text.text)));
      part.spans.push_back({begin, end});
    }
    writer.sync();
  }

  // The examples of every step, by number.
  std::vector<std::vector<int>> steps(const TrainingPlanOptions& options) {
    RecordedBatches batches(env, kRun, {part}, options, {});
    std::vector<std::vector<int>> out;
    for (int64_t s = 0; s < batches.steps(); ++s) out.push_back(examples_of(batches.step(s)));
    return out;
  }

  static std::vector<int> examples_of(const TrainBatch& batch) {
    std::vector<int> out;
    for (size_t s = 0; s + 1 < batch.begin.size(); ++s) out.push_back(batch.ids[static_cast<size_t>(batch.begin[s])]);
    return out;
  }
};

std::vector<int> joined(const std::vector<std::vector<int>>& steps) {
  std::vector<int> out;
  for (const std::vector<int>& step : steps) out.insert(out.end(), step.begin(), step.end());
  return out;
}

std::vector<int> sorted(std::vector<int> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<int> numbers(int count) {
  std::vector<int> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST_CASE("neither frames nor threads change the steps") {
  const TrainingPlanOptions options{.key = 5, .epochs = 2, .batch_tokens = 40};
  const auto steps = Written(100, 100).steps(options);
  CHECK(steps.size() > 10);
  for (int per_frame : {1, 7, 64})
    for (int threads : {1, 2, 3}) {
      TrainingPlanOptions here = options;
      here.threads = threads;
      INFO("frames of " << per_frame << ", threads " << threads);
      CHECK(Written(100, per_frame).steps(here) == steps);
    }
}

TEST_CASE("an epoch takes every example once, in the order of the key, and each epoch in another") {
  const auto steps = Written(100, 9).steps({.key = 5, .epochs = 2, .batch_tokens = 40});
  const std::vector<int> order = joined(steps);
  REQUIRE(order.size() == 200);
  std::vector<std::pair<uint64_t, int>> keyed;
  for (uint32_t i = 0; i < 100; ++i) {
    const auto words = philox4x32_10({i, 0, 0, 0}, 5);
    keyed.emplace_back(uint64_t{words[0]} << 32 | words[1], static_cast<int>(i));
  }
  std::sort(keyed.begin(), keyed.end());
  for (size_t i = 0; i < 100; ++i) REQUIRE(order[i] == keyed[i].second);
  const std::vector<int> second(order.begin() + 100, order.end());
  CHECK(sorted(second) == numbers(100));
  CHECK(second != std::vector<int>(order.begin(), order.begin() + 100));
}

TEST_CASE("a step is as full as its token budget allows and no fuller") {
  const auto steps = Written(50, 50).steps({.key = 1, .batch_tokens = 12});
  const auto tokens = [](const std::vector<int>& examples) {
    return std::accumulate(examples.begin(), examples.end(), 0, [](int n, int i) { return n + 1 + i % 5; });
  };
  for (size_t s = 0; s < steps.size(); ++s) {
    CHECK(tokens(steps[s]) <= 12);
    if (s + 1 < steps.size()) CHECK(tokens(steps[s]) + 1 + steps[s + 1].front() % 5 > 12);
  }
}

TEST_CASE("an example longer than the budget is a step of its own") {
  const auto steps = Written(5, 5).steps({.key = 1, .batch_tokens = 2});
  CHECK(std::count_if(steps.begin(), steps.end(),
                      [](const auto& step) { return step.size() == 1 && step.front() == 4; }) == 1);
  CHECK(sorted(joined(steps)) == numbers(5));
}

TEST_CASE("so many steps are made as were asked for, over as many epochs as they take") {
  Written written(10, 4);
  CHECK(written.steps({.key = 1, .steps = 3, .batch_tokens = 1000}).size() == 3);
  const auto steps = written.steps({.key = 1, .steps = 5, .batch_tokens = 10});
  CHECK(steps.size() == 5);
  CHECK(written.steps({.key = 1, .steps = 2, .batch_tokens = 10}) ==
        std::vector<std::vector<int>>(steps.begin(), steps.begin() + 2));
}

TEST_CASE("minibatches are whole groups, as many as asked for") {
  for (int per_frame : {1, 8, 100}) {
    const auto steps = Written(60, per_frame).steps({.key = 3, .minibatches = 4});
    REQUIRE(steps.size() == 4);
    CHECK(sorted(joined(steps)) == numbers(60));
    for (const std::vector<int>& step : steps) {
      CHECK(step.size() == 15);  // 20 groups of three
      for (int i : step)
        for (int j = i / 3 * 3; j < i / 3 * 3 + 3; ++j) CHECK(std::count(step.begin(), step.end(), j) == 1);
    }
  }
  CHECK(Written(6, 6).steps({.key = 3, .minibatches = 40}).size() == 2);  // no more than there are groups
}

TEST_CASE("only the examples that a store's law drew are trained on") {
  Written written(20, 6);
  std::vector<bool> chosen(20);
  for (size_t i : {3U, 4U, 11U, 19U}) chosen[i] = true;
  written.part.chosen = std::make_shared<const std::vector<bool>>(chosen);
  const TrainingPlanOptions options{.key = 1};
  CHECK(sorted(joined(written.steps(options))) == std::vector<int>{3, 4, 11, 19});
  CHECK(RecordedBatches(written.env, kRun, {written.part}, options, {}).examples() == 4);
}

TEST_CASE("a step can be asked for again, in any order") {
  Written written(100, 9);
  for (int threads : {1, 2}) {
    const TrainingPlanOptions options{.key = 5, .epochs = 2, .batch_tokens = 40, .threads = threads};
    const auto steps = written.steps(options);
    RecordedBatches batches(written.env, kRun, {written.part}, options, {});
    for (int64_t s : {0, 3, 3, 1, 2, static_cast<int>(steps.size()) - 1, 0})
      CHECK(Written::examples_of(batches.step(s)) == steps[static_cast<size_t>(s)]);
    CHECK(batches.examples_taken() == 200);
  }
}

TEST_CASE("the examples of a step have the ids that the record gives them, whichever step is asked for next") {
  Written written(100, 9);
  std::vector<bool> chosen(100, true);
  for (size_t i = 0; i < 100; i += 7) chosen[i] = false;
  written.part.chosen = std::make_shared<const std::vector<bool>>(chosen);
  for (int threads : {1, 2}) {
    RecordedBatches batches(written.env, kRun, {written.part}, {.key = 5, .batch_tokens = 60, .threads = threads}, {});
    for (int64_t s : {2, 0}) {
      const std::vector<int> examples = Written::examples_of(batches.step(s));
      const std::vector<size_t> places = {0, 3, examples.size() - 1};
      const std::vector<std::string> ids = batches.example_ids(s, places);
      REQUIRE(ids.size() == places.size());
      for (size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == "1/generate/x/" + std::to_string(examples[places[i]]));
    }
  }
  const int count = static_cast<int>(kOrderBlock) + 10;
  Written large(count, 5000);
  RecordedBatches batches(large.env, kRun, {large.part}, {.key = 2, .batch_tokens = 16384}, {});
  for (int64_t s : {int64_t{0}, batches.steps() - 1}) {
    const std::vector<int> examples = Written::examples_of(batches.step(s));
    const std::vector<size_t> places = {0, examples.size() - 1};
    const std::vector<std::string> ids = batches.example_ids(s, places);
    CHECK(ids.front() == "1/generate/x/" + std::to_string(examples.front()));
    CHECK(ids.back() == "1/generate/x/" + std::to_string(examples.back()));
  }
}

TEST_CASE("examples beyond a block of 65,536 are ordered among themselves, blocks one after the other") {
  const int count = static_cast<int>(kOrderBlock) + 10;
  std::vector<int> order = joined(Written(count, 5000).steps({.key = 2, .batch_tokens = 16384, .threads = 2}));
  REQUIRE(order.size() == static_cast<size_t>(count));
  if (order.front() >= kOrderBlock) std::rotate(order.begin(), order.begin() + 10, order.end());
  CHECK(sorted({order.begin(), order.begin() + kOrderBlock}) == numbers(static_cast<int>(kOrderBlock)));
  CHECK(sorted(order) == numbers(count));
}

TEST_CASE("a frame that holds other than the journal says is corrupt") {
  Written written(20, 6);
  for (int64_t end : {5, 7}) {
    ExamplePart part = written.part;
    part.spans[0] = {0, end};
    try {
      RecordedBatches(written.env, kRun, {part}, {.key = 1}, {});
      FAIL("was not refused");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::corrupt);
    }
  }
}

TEST_CASE("without examples there are no steps") {
  Written written(0, 1);
  CHECK(written.steps({.key = 1}).empty());
  CHECK(written.steps({.key = 1, .steps = 5}).empty());
  CHECK(written.steps({.key = 1, .minibatches = 2}).empty());
}

}  // namespace
}  // namespace sil
