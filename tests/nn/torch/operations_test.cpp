// Every operation of the table on both back ends: results agree within fp32's rounding.
#include <cmath>
#include <functional>

#include "nn/cpu/kernels.h"
#include "nn/scorer.h"
#include "nn/torch_module.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

using nn::Arena;
using nn::Heads;
using nn::Kernels;
using nn::Layout;
using nn::Matrix;
using nn::Tensor;
using Values = std::vector<float>;

constexpr int64_t kRows = 23;
const Heads kHeads{.query = 6, .key = 2, .width = 8};
const nn::RmsNorm kNorm{.epsilon = 1e-5F, .base = 0.75F};

// Inputs by name: the same for both back ends.
Values drawn(uint64_t name, int64_t count) {
  RandomStream random(11, name);
  Values out(static_cast<size_t>(count + 16));  // slack
  for (float& value : out) value = static_cast<float>(random.unit() * 2 - 1);
  return out;
}

// A tensor with floats of its own.
struct Held {
  Values data;
  Tensor view;
  Held(Values values, int64_t rows, int64_t columns) : data(std::move(values)), view{data.data(), rows, columns} {}
  Held(uint64_t name, int64_t rows, int64_t columns) : Held(drawn(name, rows * columns), rows, columns) {}
  Held(Held&&) = delete;
  Values values() const { return {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(view.size())}; }
};

struct HeldMatrix {
  const Kernels& kernels;
  Values packed;
  int64_t rows, columns;

  HeldMatrix(const Kernels& by, uint64_t name, int64_t of_rows, int64_t of_columns)
      : kernels(by),
        packed(static_cast<size_t>(by.matrix_floats(of_rows, of_columns) + 16)),
        rows(of_rows),
        columns(of_columns) {
    const Values plain = drawn(name, rows * columns);
    kernels.pack(plain.data(), 0, rows, view(), packed.data());
  }
  Matrix view() const { return {.data = packed.data(), .rows = rows, .columns = columns}; }
  Values values() const {
    Values out(static_cast<size_t>(rows * columns));
    kernels.unpack(view(), 0, rows, out.data());
    return out;
  }
};

double relative_error(const Values& seen, const Values& expected) {
  REQUIRE(seen.size() == expected.size());
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < seen.size(); ++i) {
    const double difference = static_cast<double>(seen[i]) - static_cast<double>(expected[i]);
    error += difference * difference;
    size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  CHECK(size > 0);
  return std::sqrt(error / size);
}

// All results of an operation, one vector a result.
using Operation = std::function<std::vector<Values>(const Kernels&)>;

void check_same(const Operation& operation) {
  const auto cpu = nn::cpu_kernels();
  const auto torch = nn::torch_kernels();
  const std::vector<Values> expected = operation(*cpu);
  const std::vector<Values> seen = operation(*torch);
  REQUIRE(seen.size() == expected.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    INFO("result " << i);
    CHECK(relative_error(seen[i], expected[i]) < 1e-5);
  }
}

Layout packs() {
  return nn::packed_layout(std::vector<int64_t>{0, 9, 10, kRows});
}

const std::vector<TokenId> kIds = {3, 0, 11, 11, 7, 3, 3};

TEST_CASE("libtorch agrees: embedding and its gradient, ids that come again among them") {
  check_same([](const Kernels& by) {
    const HeldMatrix table(by, 1, 12, 20);
    Held out(0, 7, 20);
    by.embed(table.view(), kIds, out.view);
    HeldMatrix slope(by, 2, 12, 20);
    const Held dout(3, 7, 20);
    by.embed_backward(kIds, dout.view, slope.view(), slope.packed.data());
    return std::vector{out.values(), slope.values()};
  });
}

TEST_CASE("libtorch agrees: a linear map, with and without bias, and its gradients, which go on") {
  check_same([](const Kernels& by) {
    Arena scratch;
    const HeldMatrix w(by, 1, 37, 24);
    const Values bias = drawn(2, 37);
    const Held x(3, kRows, 24);
    Held plain(0, kRows, 37);
    Held biased(0, kRows, 37);
    by.linear(x.view, w.view(), nullptr, plain.view);
    by.linear(x.view, w.view(), bias.data(), biased.view);
    const Held dout(4, kRows, 37);
    Held dx(5, kRows, 24);
    HeldMatrix dw(by, 6, 37, 24);
    Held dbias(7, 1, 37);
    by.linear_input(dout.view, w.view(), dx.view, scratch);
    by.linear_matrix(x.view, dout.view, w.view(), dw.packed.data(), scratch);
    by.linear_bias(dout.view, dbias.view.data);
    return std::vector{plain.values(), biased.values(), dx.values(), dw.values(), dbias.values()};
  });
}

TEST_CASE("libtorch agrees: root mean square norms of rows and of heads") {
  check_same([](const Kernels& by) {
    const Values scale = drawn(1, 24);
    const Held x(2, kRows, 24);
    Held out(0, kRows, 24);
    Held inverse(0, kRows, 1);
    by.rms_norm(x.view, scale.data(), kNorm, out.view, inverse.view.data);
    const Held dout(3, kRows, 24);
    Held dx(4, kRows, 24);
    Held dscale(5, 1, 24);
    by.rms_norm_backward(x.view, scale.data(), kNorm, inverse.view.data, dout.view, dx.view, dscale.view.data);
    by.rms_norm_backward(x.view, scale.data(), kNorm, inverse.view.data, dout.view, dx.view, nullptr);
    return std::vector{out.values(), inverse.values(), dx.values(), dscale.values()};
  });
  check_same([](const Kernels& by) {
    const Values query = drawn(1, kHeads.width);
    const Values key = drawn(2, kHeads.width);
    const Held x(3, kRows, kHeads.row());
    Held out(0, kRows, kHeads.row());
    Held inverse(0, kRows, kHeads.query + kHeads.key);
    by.head_norm(x.view, kHeads, query.data(), key.data(), kNorm, out.view, inverse.view.data);
    const Held dout(4, kRows, kHeads.row());
    Held dx(5, kRows, kHeads.row());
    Held dquery(6, 1, kHeads.width);
    Held dkey(7, 1, kHeads.width);
    by.head_norm_backward(x.view, kHeads, query.data(), key.data(), kNorm, inverse.view.data, dout.view, dx.view,
                          dquery.view.data, dkey.view.data);
    return std::vector{out.values(), inverse.values(), dx.values(), dquery.values(), dkey.values()};
  });
}

TEST_CASE("libtorch agrees: layer norms of rows") {
  check_same([](const Kernels& by) {
    const Values scale = drawn(1, 24), shift = drawn(2, 24);
    const Held x(3, kRows, 24);
    Held out(0, kRows, 24);
    std::vector<nn::LayerNormStats> stats(kRows);
    by.layer_norm(x.view, scale.data(), shift.data(), 1e-5F, out.view, stats.data());
    const Held dout(4, kRows, 24);
    Held dx(5, kRows, 24);
    Held dscale(6, 1, 24);
    Held dshift(7, 1, 24);
    by.layer_norm_backward(x.view, scale.data(), stats.data(), dout.view, dx.view, dscale.view.data, dshift.view.data);
    by.layer_norm_backward(x.view, scale.data(), stats.data(), dout.view, dx.view, nullptr, nullptr);
    Values means, inverses;
    for (const nn::LayerNormStats& row : stats) {
      means.push_back(row.mean);
      inverses.push_back(row.inverse);
    }
    return std::vector{out.values(), means, inverses, dx.values(), dscale.values(), dshift.values()};
  });
}

TEST_CASE("libtorch agrees: rotation by position, forth and back") {
  const nn::RotaryTable table = nn::rotary_table(64, kHeads.width, 10000);
  for (const bool back : {false, true})
    check_same([&](const Kernels& by) {
      Held x(1, kRows, kHeads.row());
      by.rotate(x.view, kHeads, table, packs(), back);
      return std::vector<Values>{x.values()};
    });
}

TEST_CASE("libtorch agrees: attention over packed sequences and its gradient") {
  for (const int64_t window : {0, 1, 5})
    check_same([&](const Kernels& by) {
      const nn::AttentionLayer layer{.scale = 0.4F, .window = window};
      Arena scratch;
      const Held qkv(1, kRows, kHeads.row());
      Held out(0, kRows, kHeads.output());
      std::vector<nn::SoftmaxStats> stats(static_cast<size_t>(kRows * kHeads.query));
      by.attention(qkv.view, kHeads, layer, packs(), out.view, stats.data(), scratch);
      const Held dout(2, kRows, kHeads.output());
      Held dqkv(3, kRows, kHeads.row());
      by.attention_backward(qkv.view, kHeads, layer, packs(), out.view, stats.data(), dout.view, dqkv.view, scratch);
      return std::vector{out.values(), dqkv.values()};
    });
}

TEST_CASE("libtorch agrees: attention through a cache with a shared prefix, in both layers") {
  for (const int64_t window : {0, 3, 19, 21})
    check_same([&](const Kernels& by) {
      Arena scratch;
      nn::Cache cache(kHeads, 2, 128);
      const nn::Cache::Region prefix{0, 32};
      const nn::Cache::Region first{32, 32};
      const nn::Cache::Region second{64, 32};
      std::vector<Values> results;
      for (const int64_t layer : {0, 1}) {
        const auto run = [&](uint64_t name, int64_t rows, std::vector<nn::Run> runs) {
          const Held qkv(name, rows, kHeads.row());
          Held out(0, rows, kHeads.output());
          by.attention(qkv.view, kHeads, {.index = layer, .scale = 0.4F, .window = window},
                       {.runs = std::move(runs), .cache = &cache}, out.view, nullptr, scratch);
          results.push_back(out.values());
        };
        run(1, 19, {{.row = 0, .rows = 19, .start = 0, .own = prefix, .prefix = {}, .prefix_length = 0}});
        run(2, 4,
            {{.row = 0, .rows = 1, .start = 0, .own = first, .prefix = prefix, .prefix_length = 19},
             {.row = 1, .rows = 3, .start = 0, .own = second, .prefix = prefix, .prefix_length = 19}});
        run(3, 2,
            {{.row = 0, .rows = 1, .start = 1, .own = first, .prefix = prefix, .prefix_length = 19},
             {.row = 1, .rows = 1, .start = 3, .own = second, .prefix = prefix, .prefix_length = 19}});
      }
      return results;
    });
}

TEST_CASE("libtorch agrees: the activation without a gate") {
  check_same([](const Kernels& by) {
    Held x(1, kRows, 20);
    by.scale(x.view, 4);  // to where it bends and beyond
    Held out(0, kRows, 20);
    by.gelu(x.view, out.view);
    const Held dout(2, kRows, 20);
    Held slope(0, kRows, 20);
    by.gelu_backward(x.view, dout.view, slope.view);
    return std::vector{out.values(), slope.values()};
  });
}

TEST_CASE("libtorch agrees: the gated activations and what moves rows about") {
  check_same([](const Kernels& by) {
    const Held gate_up(1, kRows, 40);
    Held out(0, kRows, 20);
    by.silu_gate(gate_up.view, out.view);
    const Held dout(2, kRows, 20);
    Held slope(0, kRows, 40);
    by.silu_gate_backward(gate_up.view, dout.view, slope.view);
    Held gelu(0, kRows, 20);
    Held gelu_slope(0, kRows, 40);
    by.gelu_gate(gate_up.view, gelu.view);
    by.gelu_gate_backward(gate_up.view, dout.view, gelu_slope.view);
    Held sum(0, kRows, 20);
    by.add(out.view, dout.view, sum.view);
    by.add(sum.view, dout.view, sum.view);  // in place
    Held scaled(3, kRows, 20);
    by.scale(scaled.view, -0.75F);
    const std::vector<int32_t> rows{4, 0, 22};
    Held taken(0, 3, 20);
    by.take_rows(dout.view, rows, taken.view);
    Held put(4, kRows, 20);
    by.put_rows(taken.view, rows, put.view);
    return std::vector{out.values(), slope.values(),  gelu.values(),  gelu_slope.values(),
                       sum.values(), scaled.values(), taken.values(), put.values()};
  });
}

TEST_CASE("libtorch agrees: log-probabilities of the head, their gradient and divergences") {
  check_same([](const Kernels& by) {
    constexpr int64_t kVocabulary = 2500;  // more than two chunks
    const Held logits(1, 7, kVocabulary);
    const Values temperature{1, 0.7F, 1, 1.4F, 1, 1, 0.5F};
    std::vector<LogSum> sums(kIds.size());
    Values logp(kIds.size());
    by.log_probs(logits.view, kIds, temperature, sums, logp);
    const Values dlogp{1, -0.5F, 0, 2, 0.25F, 1, 1};
    Held slope(2, 7, kVocabulary);
    by.log_probs_backward(logits.view, kIds, temperature, sums, dlogp, slope.view);
    const Held reference(3, 7, kVocabulary);
    Held forward(0, 7, kVocabulary);
    Held reverse(0, 7, kVocabulary);
    std::fill_n(forward.view.data, forward.view.size(), 0.0F);
    std::fill_n(reverse.view.data, reverse.view.size(), 0.0F);
    const Values kl{static_cast<float>(by.divergence(logits.view, reference.view, true, 0.3, forward.view)),
                    static_cast<float>(by.divergence(logits.view, reference.view, false, 0.3, reverse.view))};
    return std::vector{logp, slope.values(), forward.values(), reverse.values(), kl};
  });
}

TEST_CASE("libtorch agrees: a draw takes the same token of the same row") {
  check_same([](const Kernels& by) {
    const Held logits(1, kRows, 300);
    TokenSampler sampler({.temperature = 0.8, .top_p = 0.9, .stop = {}}, 300);
    std::vector<Values> results(1);
    for (int64_t row = 0; row < kRows; ++row) {
      const Sampled token = by.sample(sampler, logits.view, row,
                                      {.key = 1, .uid = 2, .sample = 3, .position = static_cast<uint32_t>(row)});
      results[0].insert(results[0].end(), {static_cast<float>(token.id), token.logprob, token.kept_mass});
    }
    return results;
  });
}

TEST_CASE("libtorch agrees: sums, averages and steps of both optimizers over flat buffers") {
  check_same([](const Kernels& by) {
    constexpr int64_t kLength = 5000;
    const Values x = drawn(1, kLength);
    const Values y = drawn(2, kLength);
    Values sum = y;
    by.add_into(x.data(), kLength, sum.data());
    Values mixed(x.size());
    by.mix(x.data(), y.data(), 0.9F, kLength, mixed.data());
    std::vector<Values> results{sum, mixed, {static_cast<float>(by.sum_of_squares(x.data(), kLength))}};
    for (const bool adamw : {true, false}) {
      Values w = drawn(3, kLength);
      Values m(w.size());
      Values v(w.size());
      for (int64_t step = 1; step <= 3; ++step)
        by.optimize({.adamw = adamw,
                     .rate = 0.01,
                     .decay = 0.1,
                     .beta1 = 0.9,
                     .beta2 = 0.99,
                     .epsilon = 1e-8,
                     .scale = 0.5,
                     .step = step},
                    x.data(), kLength, w.data(), adamw ? m.data() : nullptr, adamw ? v.data() : nullptr);
      results.push_back(w);
      if (adamw) results.insert(results.end(), {m, v});
    }
    return results;
  });
}

}  // namespace
}  // namespace sil::test
