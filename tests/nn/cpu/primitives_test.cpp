// Every instruction set against plain loops over std::fma, bit for bit.
#include "nn/cpu/primitives.h"

#include <cstring>
#include <string>
#include <vector>

#include "sil/rng.h"
#include "support/catch.h"

namespace sil::nn::cpu {
namespace {

using Floats = std::vector<float>;

// Values of both signs and several magnitudes, with slack behind them.
Floats random_floats(int64_t count, uint64_t item, double largest = 2) {
  RandomStream random(99, item);
  Floats out(static_cast<size_t>(count + kSlack), 7e7F);
  for (int64_t i = 0; i < count; ++i)
    out[static_cast<size_t>(i)] = static_cast<float>((random.unit() * 2 - 1) * largest);
  return out;
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Calls check(primitives) for every instruction set of this CPU but the twins.
template <class Check>
void each_set(const Check& check) {
  size_t sets = 0;
  for (const Primitives* set : runnable()) {
    if (set == &twins()) continue;
    INFO("instruction set " << set->name);
    check(*set);
    ++sets;
  }
  if (sets == 0) WARN("SKIPPED: this CPU has no AVX2 and FMA; nothing to compare with the plain loops");
}

const std::vector<int64_t> kLengths = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 100, 129};

struct ProductCase {
  int64_t rows, columns, depth;
};

// Out of both sets, rows with a gap between them so that a write behind an edge shows.
Floats product_of(const Primitives& set, const ProductCase& c, Product::Into into, bool transposed) {
  const Floats a = random_floats(c.rows * c.depth, 1);
  const Floats b = random_floats(panels(c.columns) * kPanel * c.depth, 2);
  const int64_t stride = c.columns + 5;
  Floats out = random_floats(c.rows * stride, 3);
  Floats left(a.size());
  Product p{.rows = c.rows,
            .columns = c.columns,
            .depth = c.depth,
            .a = a.data(),
            .a_row = c.depth,
            .b = b.data(),
            .b_panel = c.depth * kPanel,
            .b_depth = kPanel,
            .c = out.data(),
            .c_row = stride,
            .c_panel = kPanel,
            .into = into};
  if (transposed) {
    set.pack_left(a.data(), c.rows, c.rows, c.depth, left.data());
    p.a = left.data();
    p.a_row = 0;
  }
  set.product(p);
  return out;
}

TEST_CASE("products are ascending chains, whatever the shape") {
  const std::vector<ProductCase> cases = {{1, 16, 5},    {1, 64, 33},  {2, 40, 7},   {3, 33, 64},  {4, 16, 1},
                                          {5, 17, 20},   {6, 16, 128}, {7, 48, 100}, {13, 15, 9},  {24, 70, 31},
                                          {50, 129, 12}, {1, 130, 3},  {11, 32, 40}, {12, 32, 40}, {12, 1, 1}};
  each_set([&](const Primitives& set) {
    for (const ProductCase& c : cases) {
      for (auto into : {Product::Into::set, Product::Into::add, Product::Into::chain}) {
        for (bool transposed : {false, true}) {
          INFO(c.rows << " x " << c.columns << " x " << c.depth << ", into " << static_cast<int>(into));
          CHECK(same_bits(product_of(set, c, into, transposed), product_of(twins(), c, into, transposed)));
        }
      }
    }
  });
}

TEST_CASE("chains longer than 4,096 terms are joined by a tree") {
  each_set([](const Primitives& set) {
    for (int64_t depth : {4096, 4097, 9000, 20500}) {
      const ProductCase c{7, 19, depth};
      CHECK(
          same_bits(product_of(set, c, Product::Into::set, false), product_of(twins(), c, Product::Into::set, false)));
      CHECK(
          same_bits(product_of(set, c, Product::Into::add, false), product_of(twins(), c, Product::Into::add, false)));
    }
  });
}

TEST_CASE("a row of a product does not depend on the rows beside it") {
  const ProductCase all{37, 50, 90};
  const Floats a = random_floats(all.rows * all.depth, 1);
  const Floats b = random_floats(panels(all.columns) * kPanel * all.depth, 2);
  const auto run = [&](int64_t first, int64_t rows) {
    Floats out(static_cast<size_t>(rows * all.columns));
    quickest().product({.rows = rows,
                        .columns = all.columns,
                        .depth = all.depth,
                        .a = a.data() + first * all.depth,
                        .a_row = all.depth,
                        .b = b.data(),
                        .b_panel = all.depth * kPanel,
                        .b_depth = kPanel,
                        .c = out.data(),
                        .c_row = all.columns,
                        .c_panel = kPanel});
    return out;
  };
  const Floats whole = run(0, all.rows);
  for (int64_t rows : {1, 2, 3, 5, 6, 8}) {
    for (int64_t first = 0; first + rows <= all.rows; first += 4) {
      const Floats part = run(first, rows);
      CHECK(std::memcmp(part.data(), whole.data() + first * all.columns, part.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("panels are transposed exactly and filled up with zeros") {
  each_set([](const Primitives& set) {
    for (int64_t rows : {1, 5, 16}) {
      for (int64_t columns : {1, 8, 13, 32}) {
        const Floats in = random_floats(rows * (columns + 3), 4);
        Floats mine(static_cast<size_t>(columns * kPanel), 1);
        Floats plain = mine;
        set.transpose_panel(in.data(), columns + 3, rows, columns, mine.data());
        twins().transpose_panel(in.data(), columns + 3, rows, columns, plain.data());
        CHECK(same_bits(mine, plain));
        CHECK(mine[0] == in[0]);
      }
    }
  });
}

// Runs `work(set, buffers)` on equal copies of the buffers for a set and the twins, and compares all of them.
template <class Work>
void compare(const std::vector<Floats>& buffers, const Work& work) {
  each_set([&](const Primitives& set) {
    std::vector<Floats> mine = buffers;
    std::vector<Floats> plain = buffers;
    const float a = work(set, mine);
    const float b = work(twins(), plain);
    CHECK(std::memcmp(&a, &b, sizeof a) == 0);
    for (size_t i = 0; i < buffers.size(); ++i) {
      INFO("buffer " << i);
      CHECK(same_bits(mine[i], plain[i]));
    }
  });
}

TEST_CASE("norms equal the plain loops") {
  for (int64_t n : kLengths) {
    INFO("width " << n);
    for (const float base : {0.0F, 1.0F})
      compare({random_floats(n, 1), random_floats(n, 2), Floats(static_cast<size_t>(n + kSlack))},
              [&](const Primitives& set, std::vector<Floats>& f) {
                return set.rms_norm(f[0].data(), f[1].data(), base, n, 1e-5F, f[2].data());
              });
    for (bool with_scale : {true, false})
      compare({random_floats(n, 1), random_floats(n, 2), random_floats(n, 3), random_floats(n, 4), random_floats(n, 5)},
              [&](const Primitives& set, std::vector<Floats>& f) {
                set.rms_norm_backward(f[0].data(), f[1].data(), 1, n, 0.7F, f[2].data(), f[3].data(),
                                      with_scale ? f[4].data() : nullptr);
                return 0.0F;
              });
  }
}

TEST_CASE("layer norms equal the plain loops") {
  for (int64_t n : kLengths) {
    INFO("width " << n);
    float mean = 0;
    compare({random_floats(n, 1), random_floats(n, 2), random_floats(n, 3), Floats(static_cast<size_t>(n + kSlack))},
            [&](const Primitives& set, std::vector<Floats>& f) {
              const float inverse = set.layer_norm(f[0].data(), f[1].data(), f[2].data(), n, 1e-5F, f[3].data(), &mean);
              return inverse + mean;
            });
    for (bool with_weights : {true, false})
      compare({random_floats(n, 1), random_floats(n, 2), random_floats(n, 3), random_floats(n, 4), random_floats(n, 5),
               random_floats(n, 6)},
              [&](const Primitives& set, std::vector<Floats>& f) {
                set.layer_norm_backward(f[0].data(), f[1].data(), n, 0.3F, 0.7F, f[2].data(), f[3].data(),
                                        with_weights ? f[4].data() : nullptr, with_weights ? f[5].data() : nullptr);
                return 0.0F;
              });
  }
}

TEST_CASE("gates, rotations and sums equal the plain loops") {
  for (int64_t n : kLengths) {
    INFO("length " << n);
    compare({random_floats(n, 1, 30), random_floats(n, 2), random_floats(n, 3)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.silu_gate(f[0].data(), f[1].data(), n, f[2].data());
              return set.dot(f[0].data(), f[1].data(), n);
            });
    compare(
        {random_floats(n, 1, 30), random_floats(n, 2), random_floats(n, 3), random_floats(n, 4), random_floats(n, 5)},
        [&](const Primitives& set, std::vector<Floats>& f) {
          set.silu_gate_backward(f[0].data(), f[1].data(), n, f[2].data(), f[3].data(), f[4].data());
          return 0.0F;
        });
    compare({random_floats(n, 1, 12), random_floats(n, 2), random_floats(n, 3), random_floats(n, 4),
             random_floats(n, 5), random_floats(n, 6)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.gelu_gate(f[0].data(), f[1].data(), n, f[2].data());
              set.gelu_gate_backward(f[0].data(), f[1].data(), n, f[3].data(), f[4].data(), f[5].data());
              return 0.0F;
            });
    compare({random_floats(n, 1, 12), random_floats(n, 2), random_floats(n, 3), random_floats(n, 4)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.gelu(f[0].data(), n, f[1].data());
              set.gelu_backward(f[0].data(), n, f[2].data(), f[3].data());
              return 0.0F;
            });
    compare({random_floats(2 * n, 1), random_floats(n, 2, 1), random_floats(n, 3, 1)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.rotate(f[0].data(), n, f[1].data(), f[2].data());
              set.rotate_back(f[0].data(), n, f[2].data(), f[1].data());
              return 0.0F;
            });
    compare({random_floats(n, 1), random_floats(n, 2), random_floats(n, 3)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.add(f[0].data(), f[1].data(), n, f[2].data());
              set.divide(f[0].data(), n, 3.7F);
              set.mix(f[0].data(), f[2].data(), 0.9F, n, f[1].data());
              return 0.0F;
            });
  }
}

TEST_CASE("softmax equals the plain loops") {
  for (int64_t n : kLengths) {
    INFO("length " << n);
    float max = 0;
    compare({random_floats(n + 20, 1, 50), random_floats(n + 20, 2)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              return set.softmax_row(f[0].data(), n, n + 20, 0.25F, &max);
            });
    compare({random_floats(n + 20, 1, 5), random_floats(n, 2), random_floats(n, 3)},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.softmax_again(f[0].data(), n, n + 20, 0.25F, 4.5F, 3);
              set.softmax_backward(f[0].data(), f[1].data(), n, 0.3F, 0.25F, f[2].data());
              return 0.0F;
            });
  }
}

TEST_CASE("optimizer steps equal the plain loops") {
  const AdamwStep step{.rate = 1e-3F,
                       .decay = 1e-5F,
                       .beta1 = 0.9F,
                       .beta2 = 0.999F,
                       .correction1 = 10,
                       .correction2 = 1000,
                       .epsilon = 1e-8F,
                       .scale = 0.5F};
  for (int64_t n : kLengths) {
    INFO("length " << n);
    Floats squares = random_floats(n, 4);
    for (float& value : squares) value = value * value;
    compare({random_floats(n, 1), random_floats(n, 2), random_floats(n, 3), squares},
            [&](const Primitives& set, std::vector<Floats>& f) {
              set.adamw(step, f[0].data(), n, f[1].data(), f[2].data(), f[3].data());
              set.sgd(step, f[0].data(), n, f[1].data());
              return 0.0F;
            });
  }
}

}  // namespace
}  // namespace sil::nn::cpu
