// Whole models on libtorch: logits, a training run and a sampling run beside the exact kernels.
#include <cmath>

#include "base/threads.h"
#include "engines/contract_versions.h"
#include "nn/golden_model.h"
#include "nn/torch/golden_sampling.h"
#include "nn/torch_module.h"
#include "nn/trainer.h"
#include "support/catch.h"

namespace sil::test {
namespace {

const std::vector<std::string> kModels = {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"};

TEST_CASE("on libtorch logits are those of transformers within 1e-4") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name, nn::torch_kernels());
    for (const Json& sequence : golden.about.at("sequences").as_array()) {
      const std::vector<float> logits = packed_logits(golden, {ids_of(sequence)});
      size_t at = 0;
      double largest = 0;
      for (const Json& row : sequence.at("logits").as_array())
        for (const Json& value : row.as_array())
          largest = std::max(largest, std::abs(static_cast<double>(logits.at(at++)) - value.as_double()));
      INFO(name);
      CHECK(at == logits.size());
      CHECK(largest < 1e-4);
    }
  }
}

// A bias of keys that do not turn adds one number to all scores of a row, which softmax takes out again: its gradient
// is rounding, which AdamW scales up to whole steps.
bool without_gradient(const GoldenModel& golden, const nn::NamedTensor& tensor, int64_t element) {
  const nn::Heads& heads = golden.model.shape().heads;
  const int64_t first_key = heads.query * heads.width;
  return tensor.name.ends_with("c_attn.bias") && element >= first_key && element < first_key + heads.key * heads.width;
}

// Losses, gradient norms and published weights of a few optimizer steps.
struct Trained {
  std::vector<double> figures;
  std::vector<float> weights;
};

Trained trained_on(const GoldenModel& golden, const std::string& loss_name) {
  RandomSteps steps(37);
  steps.sequences = 24;
  steps.length = 30;
  steps.pairs = loss_name == "dpo";
  steps.temperatures = {1, 0.7F, 1.3F};
  // Of `match`, the term that the engine computes itself.
  const LossSpec loss = loss_name == "match" ? loss_of(loss_name, {{"divergence", "reverse_kl"}}) : loss_of(loss_name);
  const OptimizerOptions options{.learning_rate = 1e-3, .weight_decay = 0.01};
  nn::State state = golden.state;
  state.moments.first = nn::Buffer(state.weights.size());
  state.moments.second = nn::Buffer(state.weights.size());
  nn::State reference = golden.state;
  for (int64_t i = 0; i < reference.weights.size(); ++i) reference.weights.data()[i] *= 1.25F;
  ThreadPool pool(2);
  Trained out;
  nn::Trainer trainer(golden.model, {.state = state, .reference = &reference}, loss, options, pool);
  for (int64_t step = 0; step < 6; ++step) {
    const Trainee::Step done = trainer.learn(steps.step(step));
    out.figures.insert(out.figures.end(), {done.loss, done.norm});
    trainer.move(1e-3, std::min(1.0, 1 / done.norm));
  }
  for (const nn::NamedTensor& tensor : golden.model.parameters().tensors) {
    const nn::Parameter& p = golden.model.parameters().parameters[tensor.parameter];
    const float* const at = state.weights.data() + p.offset;
    if (p.columns == 0) {
      for (int64_t i = tensor.first; i < tensor.first + tensor.rows; ++i)
        if (!without_gradient(golden, tensor, i)) out.weights.push_back(at[i]);
      continue;
    }
    std::vector<float> rows(static_cast<size_t>(tensor.rows * p.columns));
    golden.model.kernels().unpack({.data = at, .rows = p.rows, .columns = p.columns}, tensor.first, tensor.rows,
                                  rows.data());
    out.weights.insert(out.weights.end(), rows.begin(), rows.end());
  }
  return out;
}

TEST_CASE("a training run on libtorch has the losses, gradient norms and weights of the exact one within 1e-5") {
  for (const char* loss : {"nll", "grpo", "dpo", "match"}) {
    for (const char* name : {"llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
      INFO(loss << " on " << name);
      const Trained expected = trained_on(GoldenModel(name), loss);
      const Trained seen = trained_on(GoldenModel(name, nn::torch_kernels()), loss);
      REQUIRE(seen.figures.size() == expected.figures.size());
      for (size_t i = 0; i < seen.figures.size(); ++i)
        CHECK(std::abs(seen.figures[i] - expected.figures[i]) <= 1e-5 * (1 + std::abs(expected.figures[i])));
      REQUIRE(seen.weights.size() == expected.weights.size());
      double error = 0;
      double size = 0;
      for (size_t i = 0; i < seen.weights.size(); ++i) {
        error += std::pow(static_cast<double>(seen.weights[i]) - static_cast<double>(expected.weights[i]), 2);
        size += std::pow(static_cast<double>(expected.weights[i]), 2);
      }
      CHECK(std::sqrt(error / size) < 1e-5);
    }
  }
}

// A draw is cut where two tokens are nearly level, so a row in a thousand may differ; all that follows it then does.
TEST_CASE("a sampling run on libtorch writes what the exact one writes, and scores it alike") {
  const GenerateBatch batch = requests(TinyCodec(kAlphabet), {"hello", "a", "thequickone", "zz"}, 16,
                                       {.temperature = 0.9, .max_new_tokens = 20, .stop = {}});
  for (const std::string& name : kModels) {
    INFO(name);
    const GoldenModel exact(name);
    const auto expected = sampled(exact, batch);
    const auto seen = sampled(GoldenModel(name, nn::torch_kernels()), batch);
    REQUIRE(seen.size() == batch.prompt.size());
    std::vector<Written> written;
    size_t same = 0;
    for (const auto& [request, answer] : seen) {
      same += answer.ids == expected.at(request).ids ? 1 : 0;
      written.push_back(answer);
    }
    CHECK(same * 10 >= seen.size() * 9);
    const std::vector<float> scored =
        nn::score_sequences(exact.model, exact.state.weights.data(), score_batch(batch, written), 0.9F, nullptr);
    size_t at = 0;
    for (const Written& answer : written)
      for (const float logprob : answer.logprobs) CHECK(std::abs(logprob - scored.at(at++)) <= 1e-5F * (1 - logprob));
    CHECK(at == scored.size());
  }
}

}  // namespace
}  // namespace sil::test
