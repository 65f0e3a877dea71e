// Matrices of floats and where they live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

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

// Memory that is taken piece by piece and given back all at once. Blocks stay with the arena until it ends, so a second
// pass over the same work asks the system for nothing. Not thread-safe: each worker has its own.
class Arena {
 public:
  // Uninitialised floats, on a cache line, with slack behind them.
  float* floats(int64_t count);
  Tensor tensor(int64_t rows, int64_t columns) { return {floats(rows * columns), rows, columns}; }

  struct Mark {
    size_t block = 0;
    int64_t used = 0;
  };
  Mark mark() const { return {block_, used_}; }
  void rewind(Mark mark) {
    block_ = mark.block;
    used_ = mark.used;
  }
  int64_t most_bytes() const;  // that were taken at once

 private:
  struct Free {
    void operator()(float* block) const;
  };
  struct Block {
    std::unique_ptr<float, Free> data;
    int64_t floats = 0;
    int64_t most = 0;  // floats taken at once
  };
  std::vector<Block> blocks_;
  size_t block_ = 0;  // that is being filled
  int64_t used_ = 0;  // floats of it
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
  Arena::Mark mark_;
};

}  // namespace sil::nn
