// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
#include "sil/rng.h"

#include <bit>

#include "sil/digest.h"
#include "sil/error.h"

namespace sil {
namespace {

using Words = std::array<uint32_t, 4>;

uint32_t low(uint64_t value) {
  return static_cast<uint32_t>(value);
}
uint32_t high(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}
uint64_t joined(uint32_t low_word, uint32_t high_word) {
  return uint64_t{high_word} << 32 | low_word;
}

// Last counter words that keep derived keys apart from the draws that may be made under the same key.
constexpr uint32_t kGroupTag = 0x67726f75;
constexpr uint32_t kParentTag = 0x70617265;
// In the place of a Feistel round's number.
constexpr uint32_t kSwapTag = 0x73776170;

}  // namespace

Words philox4x32_10(Words counter, uint64_t key) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;  // golden ratio, sqrt(3) - 1
  uint32_t key0 = low(key), key1 = high(key);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * counter[0];
    const uint64_t product1 = kMultiplier1 * counter[2];
    counter = {high(product1) ^ counter[1] ^ key0, low(product1), high(product0) ^ counter[3] ^ key1, low(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

uint64_t RandomPath::key() const {
  Sha256 hash;
  hash.field("sil random path 1").number(seed).field(purpose).number(steps.size());
  for (const std::string& step : steps) hash.field(step);
  hash.number(rounds.size());
  for (int64_t round : rounds) hash.number(static_cast<uint64_t>(round));
  return hash.finish().head();
}

uint64_t group_key(uint64_t path_key, uint32_t member, uint32_t repeat, uint64_t parent, uint32_t occurrence) {
  const Words first = philox4x32_10({member, repeat, occurrence, kGroupTag}, path_key);
  const Words second = philox4x32_10({low(parent), high(parent), first[2], kParentTag}, joined(first[0], first[1]));
  return joined(second[0], second[1]);
}

uint64_t member_key(uint64_t path_key, int64_t member) {
  return member == 0 ? path_key : group_key(path_key, static_cast<uint32_t>(member), 0, 0, 0);
}

Words draw_counter(uint64_t uid, uint32_t sample, uint32_t position, uint32_t block) {
  SIL_CHECK(sample < (1u << 24) && position < (1u << 24) && block < (1u << 16));
  return {low(uid), high(uid), sample | position << 24, position >> 8 | block << 16};
}

uint32_t RandomStream::word() {
  const auto lane = static_cast<size_t>(index_ % 4);
  if (lane == 0) block_ = philox4x32_10({low(item_), high(item_), low(index_ / 4), high(index_ / 4)}, key_);
  ++index_;
  return block_[lane];
}

// Lemire, "Fast Random Integer Generation in an Interval" (2019): the product's high part is the number; low parts that
// would be hit once too often are drawn again.
uint64_t RandomStream::below(uint64_t bound) {
  SIL_CHECK(bound >= 1);
  if (bound <= UINT32_MAX) {
    const auto small = static_cast<uint32_t>(bound);
    uint64_t product = uint64_t{word()} * small;
    if (low(product) < small)
      for (const uint32_t surplus = (0u - small) % small; low(product) < surplus;) product = uint64_t{word()} * small;
    return high(product);
  }
  // 2^64 mod bound values at the top would make the low residues too frequent.
  const uint64_t surplus = (0 - bound) % bound;
  for (;;) {
    const uint32_t first = word();
    const uint64_t value = joined(first, word());
    if (value <= UINT64_MAX - surplus) return value % bound;
  }
}

double RandomStream::unit() {
  const uint32_t first = word();
  return static_cast<double>(joined(first, word()) >> 11) * 0x1p-53;
}

// Luby and Rackoff's construction over the smallest 4^half >= size; positions beyond size are walked on, which keeps it
// a bijection (Black and Rogaway 2002). Twelve rounds, as domains of a few elements need more than the usual four: with
// eight, a chi-square test over all orders of six elements still sees a bias. Rounds on halves of two or more bits are
// even permutations; a coin that swaps 0 and 1 makes the odd ones as likely.
uint64_t permuted(uint64_t key, uint64_t cycle, uint64_t index, uint64_t size) {
  SIL_CHECK(index < size);
  if (size == 1) return 0;
  const int half = (static_cast<int>(std::bit_width(size - 1)) + 1) / 2;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  uint64_t value = index;
  do {
    if (value < 2) value ^= philox4x32_10({0, kSwapTag, low(cycle), high(cycle)}, key)[0] & 1;
    uint64_t left = value >> half, right = value & mask;
    for (uint32_t round = 0; round < 12; ++round) {
      const Words noise = philox4x32_10({low(right), round, low(cycle), high(cycle)}, key);
      const uint64_t mixed = left ^ (noise[0] & mask);
      left = right;
      right = mixed;
    }
    value = left << half | right;
  } while (value >= size);
  return value;
}

}  // namespace sil
