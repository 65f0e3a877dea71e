// Weights read in bf16, trained and saved in fp32, on libtorch's CPU device.
#include "nn/torch/bf16.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/threads.h"
#include "engines/contract_versions.h"
#include "nn/torch/golden_sampling.h"
#include "nn/torch_module.h"
#include "nn/trainer.h"

namespace sil::test {
namespace {

const std::vector<std::string> kModels = {"llama_tied", "llama_gqa", "qwen2", "qwen3"};

GoldenModel in_bf16(const std::string& name) {
  return GoldenModel(name, nn::torch_kernels({.bf16 = true}));
}

RandomSteps short_steps() {
  RandomSteps steps(37);
  steps.sequences = 12;
  steps.length = 30;
  return steps;
}

TEST_CASE("bf16 is the nearest one, ties go to the even one, and what is beyond the largest is infinite") {
  const auto kernels = nn::torch_kernels({.bf16 = true});
  std::vector<float> values = {0.0F,         -0.0F,      1.0F,    1.00390625F, 1.01171875F,
                               -1.00390625F, 1.0039063F, 3.4e38F, 1e-40F,      std::numeric_limits<float>::infinity()};
  const nn::Buffer random = GoldenModel("qwen3").model.initial(3);
  values.insert(values.end(), random.data(), random.data() + random.size());
  const auto count = std::ssize(values);
  std::vector<float> kept(values.size());
  std::vector<float> narrow((values.size() + 1) / 2);
  kernels->rounding()->round(values.data(), count, kept.data());
  kernels->rounding()->narrow(values.data(), count, narrow.data());
  std::vector<uint16_t> halves(values.size());
  std::memcpy(halves.data(), narrow.data(), halves.size() * sizeof(uint16_t));
  for (size_t i = 0; i < values.size(); ++i) {
    INFO(values[i]);
    CHECK(halves[i] == bf16_bits(values[i]));
    CHECK(std::bit_cast<uint32_t>(kept[i]) == std::bit_cast<uint32_t>(rounded_to_bf16(values[i])));
  }
}

// Of ids[1:] of the model's first sequence.
std::vector<double> log_probs(const GoldenModel& golden) {
  const std::vector<TokenId> ids = ids_of(golden.about.at("sequences").as_array().front());
  const std::vector<float> scored = nn::score_sequences(
      golden.model, golden.state.read(), {.ids = ids, .begin = {0, ids.size()}, .start = {1}}, 1, nullptr);
  return {scored.begin(), scored.end()};
}

double mean_gap(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST_CASE("in bf16 log-probabilities are nearer to fp32 than those of transformers in bf16") {
  const Json peer = parse_json(read_file(SIL_SOURCE_DIR "/tests/golden/transformer/bf16.json"));
  for (const std::string& name : kModels) {
    const std::vector<double> exact = log_probs(GoldenModel(name));
    std::vector<double> theirs;
    for (const Json& value : peer.at("log_probs").at(name).as_array()) theirs.push_back(value.as_double());
    const double gap = mean_gap(log_probs(in_bf16(name)), exact);
    INFO(name << ": mean gap " << gap << ", of transformers " << mean_gap(theirs, exact));
    CHECK(gap > 0);  // the weights were rounded
    CHECK(gap <= mean_gap(theirs, exact));
  }
}

TEST_CASE("in bf16 what is read is bf16 of the weights that are saved, after every optimizer step") {
  const GoldenModel golden = in_bf16("qwen3");
  const nn::Parameters& parameters = golden.model.parameters();
  nn::State state = golden.state;
  state.moments.first = nn::Buffer(state.weights.size());
  state.moments.second = nn::Buffer(state.weights.size());
  ThreadPool pool(2);
  const LossSpec loss = loss_of("nll");
  const OptimizerOptions options{.learning_rate = 1e-2};
  nn::Trainer trainer(golden.model, {.state = state}, loss, options, pool);
  RandomSteps steps = short_steps();
  for (int64_t step = 0; step < 3; ++step) {
    trainer.learn(steps.step(step));
    trainer.move(1e-2, 1);
    for (const nn::Parameter& p : parameters.parameters) {
      const float* const weights = state.weights.data() + p.offset;
      const float* const read = state.derived.data() + p.read;
      std::vector<uint16_t> halves(static_cast<size_t>(p.rows * std::max<int64_t>(1, p.columns)));
      if (p.columns > 0) std::memcpy(halves.data(), read, halves.size() * sizeof(uint16_t));
      size_t wrong = 0;
      for (size_t i = 0; i < halves.size(); ++i)
        wrong += p.columns > 0 ? halves[i] != bf16_bits(weights[i]) : read[i] != rounded_to_bf16(weights[i]);
      CHECK(wrong == 0);
    }
  }
}

struct Path {
  nn::State state;
  std::vector<double> losses;
};

// Many small steps: none moves a weight by as much as bf16 tells apart.
Path trained_slowly(const GoldenModel& golden, int64_t steps_of, double rate) {
  Path out{.state = golden.state, .losses = {}};
  ThreadPool pool(2);
  const LossSpec loss = loss_of("nll");
  const OptimizerOptions options{.kind = "sgd", .learning_rate = rate};
  nn::Trainer trainer(golden.model, {.state = out.state}, loss, options, pool);
  RandomSteps steps = short_steps();
  for (int64_t step = 0; step < steps_of; ++step) {
    out.losses.push_back(trainer.learn(steps.step(0)).loss);
    trainer.move(rate, 1);
  }
  return out;
}

double distance(const nn::State& a, const nn::State& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.weights.size(); ++i)
    sum += std::pow(static_cast<double>(a.weights.data()[i]) - static_cast<double>(b.weights.data()[i]), 2);
  return std::sqrt(sum);
}

TEST_CASE("in bf16 steps below a weight's resolution are not lost: they add up as in fp32") {
  constexpr double kRate = 2e-4;
  const GoldenModel golden = in_bf16("llama_gqa");
  const GoldenModel plain("llama_gqa", nn::torch_kernels());
  const Path one = trained_slowly(golden, 1, kRate);
  size_t moved = 0;
  size_t seen = 0;
  for (int64_t i = 0; i < one.state.weights.size(); ++i) {
    const float before = golden.state.weights.data()[i];
    const float after = one.state.weights.data()[i];
    moved += before != after ? 1 : 0;
    seen += bf16_bits(before) != bf16_bits(after) ? 1 : 0;
  }
  CHECK(moved > 20 * seen);  // forward saw hardly any of it
  const Path slow = trained_slowly(golden, 60, kRate);
  const Path expected = trained_slowly(plain, 60, kRate);
  INFO("moved " << distance(expected.state, plain.state) << ", apart " << distance(slow.state, expected.state));
  CHECK(distance(slow.state, expected.state) < 0.05 * distance(expected.state, plain.state));
  CHECK(slow.losses.front() - slow.losses.back() > 0.5 * (expected.losses.front() - expected.losses.back()));
}

std::string written(const GoldenModel& golden, const nn::State& state) {
  StringSink out;
  golden.model.write_weights(state, out);
  return out.take();
}

TEST_CASE("in bf16 a version is its fp32 weights: saved, read and digested without a loss") {
  const GoldenModel golden = in_bf16("qwen2");
  const GoldenModel exact("qwen2");
  CHECK(golden.model.digest(golden.state) == exact.model.digest(exact.state));
  const Path trained = trained_slowly(golden, 3, 1e-3);
  const std::string bytes = written(golden, trained.state);
  nn::State again = golden.model.read(bytes, "");
  golden.model.derive(again, nullptr, nullptr);
  CHECK(written(golden, again) == bytes);
  CHECK(golden.model.digest(again) == golden.model.digest(trained.state));
  CHECK(std::equal(again.derived.data(), again.derived.data() + again.derived.size(), trained.state.derived.data(),
                   [](float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }));
}

TEST_CASE("in bf16 an update that goes on from a checkpoint ends as one that was never interrupted") {
  const GoldenModel golden = in_bf16("llama_tied");
  const LossSpec loss = loss_of("nll");
  const OptimizerOptions options{.learning_rate = 1e-3};
  ThreadPool pool(2);
  RandomSteps steps = short_steps();
  const auto run = [&](nn::State& state, int64_t first, int64_t last) {
    nn::Trainer trainer(golden.model, {.state = state}, loss, options, pool);
    for (int64_t step = first; step < last; ++step) {
      trainer.learn(steps.step(step));
      trainer.move(1e-3, 1);
    }
    StringSink out;
    trainer.checkpoint(last, out);
    return out.take();
  };
  nn::State whole = golden.state;
  whole.moments = {.steps = 0, .first = nn::Buffer(whole.weights.size()), .second = nn::Buffer(whole.weights.size())};
  nn::State half = whole;
  const std::string expected = run(whole, 0, 6);
  nn::State resumed = golden.model.read_checkpoint({.step = 3, .state = run(half, 0, 3)});
  golden.model.derive(resumed, nullptr, nullptr);
  CHECK(run(resumed, 3, 6) == expected);
}

TEST_CASE("in bf16 what was sampled and what is scored differ by rounding alone") {
  const GenerateBatch batch = requests(TinyCodec(kAlphabet), {"hello", "a", "thequickone", "zz"}, 16,
                                       {.temperature = 0.9, .max_new_tokens = 20, .stop = {}});
  for (const std::string& name : kModels) {
    const GoldenModel golden = in_bf16(name);
    const auto seen = sampled(golden, batch);
    std::vector<Written> written;
    for (const auto& [request, answer] : seen) written.push_back(answer);
    const std::vector<float> scored =
        nn::score_sequences(golden.model, golden.state.read(), score_batch(batch, written), 0.9F, nullptr);
    size_t at = 0;
    float largest = 0;
    for (const Written& answer : written)
      for (const float logprob : answer.logprobs) largest = std::max(largest, std::abs(logprob - scored.at(at++)));
    INFO(name << ": largest gap " << largest);
    CHECK(at == scored.size());
    CHECK(largest < 0.05F);
  }
}

TEST_CASE("an adapter on weights that are read in bf16 is refused") {
  const Json about = parse_json(read_file(GoldenModel::path("qwen3", ".json")));
  CHECK_THROWS_WITH(nn::Model(GoldenModel::shape(about), nn::torch_kernels({.bf16 = true}), LoraOptions{.targets = {}}),
                    Catch::Contains("lora") && Catch::Contains("bf16"));
}

}  // namespace
}  // namespace sil::test
