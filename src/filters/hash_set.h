// A set of 64-bit hashes in one flat table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sil {

// Open addressing with linear probing, 8 bytes a slot, at most two thirds full. The hashes must be uniform already.
class HashSet {
 public:
  // False when it was there.
  bool insert(uint64_t hash) {
    if (3 * (size_ + 1) > 2 * slots_.size()) grow();
    if (!place(hash == kEmpty ? 1 : hash)) return false;
    ++size_;
    return true;
  }
  size_t size() const { return size_; }

 private:
  static constexpr uint64_t kEmpty = 0;

  bool place(uint64_t hash) {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      if (slots_[at] == hash) return false;
      if (slots_[at] != kEmpty) continue;
      slots_[at] = hash;
      return true;
    }
  }
  void grow() {
    std::vector<uint64_t> old(slots_.empty() ? 64 : 2 * slots_.size(), kEmpty);
    old.swap(slots_);
    for (uint64_t hash : old)
      if (hash != kEmpty) place(hash);
  }

  std::vector<uint64_t> slots_;
  size_t size_ = 0;
};

}  // namespace sil
