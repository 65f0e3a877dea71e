// Gradients of whole models, every element of every weight, against torch's autograd in double precision.
#include "nn/golden_model.h"
#include "nn/torch/autograd_ops.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

// A weighted sum of log-probabilities over a pack of three sequences.
struct Problem {
  std::vector<TokenId> ids;
  nn::Layout layout = nn::packed_layout(std::vector<int64_t>{0, 17, 18, 40});
  std::vector<int32_t> wanted;
  std::vector<TokenId> targets;
  std::vector<float> temperature;
  std::vector<float> weights;

  explicit Problem(int64_t vocabulary) {
    RandomStream random(9, 9);
    const auto token = [&] { return static_cast<TokenId>(random.below(static_cast<uint64_t>(vocabulary))); };
    for (int64_t i = 0; i < layout.rows(); ++i) ids.push_back(token());
    for (int32_t row = 0; row < layout.rows(); row += 1 + row % 3) {
      wanted.push_back(row);
      targets.push_back(token());
      temperature.push_back(row % 2 == 0 ? 1.0F : 0.7F);
      weights.push_back(static_cast<float>(random.unit() * 2 - 1));
    }
  }
};

nn::Buffer gradient_of(const GoldenModel& golden, const Problem& p) {
  nn::Buffer gradients(golden.model.parameters().floats);
  const nn::DecoderWeights weights = golden.weights(gradients.data());
  nn::Arena arena;
  nn::Tape tape(golden.model.kernels(), arena, true);
  const nn::Var logits =
      nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted);
  std::vector<LogSum> sums(p.wanted.size());
  std::vector<float> logp(p.wanted.size());
  golden.model.kernels().log_probs(tape.value(logits), p.targets, p.temperature, sums, logp);
  golden.model.kernels().log_probs_backward(tape.value(logits), p.targets, p.temperature, sums, p.weights,
                                            tape.gradient(logits));
  tape.backward();
  return gradients;
}

at::Tensor floats(const std::vector<float>& values) {
  return at::tensor(at::ArrayRef<float>(values), at::kFloat);
}

void go_back(AutogradOps& ops, const GoldenModel& golden, const nn::DecoderWeights& weights, const Problem& p) {
  const nn::Var logits =
      nn::decoder(ops, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted);
  const at::Tensor z = ops.value(logits) / floats(p.temperature).to(at::kDouble).unsqueeze(1);
  const at::Tensor logp = at::log_softmax(z, 1).gather(1, AutogradOps::indices(p.targets).unsqueeze(1)).squeeze(1);
  (logp * floats(p.weights).to(at::kDouble)).sum().backward();
}

TEST_CASE("gradients are those of torch's autograd in float64: |g - g'| / |g| <= 1e-5 for every tensor") {
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    const GoldenModel golden(name);
    const Problem p(golden.model.shape().vocabulary);
    const nn::Buffer gradients = gradient_of(golden, p);
    const nn::DecoderWeights weights = golden.weights();
    AutogradOps ops(golden.model.kernels());
    go_back(ops, golden, weights, p);
    for (const nn::Parameter& parameter : golden.model.parameters().parameters) {
      const float* const value = golden.state.weights.data() + parameter.offset;
      const float* const seen = gradients.data() + parameter.offset;
      at::Tensor ours;
      at::Tensor expected;
      if (parameter.columns == 0) {
        ours = at::tensor(at::ArrayRef<float>(seen, static_cast<size_t>(parameter.rows)), at::kFloat);
        expected = ops.gradient(nn::VectorWeight{.value = value, .sink = {}}, parameter.rows);
      } else {
        std::vector<float> plain(static_cast<size_t>(parameter.rows * parameter.columns));
        golden.model.kernels().unpack({.data = seen, .rows = parameter.rows, .columns = parameter.columns}, 0,
                                      parameter.rows, plain.data());
        ours = floats(plain).view({parameter.rows, parameter.columns});
        expected = ops.gradient(nn::MatrixWeight{
            .value = {.data = value, .rows = parameter.rows, .columns = parameter.columns}, .sink = {}});
      }
      INFO(name << " at " << parameter.offset << ", " << parameter.rows << " x " << parameter.columns);
      REQUIRE(expected.defined());
      const double size = expected.norm().item<double>();
      CHECK(size > 0);
      CHECK((ours.to(at::kDouble) - expected).norm().item<double>() <= 1e-5 * size);
    }
  }
}

}  // namespace
}  // namespace sil::test
