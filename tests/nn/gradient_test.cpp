// Gradients against central differences of the same model in double precision.
#include <cmath>

#include "nn/double_ops.h"
#include "nn/golden_model.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

// A weighted sum of log-probabilities over a pack of two sequences: every logit matters.
struct Problem {
  std::vector<TokenId> ids;
  nn::Layout layout;
  std::vector<int32_t> wanted;
  std::vector<TokenId> targets;
  std::vector<float> temperature;
  std::vector<float> weights;
};

Problem make_problem(int64_t vocabulary) {
  Problem p;
  RandomStream random(3, 3);
  const std::vector<int64_t> begin{0, 9, 14};
  for (int64_t i = 0; i < begin.back(); ++i)
    p.ids.push_back(static_cast<TokenId>(random.below(static_cast<uint64_t>(vocabulary))));
  p.layout = nn::packed_layout(begin);
  for (int32_t row : {1, 3, 4, 7, 9, 12}) {
    p.wanted.push_back(row);
    p.targets.push_back(p.ids[static_cast<size_t>(row) + 1]);
    p.temperature.push_back(row % 2 == 0 ? 1.0F : 0.7F);
    p.weights.push_back(static_cast<float>(random.unit() * 2 - 1));
  }
  return p;
}

double loss_in_double(const GoldenModel& golden, const Problem& p) {
  DoubleOps ops(golden.model.kernels());
  const nn::LlamaWeights weights = golden.weights();
  const auto& logits =
      ops.value(nn::llama(ops, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
  double loss = 0;
  for (size_t t = 0; t < p.wanted.size(); ++t) {
    const auto temperature = static_cast<double>(p.temperature[t]);
    double sum = 0;
    for (size_t j = 0; j < logits.columns; ++j) sum += std::exp(logits.at(t, j) / temperature);
    const double logit = logits.at(t, static_cast<size_t>(p.targets[t])) / temperature;
    loss += static_cast<double>(p.weights[t]) * (logit - std::log(sum));
  }
  return loss;
}

nn::Buffer gradient_of(const GoldenModel& golden, const Problem& p) {
  nn::Buffer gradients(golden.model.parameters().floats);
  const nn::LlamaWeights weights = golden.weights(gradients.data());
  nn::Arena arena;
  nn::Tape tape(golden.model.kernels(), arena, true);
  const nn::Var logits =
      nn::llama(tape, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted);
  std::vector<LogSum> sums(p.wanted.size());
  std::vector<float> logp(p.wanted.size());
  golden.model.kernels().log_probs(tape.value(logits), p.targets, p.temperature, sums, logp);
  golden.model.kernels().log_probs_backward(tape.value(logits), p.targets, p.temperature, sums, p.weights,
                                            tape.gradient(logits));
  tape.backward();
  return gradients;
}

// d loss / d w by differences at two distances (Richardson): the error is of fourth order.
double difference(GoldenModel& golden, const Problem& p, float& weight) {
  const float before = weight;
  const auto slope = [&](float distance) {
    weight = before + distance;
    const auto high = static_cast<double>(weight);
    const double above = loss_in_double(golden, p);
    weight = before - distance;
    const double below = loss_in_double(golden, p);
    const double width = high - static_cast<double>(weight);
    weight = before;
    return (above - below) / width;
  };
  return (4 * slope(1e-3F) - slope(2e-3F)) / 3;
}

TEST_CASE("every weight's gradient is the slope of the loss") {
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3"}) {
    GoldenModel golden(name);
    const Problem p = make_problem(golden.model.shape().vocabulary);
    const nn::Buffer gradients = gradient_of(golden, p);
    for (const nn::NamedTensor& tensor : golden.model.parameters().tensors) {
      const nn::Parameter& parameter = golden.model.parameters().parameters[tensor.parameter];
      // Some elements of every tensor: a slope costs four passes in double.
      const int64_t lanes = parameter.columns == 0 ? tensor.rows : tensor.rows * parameter.columns;
      double error = 0;
      double size = 0;
      for (int64_t element = 0; element < lanes; element += 1 + lanes / 23) {
        const int64_t row = parameter.columns == 0 ? 0 : tensor.first + element / parameter.columns;
        const int64_t offset =
            parameter.offset + (parameter.columns == 0
                                    ? tensor.first + element
                                    : row / 16 * 16 * parameter.columns + element % parameter.columns * 16 + row % 16);
        const double expected = difference(golden, p, golden.state.weights.data()[offset]);
        const double seen = static_cast<double>(gradients.data()[offset]);
        error += (seen - expected) * (seen - expected);
        size += expected * expected;
      }
      INFO(name << " " << tensor.name << ": |g| " << std::sqrt(size));
      CHECK(std::sqrt(error) <= 1e-5 * std::sqrt(size) + 1e-7);
      CHECK(size > 0);
    }
  }
}

TEST_CASE("logits equal those in double precision within fp32's rounding") {
  for (const std::string name : {"llama_tied", "qwen3"}) {
    const GoldenModel golden(name);
    Problem p = make_problem(golden.model.shape().vocabulary);
    p.wanted = all_rows(p.ids.size());
    DoubleOps ops(golden.model.kernels());
    const nn::LlamaWeights weights = golden.weights();
    const auto& expected =
        ops.value(nn::llama(ops, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
    nn::Arena arena;
    nn::Tape tape(golden.model.kernels(), arena, false);
    const nn::Tensor seen =
        tape.value(nn::llama(tape, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
    for (size_t i = 0; i < expected.data.size(); ++i)
      CHECK(std::abs(static_cast<double>(seen.data[i]) - expected.data[i]) < 2e-5);
  }
}

}  // namespace
}  // namespace sil::test
