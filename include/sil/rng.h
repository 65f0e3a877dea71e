// Randomness is addressed, never consumed in order: Philox-4x32-10 (Salmon et al. 2011) keyed by what a draw is for.
// No generator state exists, so threads, batches, order and interruptions change no draw.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sil {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, uint64_t key);

// Uniform in (0, 1) with 24 bits: (2*(word>>9)+1) * 2^-24; never 0 or 1.
inline float uniform(uint32_t word) {
  return static_cast<float>(2 * (word >> 9) + 1) * 0x1p-24f;
}

// What a family of draws is for. The key is a 64-bit hash of all of it.
struct RandomPath {
  uint64_t seed = 0;               // of the run
  std::string_view purpose;        // "sample", "shuffle", "permute" ...
  std::vector<std::string> steps;  // names on the path, outermost first
  std::vector<int64_t> rounds;     // round, sub-round ...; empty where rounds must not matter (evaluate)

  uint64_t key() const;
};

// Narrows a path's key to one member of a model; member 0 keeps it.
uint64_t member_key(uint64_t path_key, int64_t member);

// Narrows a path's key to one group: same inputs, same key, in any process.
uint64_t group_key(uint64_t path_key, uint32_t member, uint32_t repeat, uint64_t parent, uint32_t occurrence);

// The counter of one sampled position: (uid 64 bit, sample 24, position 24, block 16).
std::array<uint32_t, 4> draw_counter(uint64_t uid, uint32_t sample, uint32_t position, uint32_t block);

// A stream of words for one purpose and item, for tasks, shuffles and bootstraps. Cheap to make.
class RandomStream {
 public:
  RandomStream(uint64_t key, uint64_t item) : key_(key), item_(item) {}
  uint32_t word();
  uint64_t below(uint64_t bound);  // unbiased, bound >= 1
  double unit();                   // [0, 1), 53 bits

 private:
  uint64_t key_;
  uint64_t item_;
  uint64_t index_ = 0;
  std::array<uint32_t, 4> block_{};
};

// A keyed bijection on [0, size): element `index` of permutation number `cycle`. O(1) memory (a Feistel network with
// cycle walking), so an endless permutation of a huge task needs no table.
uint64_t permuted(uint64_t key, uint64_t cycle, uint64_t index, uint64_t size);

}  // namespace sil
