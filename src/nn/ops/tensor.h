// Matrices of floats and where they live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

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

// Addresses of so many bytes; a page of memory comes into being behind them when it is first used. Throws
// std::bad_alloc where the system has none left. Owns them.
class AddressRange {
 public:
  explicit AddressRange(size_t bytes);
  ~AddressRange();
  AddressRange(const AddressRange&) = delete;
  AddressRange& operator=(const AddressRange&) = delete;
  float* floats() const { return static_cast<float*>(at_); }

 private:
  size_t bytes_;
  void* at_;
};

// Memory that is taken piece by piece and given back all at once; pages that were used stay until the arena ends. So
// passes of any sizes need what the largest one does, and a second one asks the system for nothing. Not thread-safe:
// each worker has its own.
class Arena {
 public:
  static constexpr size_t kMostBytes = size_t{64} << 30;  // std::bad_alloc beyond

  // Uninitialised floats, on a cache line, with slack behind them.
  float* floats(int64_t count);
  Tensor tensor(int64_t rows, int64_t columns) { return {floats(rows * columns), rows, columns}; }

  int64_t mark() const { return used_; }
  void rewind(int64_t mark) { used_ = mark; }
  int64_t most_bytes() const { return most_ * static_cast<int64_t>(sizeof(float)); }  // that were taken at once

 private:
  std::optional<AddressRange> range_;  // none until something is taken
  int64_t used_ = 0;                   // floats
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
