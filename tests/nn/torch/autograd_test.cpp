// Gradients of whole models, every element of every weight, against torch's autograd in double precision.
#include "nn/golden_model.h"
#include "nn/torch/autograd_ops.h"
#include "nn/torch/bf16.h"
#include "nn/torch_module.h"
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

at::Tensor plain(const GoldenModel& golden, const nn::Parameter& parameter, const float* buffer) {
  const float* const at = buffer + parameter.offset;
  if (parameter.columns == 0)
    return at::tensor(at::ArrayRef<float>(at, static_cast<size_t>(parameter.rows)), at::kFloat);
  std::vector<float> rows(static_cast<size_t>(parameter.rows * parameter.columns));
  golden.model.kernels().unpack({.data = at, .rows = parameter.rows, .columns = parameter.columns}, 0, parameter.rows,
                                rows.data());
  return floats(rows).view({parameter.rows, parameter.columns});
}

// `oracle` holds, as fp32, the weights that `golden` reads.
void check_gradients(const GoldenModel& golden, const GoldenModel& oracle, double tolerance) {
  const Problem p(golden.model.shape().vocabulary);
  const nn::Buffer gradients = gradient_of(golden, p);
  const nn::DecoderWeights weights = oracle.weights();
  AutogradOps ops(oracle.model.kernels());
  go_back(ops, oracle, weights, p);
  for (size_t i = 0; i < golden.model.parameters().parameters.size(); ++i) {
    const nn::Parameter& parameter = golden.model.parameters().parameters[i];
    const float* const value = oracle.state.weights.data() + oracle.model.parameters().parameters[i].offset;
    const at::Tensor ours = plain(golden, parameter, gradients.data());
    const at::Tensor expected =
        parameter.columns == 0
            ? ops.gradient(nn::VectorWeight{.value = value, .sink = {}}, parameter.rows)
            : ops.gradient(nn::MatrixWeight{
                  .value = {.data = value, .rows = parameter.rows, .columns = parameter.columns}, .sink = {}});
    INFO("at " << parameter.offset << ", " << parameter.rows << " x " << parameter.columns);
    REQUIRE(expected.defined());
    const double size = expected.norm().item<double>();
    CHECK(size > 0);
    CHECK((ours.to(at::kDouble) - expected).norm().item<double>() <= tolerance * size);
  }
}

TEST_CASE("gradients are those of torch's autograd in float64: |g - g'| / |g| <= 1e-5 for every tensor") {
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    INFO(name);
    check_gradients(GoldenModel(name), GoldenModel(name), 1e-5);
  }
}

TEST_CASE("in bf16 gradients are those of autograd in float64 of the rounded weights within 10 % of every tensor") {
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    INFO(name);
    GoldenModel oracle(name);
    for (int64_t i = 0; i < oracle.state.weights.size(); ++i)
      oracle.state.weights.data()[i] = rounded_to_bf16(oracle.state.weights.data()[i]);
    check_gradients(GoldenModel(name, nn::torch_kernels({.bf16 = true})), oracle, 0.1);
  }
}

}  // namespace
}  // namespace sil::test
