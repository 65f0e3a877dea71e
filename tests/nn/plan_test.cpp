// The plan against what the same passes take on the CPU's own kernels, which compute.
#include "nn/plan.h"

#include "nn/golden_model.h"
#include "nn/sampler.h"
#include "support/catch.h"

namespace sil::test {
namespace {

constexpr int64_t kTokens = 512;

// Sequences of one length, all of their tokens trained on.
uint64_t bytes_of_training(const GoldenModel& golden, int64_t length) {
  nn::Arena arena;
  nn::Tape tape(golden.model.kernels(), arena, true);
  nn::Buffer gradients(golden.model.parameters().floats);
  const nn::DecoderWeights weights = golden.weights(gradients.data());
  std::vector<int64_t> begin{0};
  while (begin.back() < kTokens) begin.push_back(std::min(kTokens, begin.back() + length));
  const nn::Layout layout = nn::packed_layout(begin);
  const std::vector<TokenId> ids(kTokens, 1);
  std::vector<int32_t> rows;
  for (int32_t row = 0; row < kTokens; ++row) rows.push_back(row);
  const nn::Var logits = nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), ids, layout, rows);
  const nn::Tensor gradient = tape.gradient(logits);
  std::fill_n(gradient.data, gradient.size(), 1e-3F);
  tape.backward();
  return static_cast<uint64_t>(arena.most_bytes());
}

TEST_CASE("the plan of an update counts the activations and scratch that its packs take") {
  for (const char* name : {"llama_gqa", "llama_tied", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    INFO(name);
    const GoldenModel golden(name);
    const int64_t length = std::min<int64_t>(24, golden.model.shape().context);
    const Plan one = nn::training_plan(golden.model, {.sequence_tokens = length}, 1);
    CHECK(one.activations == bytes_of_training(golden, length));
    const uint64_t weights = golden.model.state_bytes();
    CHECK(one.weights == 2 * weights);
    CHECK(one.optimizer == 2 * weights);
    CHECK(one.gradients == 2 * weights);
    const Plan three = nn::training_plan(golden.model, {.sequence_tokens = length, .keeps_state = true}, 3);
    CHECK(three.optimizer == 4 * weights);
    CHECK(three.gradients == 4 * weights);
    CHECK(three.activations == 3 * one.activations);
    CHECK(nn::training_plan(golden.model, {.adamw = false}, 1).optimizer == 0);
  }
}

TEST_CASE("the plan of sampling grows with slots and lengths up to its bounds") {
  const GoldenModel golden("llama_gqa");
  const nn::DecoderShape& shape = golden.model.shape();
  const auto cache_of = [&](const SamplingWorkload& work, int threads) {
    return nn::sampling_plan(golden.model, work, threads).cache;
  };
  const uint64_t position =
      static_cast<uint64_t>(2 * shape.layers * shape.heads.key * shape.heads.width) * sizeof(float);
  CHECK(cache_of({.requests = 1, .prompt_tokens = 3, .new_tokens = 5}, 1) == 2 * 16 * position);
  CHECK(cache_of({.requests = 1, .prompt_tokens = 3, .new_tokens = 5}, 4) == 2 * 16 * position);
  CHECK(cache_of({.requests = 1000, .prompt_tokens = 3, .new_tokens = 5}, 1) == 128 * 16 * position);
  CHECK(cache_of({.requests = 1000, .samples = 8, .prompt_tokens = 3, .new_tokens = 5}, 2) ==
        2 * (64 + 10) * 16 * position);
}

TEST_CASE("a sampler's cache is bounded: long prompts leave fewer slots and at least one") {
  nn::DecoderShape shape;
  shape.layers = 32;
  shape.heads = {.query = 32, .key = 32, .width = 128};
  shape.context = 8192;
  const nn::CacheCapacity some(shape, {.requests = 64, .prompt_tokens = 100, .new_tokens = 100}, 64);
  CHECK(some.slots > 1);
  CHECK(some.slots < 64);
  CHECK(some.bytes <= nn::CacheCapacity::kMostCacheBytes);
  const nn::CacheCapacity one(shape, {.requests = 64, .prompt_tokens = 8000, .new_tokens = 192}, 64);
  CHECK(one.slots == 1);
}

TEST_CASE("prompts that fill the context can be planned for, whatever the positions are") {
  for (const char* name : {"llama_gqa", "gpt2", "gemma3"}) {
    INFO(name);
    const GoldenModel golden(name);
    const int64_t context = golden.model.shape().context;
    const Plan plan =
        nn::sampling_plan(golden.model, {.requests = 1, .prompt_tokens = context, .new_tokens = context}, 1);
    CHECK(plan.activations > 0);
  }
}

TEST_CASE("an adapter's plan: gradients and moments of the factors, a merged model a version, the frozen one once") {
  const GoldenModel golden("llama_gqa");
  const nn::Model adapted(golden.model.shape(), nn::cpu_kernels(), LoraOptions{.r = 2, .targets = {"q_proj"}});
  const uint64_t factors = adapted.trained_bytes();
  CHECK(factors < golden.model.state_bytes() / 8);
  CHECK(adapted.shared_bytes() == golden.model.state_bytes());
  CHECK(adapted.state_bytes() == golden.model.state_bytes() + factors);
  const Plan plan = nn::training_plan(adapted, {.sequence_tokens = 24}, 1);
  CHECK(plan.weights == 2 * adapted.state_bytes());
  CHECK(plan.optimizer == 2 * factors);
  CHECK(plan.gradients == 2 * factors);
  CHECK(plan.activations > 0);
}

}  // namespace
}  // namespace sil::test
