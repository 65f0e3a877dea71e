#include "sil/rng.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sil/error.h"
#include "support/catch.h"

using namespace sil;

namespace {

using Words = std::array<uint32_t, 4>;

// Sum of (seen - expected)^2 / expected over equally likely cells.
double chi_square(const std::vector<int64_t>& seen, int64_t draws) {
  const double expected = static_cast<double>(draws) / static_cast<double>(seen.size());
  double sum = 0;
  for (int64_t n : seen) sum += (static_cast<double>(n) - expected) * (static_cast<double>(n) - expected) / expected;
  return sum;
}

// Five standard deviations above the mean of the chi-square distribution.
double chi_square_limit(size_t cells) {
  const double freedom = static_cast<double>(cells) - 1;
  return freedom + 5 * std::sqrt(2 * freedom);
}

}  // namespace

// kat_vectors of Random123 1.x, lines "philox4x32 10".
TEST_CASE("Philox gives Random123's known answers") {
  CHECK(philox4x32_10({0, 0, 0, 0}, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform floats are odd multiples of 2^-24, never 0 or 1") {
  CHECK(uniform(0) == 0x1p-24f);
  CHECK(uniform(0xffffffff) == 1 - 0x1p-24f);
  CHECK(uniform(0x80000000) == 0.5f + 0x1p-24f);
}

// By Python: hashlib.sha256 over length-prefixed fields, first 8 bytes big-endian.
TEST_CASE("a path's key is the hash of all of it") {
  const RandomPath path{7, "sample", {"loop", "generate"}, {3, 1}};
  CHECK(path.key() == 0xf6f42ed69e28c8cc);
  RandomPath other = path;
  other.seed = 8;
  CHECK(other.key() != path.key());
  other = path;
  other.purpose = "shuffle";
  CHECK(other.key() != path.key());
  other = path;
  other.steps = {"loopg", "enerate"};
  CHECK(other.key() != path.key());
  other = path;
  other.rounds = {3};
  CHECK(other.key() != path.key());
  other = path;
  other.rounds.clear();
  CHECK(other.key() != path.key());
}

TEST_CASE("a group's key depends on each of its parts") {
  std::set<uint64_t> keys;
  for (uint64_t path : {1u, 2u})
    for (uint32_t member : {0u, 1u})
      for (uint32_t repeat : {0u, 1u})
        for (uint64_t parent : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32})
          for (uint32_t occurrence : {0u, 1u}) keys.insert(group_key(path, member, repeat, parent, occurrence));
  CHECK(keys.size() == 2 * 2 * 2 * 3 * 2);
  CHECK(group_key(5, 1, 2, 3, 4) == group_key(5, 1, 2, 3, 4));
}

TEST_CASE("a draw's counter packs uid, sample, position and block without overlap") {
  CHECK(draw_counter(0x1122334455667788, 0, 0, 0) == Words{0x55667788, 0x11223344, 0, 0});
  CHECK(draw_counter(0, 0xabcdef, 0, 0) == Words{0, 0, 0x00abcdef, 0});
  CHECK(draw_counter(0, 0, 0xabcdef, 0) == Words{0, 0, 0xef000000, 0x0000abcd});
  CHECK(draw_counter(0, 0, 0, 0xbeef) == Words{0, 0, 0, 0xbeef0000});
  CHECK_THROWS_AS(draw_counter(0, 1 << 24, 0, 0), Error);
  CHECK_THROWS_AS(draw_counter(0, 0, 1 << 24, 0), Error);
  CHECK_THROWS_AS(draw_counter(0, 0, 0, 1 << 16), Error);
}

TEST_CASE("a stream is Philox over a running block number") {
  RandomStream stream(0x123456789, 0xabcdef0123456789);
  for (uint32_t block = 0; block < 3; ++block)
    for (uint32_t word : philox4x32_10({0x23456789, 0xabcdef01, block, 0}, 0x123456789)) CHECK(stream.word() == word);
}

TEST_CASE("numbers below a bound are uniform, for small, awkward and large bounds") {
  for (uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{10}, (uint64_t{1} << 31) + 1,
                         UINT64_C(0xffffffff), uint64_t{1} << 32, (uint64_t{1} << 63) + 1, UINT64_MAX}) {
    INFO(bound);
    RandomStream random(11, bound);
    const uint64_t cells = std::min<uint64_t>(bound, 10);
    std::vector<int64_t> seen(cells);
    for (int i = 0; i < 20000; ++i) {
      const uint64_t value = random.below(bound);
      REQUIRE(value < bound);
      const auto cell = static_cast<size_t>(static_cast<long double>(value) / static_cast<long double>(bound) *
                                            static_cast<long double>(cells));
      ++seen[std::min(cell, seen.size() - 1)];
    }
    CHECK(chi_square(seen, 20000) < chi_square_limit(seen.size()) + 1e-9);
  }
  CHECK_THROWS_AS(RandomStream(0, 0).below(0), Error);
}

TEST_CASE("unit is in [0, 1) with mean 1/2 and variance 1/12") {
  RandomStream random(5, 0);
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double value = random.unit();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    sum += value;
    squares += value * value;
  }
  CHECK(sum / n == Approx(0.5).margin(0.005));
  CHECK(squares / n - (sum / n) * (sum / n) == Approx(1.0 / 12).margin(0.002));
}

TEST_CASE("permuted is a bijection for every size, another one each cycle and key") {
  for (uint64_t size = 1; size <= 300; ++size)
    for (uint64_t cycle : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40}) {
      std::vector<bool> seen(size);
      for (uint64_t i = 0; i < size; ++i) {
        const uint64_t value = permuted(42, cycle, i, size);
        REQUIRE(value < size);
        REQUIRE_FALSE(seen[value]);
        seen[value] = true;
      }
    }
  int same_cycle = 0, same_key = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    same_cycle += permuted(42, 0, i, 1000) == permuted(42, 1, i, 1000);
    same_key += permuted(42, 0, i, 1000) == permuted(43, 0, i, 1000);
  }
  CHECK(same_cycle < 10);  // one is expected
  CHECK(same_key < 10);
}

TEST_CASE("permuted works at the ends of 64 bits") {
  for (uint64_t size : {uint64_t{1} << 32, (uint64_t{1} << 32) + 1, uint64_t{1} << 63, UINT64_MAX}) {
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < 200; ++i) {
      seen.insert(permuted(1, 0, i, size));
      seen.insert(permuted(1, 0, size - 1 - i, size));
    }
    CHECK(seen.size() == 400);
    CHECK(*seen.rbegin() < size);
    CHECK(*seen.rbegin() > size / 2);  // they spread
  }
  CHECK_THROWS_AS(permuted(1, 0, 5, 5), Error);
}

TEST_CASE("all orders of a few elements are equally likely over the cycles") {
  for (uint64_t size : {2u, 3u, 4u, 5u, 6u}) {
    INFO(size);
    size_t orders = 1;
    for (uint64_t i = 2; i <= size; ++i) orders *= i;
    std::map<std::vector<uint64_t>, int64_t> counts;
    const int64_t draws = static_cast<int64_t>(orders) * 200;
    for (int64_t cycle = 0; cycle < draws; ++cycle) {
      std::vector<uint64_t> order;
      for (uint64_t i = 0; i < size; ++i) order.push_back(permuted(9, static_cast<uint64_t>(cycle), i, size));
      ++counts[order];
    }
    REQUIRE(counts.size() == orders);
    std::vector<int64_t> seen;
    for (const auto& [order, n] : counts) seen.push_back(n);
    CHECK(chi_square(seen, draws) < chi_square_limit(orders));
  }
}
