// Gradients against central differences of the same model in double precision.
#include <cmath>
#include <memory>

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
  const std::vector<int64_t> begin{0, 13, 18};
  for (int64_t i = 0; i < begin.back(); ++i)
    p.ids.push_back(static_cast<TokenId>(random.below(static_cast<uint64_t>(vocabulary))));
  p.layout = nn::packed_layout(begin);
  for (int32_t row : {1, 3, 4, 7, 11, 14, 16}) {
    p.wanted.push_back(row);
    p.targets.push_back(p.ids[static_cast<size_t>(row) + 1]);
    p.temperature.push_back(row % 2 == 0 ? 1.0F : 0.7F);
    p.weights.push_back(static_cast<float>(random.unit() * 2 - 1));
  }
  return p;
}

double loss_in_double(const GoldenModel& golden, const Problem& p) {
  DoubleOps ops(golden.model.kernels());
  const nn::DecoderWeights weights = golden.weights();
  const auto& logits =
      ops.value(nn::decoder(ops, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
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

// Goes on with the gradient in the sinks of the weights.
void go_back(const GoldenModel& golden, const Problem& p, const nn::DecoderWeights& weights) {
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
}

nn::Buffer gradient_of(const GoldenModel& golden, const Problem& p) {
  nn::Buffer gradients(golden.model.parameters().floats);
  go_back(golden, p, golden.weights(gradients.data()));
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
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
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

// Row-major values with the same in the layout of the kernels.
struct PackedMatrix {
  int64_t rows, columns;
  std::vector<float> plain;
  nn::Buffer packed;

  PackedMatrix(const nn::Kernels& kernels, int64_t of_rows, int64_t of_columns)
      : rows(of_rows),
        columns(of_columns),
        plain(static_cast<size_t>(rows * columns)),
        packed(kernels.matrix_floats(rows, columns)) {}
  nn::Matrix view() const { return {.data = packed.data(), .rows = rows, .columns = columns}; }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(plain[static_cast<size_t>(row * columns + column)]);
  }
};

PackedMatrix drawn(const nn::Kernels& kernels, int64_t rows, int64_t columns, RandomStream& random) {
  PackedMatrix out(kernels, rows, columns);
  for (float& value : out.plain) value = static_cast<float>(random.unit() - 0.5);
  kernels.pack(out.plain.data(), 0, rows, out.view(), out.packed.data());
  return out;
}

// Factors of every matrix of the layers, and where their gradients go.
struct Adapter {
  struct Factors {
    nn::MatrixWeight weight;  // that they belong to
    PackedMatrix a, b, da, db;
    nn::LowRank sink;
  };
  std::vector<std::unique_ptr<Factors>> factors;
  nn::DecoderWeights weights;

  explicit Adapter(const GoldenModel& golden) : weights(golden.weights()) {
    const nn::Kernels& kernels = golden.model.kernels();
    RandomStream random(5, 5);
    for (auto& layer : weights.layers) {
      for (nn::MatrixWeight* weight : {&layer.qkv, &layer.output, &layer.up, &layer.down}) {
        constexpr int64_t kRank = 3;
        const int64_t rows = weight->value.rows;
        const int64_t columns = weight->value.columns;
        auto made = std::make_unique<Factors>(Factors{.weight = *weight,
                                                      .a = drawn(kernels, kRank, columns, random),
                                                      .b = drawn(kernels, rows, kRank, random),
                                                      .da = {kernels, kRank, columns},
                                                      .db = {kernels, rows, kRank},
                                                      .sink = {}});
        made->sink = {.a = made->a.view(),
                      .b = made->b.view(),
                      .scale = 0.625F,
                      .da = made->da.packed.data(),
                      .db = made->db.packed.data()};
        weight->sink.factors = {&made->sink, 1};
        factors.push_back(std::move(made));
      }
    }
  }

  void unpack_gradients(const nn::Kernels& kernels) {
    for (auto& f : factors)
      for (PackedMatrix* of : {&f->da, &f->db}) kernels.unpack(of->view(), 0, of->rows, of->plain.data());
  }
};

// |seen - expected| / |expected| over all elements.
template <class Expected>
double relative_error(const PackedMatrix& seen, const Expected& expected) {
  double error = 0;
  double size = 0;
  for (int64_t i = 0; i < seen.rows; ++i)
    for (int64_t j = 0; j < seen.columns; ++j) {
      const double wanted = expected(i, j);
      error += (seen.at(i, j) - wanted) * (seen.at(i, j) - wanted);
      size += wanted * wanted;
    }
  CHECK(size > 0);
  return std::sqrt(error / size);
}

TEST_CASE("gradients of low-rank factors are the chain rule on the matrix's: dB = s dW A^T, dA = s B^T dW") {
  for (const std::string name : {"llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    const GoldenModel golden(name);
    const nn::Kernels& kernels = golden.model.kernels();
    const Problem p = make_problem(golden.model.shape().vocabulary);
    const nn::Buffer full = gradient_of(golden, p);
    Adapter adapter(golden);
    go_back(golden, p, adapter.weights);
    adapter.unpack_gradients(kernels);
    for (const auto& f : adapter.factors) {
      PackedMatrix dw(kernels, f->weight.value.rows, f->weight.value.columns);
      const nn::Matrix of_full{.data = full.data() + (f->weight.value.data - golden.state.weights.data()),
                               .rows = dw.rows,
                               .columns = dw.columns};
      kernels.unpack(of_full, 0, dw.rows, dw.plain.data());
      const auto scale = static_cast<double>(f->sink.scale);
      INFO(name << " " << dw.rows << " x " << dw.columns);
      CHECK(relative_error(f->db, [&](int64_t n, int64_t j) {
              double sum = 0;
              for (int64_t k = 0; k < dw.columns; ++k) sum += dw.at(n, k) * f->a.at(j, k);
              return scale * sum;
            }) < 1e-5);
      CHECK(relative_error(f->da, [&](int64_t j, int64_t k) {
              double sum = 0;
              for (int64_t n = 0; n < dw.rows; ++n) sum += f->b.at(n, j) * dw.at(n, k);
              return scale * sum;
            }) < 1e-5);
    }
  }
}

TEST_CASE("gradients of low-rank factors go on from pack to pack, bit for bit") {
  const GoldenModel golden("qwen3");
  const Problem whole = make_problem(golden.model.shape().vocabulary);
  constexpr int32_t kCut = 13;  // where the second sequence begins
  Problem first;
  Problem second;
  first.ids.assign(whole.ids.begin(), whole.ids.begin() + kCut);
  second.ids.assign(whole.ids.begin() + kCut, whole.ids.end());
  for (size_t t = 0; t < whole.wanted.size(); ++t) {
    Problem& part = whole.wanted[t] < kCut ? first : second;
    part.wanted.push_back(whole.wanted[t] % kCut);
    part.targets.push_back(whole.targets[t]);
    part.temperature.push_back(whole.temperature[t]);
    part.weights.push_back(whole.weights[t]);
  }
  for (Problem* part : {&first, &second})
    part->layout = nn::packed_layout(std::vector<int64_t>{0, static_cast<int64_t>(part->ids.size())});
  Adapter together(golden);
  go_back(golden, whole, together.weights);
  together.unpack_gradients(golden.model.kernels());
  Adapter apart(golden);
  go_back(golden, first, apart.weights);
  go_back(golden, second, apart.weights);
  apart.unpack_gradients(golden.model.kernels());
  for (size_t i = 0; i < together.factors.size(); ++i) {
    CHECK(together.factors[i]->da.plain == apart.factors[i]->da.plain);
    CHECK(together.factors[i]->db.plain == apart.factors[i]->db.plain);
  }
}

TEST_CASE("logits equal those in double precision within fp32's rounding") {
  for (const std::string name : {"llama_tied", "qwen3", "gpt2", "gemma3"}) {
    const GoldenModel golden(name);
    Problem p = make_problem(golden.model.shape().vocabulary);
    p.wanted = all_rows(p.ids.size());
    DoubleOps ops(golden.model.kernels());
    const nn::DecoderWeights weights = golden.weights();
    const auto& expected =
        ops.value(nn::decoder(ops, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
    nn::Arena arena;
    nn::Tape tape(golden.model.kernels(), arena, false);
    const nn::Tensor seen =
        tape.value(nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), p.ids, p.layout, p.wanted));
    for (size_t i = 0; i < expected.data.size(); ++i)
      CHECK(std::abs(static_cast<double>(seen.data[i]) - expected.data[i]) < 2e-5);
  }
}

}  // namespace
}  // namespace sil::test
