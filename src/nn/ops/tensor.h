// Matrices of floats and where they live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/ops/buffer.h"

namespace sil::nn {

// [rows, columns], row-major, without gaps. A view; its arena owns the floats. Up to 16 floats behind the last one may
// be read.
struct Tensor {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;

  int64_t size() const { return rows * columns; }
  float* row(int64_t index) const { return data + index * columns; }
};

// Memory that is taken piece by piece and given back all at once; what was used stays until the arena ends. So passes
// of any sizes need what the largest one does, and a second one asks the system for nothing. Not thread-safe: each
// worker has its own.
class Arena {
 public:
  static constexpr size_t kMostBytes = size_t{64} << 30;  // std::bad_alloc beyond

  explicit Arena(const Memory& memory = host_memory()) : memory_(memory) {}

  // Uninitialised floats, on a cache line, with slack behind them.
  float* floats(int64_t count);
  Tensor tensor(int64_t rows, int64_t columns) { return {floats(rows * columns), rows, columns}; }
  const Memory& memory() const { return memory_; }

  int64_t mark() const { return used_; }
  void rewind(int64_t mark);
  int64_t most_bytes() const { return most_ * static_cast<int64_t>(sizeof(float)); }  // that were taken at once

 private:
  // Positions count through all blocks.
  struct Block {
    int64_t begin = 0;
    Buffer floats;
    int64_t end() const { return begin + floats.size(); }
  };
  Block& block_for(int64_t count);

  const Memory& memory_;
  std::vector<Block> blocks_;  // none until something is taken
  size_t current_ = 0;         // the block that used_ lies in
  int64_t used_ = 0;           // floats
  int64_t most_ = 0;
};

// Gives back at the end of a scope what was taken in it.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.rewind(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  int64_t mark_;
};

}  // namespace sil::nn
