// Products that the threads of a pool share, beside those of one thread.
#include "nn/cpu/kernels.h"

#include <cstring>
#include <vector>

#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

std::vector<float> drawn(int64_t count, uint64_t key) {
  RandomStream random(key, 1);
  std::vector<float> out(static_cast<size_t>(count + 16));
  for (float& value : out) value = static_cast<float>(random.unit() - 0.5);
  return out;
}

TEST_CASE("a product shared among threads has the bits of one thread's", "[threads]") {
  ThreadPool pool(3);
  const auto alone = nn::cpu_kernels();
  const auto together = nn::cpu_kernels(nn::cpu::quickest(), &pool);
  struct Case {
    int64_t rows, columns, tokens;
  };
  for (const auto& [rows, columns, tokens] :
       {Case{600, 576, 1}, Case{1003, 130, 7}, Case{16, 5000, 13}, Case{33, 2048, 64}, Case{8, 4, 3}}) {
    INFO(rows << " x " << columns << ", " << tokens);
    const std::vector<float> plain = drawn(rows * columns, 3);
    std::vector<float> packed(static_cast<size_t>(alone->matrix_floats(rows, columns) + 16));
    const nn::Matrix matrix{.data = packed.data(), .rows = rows, .columns = columns};
    alone->pack(plain.data(), 0, rows, matrix, packed.data());
    std::vector<float> x = drawn(tokens * columns, 4);
    const std::vector<float> bias = drawn(rows, 5);
    std::vector<float> one(static_cast<size_t>(tokens * rows + 16), 7), several(one);
    alone->linear({x.data(), tokens, columns}, matrix, bias.data(), {one.data(), tokens, rows});
    together->linear({x.data(), tokens, columns}, matrix, bias.data(), {several.data(), tokens, rows});
    CHECK(std::memcmp(one.data(), several.data(), static_cast<size_t>(tokens * rows) * sizeof(float)) == 0);
    CHECK(std::any_of(one.begin(), one.end(), [](float value) { return value != 7 && value != 0; }));
  }
}

}  // namespace
}  // namespace sil::test
