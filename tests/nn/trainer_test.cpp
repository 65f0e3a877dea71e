// One optimizer step of a transformer: its gradient, its optimizer, and that it sees what the sampler said.
#include "nn/trainer.h"

#include <cmath>
#include <mutex>

#include "base/threads.h"
#include "engines/engine_data.h"
#include "engines/tiny_codec.h"
#include "nn/golden_model.h"
#include "nn/sampler.h"

namespace sil::test {
namespace {

const OptimizerOptions kPlainSgd = {.kind = "sgd", .learning_rate = 1, .schedule = "constant"};

struct Case {
  std::string loss;
  Json::Object options;
  bool pairs = false;
};

TrainBatch batch_for(const Case& c) {
  RandomSteps steps(37);
  steps.sequences = 24;
  steps.length = 30;
  steps.pairs = c.pairs;
  steps.temperatures = {1, 0.7F, 1.3F};
  return steps.step(0);
}

nn::State shaken(const nn::State& state, const nn::Buffer& direction, float distance) {
  nn::State out = state;
  for (int64_t i = 0; i < out.weights.size(); ++i) out.weights.data()[i] += distance * direction.data()[i];
  return out;
}

// A direction in the space of the weights; padding stays where it is.
nn::Buffer random_direction(const GoldenModel& golden) {
  return golden.model.initial(77);
}

double loss_at(const GoldenModel& golden, nn::State state, const nn::State& reference, const LossSpec& loss,
               const TrainBatch& batch) {
  ThreadPool pool(1);
  nn::Trainer trainer(golden.model, {.state = state, .reference = &reference}, loss, kPlainSgd, pool);
  return trainer.learn(batch).loss;
}

TEST_CASE("the gradient is the derivative of the loss, for every kind of term") {
  const std::vector<Case> cases = {{"nll", {}},
                                   {"pg", {}},
                                   {"gspo", {}},
                                   {"dpo", {}, true},
                                   {"match", {{"divergence", "k3"}}},
                                   {"match", {{"divergence", "forward_kl"}}},
                                   {"match", {{"divergence", "reverse_kl"}}}};
  const GoldenModel golden("qwen3");
  const GoldenModel other("qwen3");
  const nn::State reference = shaken(other.state, random_direction(other), 0.5F);
  const nn::Buffer direction = random_direction(golden);
  for (const Case& c : cases) {
    const LossSpec loss = loss_of(c.loss, c.options);
    const TrainBatch batch = batch_for(c);
    // Plain descent with rate 1: what a weight moves by is its gradient.
    nn::State moved = golden.state;
    ThreadPool pool(2);
    nn::Trainer trainer(golden.model, {.state = moved, .reference = &reference}, loss, kPlainSgd, pool);
    trainer.learn(batch);
    trainer.move(1, 1);
    double along = 0;
    for (int64_t i = 0; i < moved.weights.size(); ++i)
      along += (static_cast<double>(golden.state.weights.data()[i]) - static_cast<double>(moved.weights.data()[i])) *
               static_cast<double>(direction.data()[i]);
    const auto slope = [&](float distance) {
      return (loss_at(golden, shaken(golden.state, direction, distance), reference, loss, batch) -
              loss_at(golden, shaken(golden.state, direction, -distance), reference, loss, batch)) /
             (2 * static_cast<double>(distance));
    };
    const double expected = (4 * slope(1e-3F) - slope(2e-3F)) / 3;
    INFO(c.loss << ": along " << along << ", slope " << expected);
    CHECK(std::abs(along - expected) <= 2e-3 * std::abs(expected) + 2e-4);
    CHECK(std::abs(expected) > 1e-3);
  }
}

// Keeps what an engine gives a policy-gradient atom.
class Listening final : public LossAtom {
 public:
  bool needs_old() const override { return true; }
  bool at_temperature() const override { return true; }
  void add(const LossInput& input, LossOutput&) const override {
    const std::lock_guard lock(mutex_);
    for (size_t n = 0; n < input.target.size(); ++n) {
      if (input.target[n] == 0) continue;
      ++tokens;
      if (input.logp[n] != input.old_logp[n]) ++different;
    }
  }
  mutable size_t tokens = 0;
  mutable size_t different = 0;

 private:
  mutable std::mutex mutex_;
};

TEST_CASE("the first step on sampled rollouts sees the sampler's log-probabilities bit for bit: every ratio is 1") {
  const TinyCodec codec("abcdefghijklmnopqrstuvwxyz0123456789");
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen3", "gpt2", "gemma3"}) {
    const GoldenModel golden(name);
    const GenerateBatch asked =
        requests(codec, {"hello", "a", "zz"}, 20, {.temperature = 0.8, .max_new_tokens = 25, .stop = {}});
    TrainBatch batch;
    std::mutex mutex;
    nn::RequestQueue queue(asked, 60);
    const CompletionSink sink = [&](size_t request, Completion&& c) {
      const std::span<const TokenId> prompt = prompt_ids(asked, request);
      batch.ids.insert(batch.ids.end(), prompt.begin(), prompt.end());
      batch.target.insert(batch.target.end(), prompt.size(), 0);
      batch.old_logp.insert(batch.old_logp.end(), prompt.size(), 0.0F);
      batch.ids.insert(batch.ids.end(), c.ids.begin(), c.ids.end());
      batch.target.insert(batch.target.end(), c.ids.size(), 1);
      batch.old_logp.insert(batch.old_logp.end(), c.logprobs.begin(), c.logprobs.end());
      batch.credit.resize(batch.ids.size(), 1);
      batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.temperature.push_back(0.8F);
    };
    nn::sample_requests({.model = golden.model,
                         .kernels = golden.model.kernels(),
                         .weights = golden.state.weights.data(),
                         .codec = codec,
                         .batch = asked,
                         .queue = queue,
                         .sink = sink,
                         .sink_mutex = mutex},
                        {.slots = 7}, {});
    const auto atom = std::make_shared<Listening>();
    const LossSpec loss{{{.name = "listening", .atom = atom}}};
    nn::State state = golden.state;
    ThreadPool pool(2);
    nn::Trainer trainer(golden.model, {.state = state}, loss, kPlainSgd, pool);
    trainer.learn(batch);
    INFO(name);
    CHECK(atom->tokens > 500);
    CHECK(atom->different == 0);
  }
}

TEST_CASE("AdamW and SGD move weights by their published formulas") {
  const auto kernels = nn::cpu_kernels();
  constexpr int64_t kSize = 21;
  std::vector<float> g(kSize + 16), w(kSize + 16), m(kSize + 16), v(kSize + 16);
  for (size_t i = 0; i < kSize; ++i) {
    g[i] = 0.1F * static_cast<float>(i) - 1;
    w[i] = 1 - 0.05F * static_cast<float>(i);
    m[i] = 0.01F * static_cast<float>(i);
    v[i] = 0.02F * static_cast<float>(i);
  }
  const nn::OptimizerStep step{
      .adamw = true, .rate = 0.01, .decay = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-6, .scale = 0.5, .step = 3};
  std::vector<float> moved = w, first = m, second = v;
  kernels->optimize(step, g.data(), kSize, moved.data(), first.data(), second.data());
  nn::OptimizerStep plain = step;
  plain.adamw = false;
  std::vector<float> slid = w;
  kernels->optimize(plain, g.data(), kSize, slid.data(), nullptr, nullptr);
  for (size_t i = 0; i < kSize; ++i) {
    const double scaled = 0.5 * static_cast<double>(g[i]);
    const double mean = 0.9 * static_cast<double>(m[i]) + 0.1 * scaled;
    const double square = 0.99 * static_cast<double>(v[i]) + 0.01 * scaled * scaled;
    const double root = std::sqrt(square / (1 - std::pow(0.99, 3))) + 1e-6;
    const double expected =
        static_cast<double>(w[i]) * (1 - 0.01 * 0.1) - 0.01 * (mean / (1 - std::pow(0.9, 3))) / root;
    INFO(i);
    CHECK(std::abs(static_cast<double>(moved[i]) - expected) < 1e-6);
    CHECK(std::abs(static_cast<double>(slid[i]) - (static_cast<double>(w[i]) * (1 - 0.001) - 0.01 * scaled)) < 1e-6);
  }
}

TEST_CASE("an example longer than the context is refused by its length") {
  for (const std::string name : {"llama_tied", "gpt2"}) {
    const GoldenModel golden(name);
    RandomSteps steps(37);
    steps.length = 200;
    const TrainBatch batch = steps.step(0);
    nn::State state = golden.state;
    const LossSpec loss = loss_of("nll");
    ThreadPool pool(1);
    nn::Trainer trainer(golden.model, {.state = state}, loss, kPlainSgd, pool);
    CHECK_THROWS_WITH(trainer.learn(batch),
                      Catch::Contains("finetune: an example has") && Catch::Contains("ids; at most 48 are allowed"));
  }
}

TEST_CASE("an example whose first token is a target is refused") {
  const GoldenModel golden("llama_tied");
  TrainBatch batch;
  batch.ids = {1, 2};
  batch.begin = {0, 2};
  batch.target = {1, 1};
  batch.credit = {1, 1};
  batch.temperature = {1};
  nn::State state = golden.state;
  const LossSpec loss = loss_of("nll");
  ThreadPool pool(1);
  nn::Trainer trainer(golden.model, {.state = state}, loss, kPlainSgd, pool);
  CHECK_THROWS_WITH(trainer.learn(batch), Catch::Contains("first token is trained on"));
}

}  // namespace
}  // namespace sil::test
