// A flat buffer of floats with slack behind it, zeros at first.
#pragma once

#include <cstdint>
#include <utility>

#include "nn/ops/memory.h"

namespace sil::nn {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t floats, const Memory& memory = host_memory());
  ~Buffer();
  Buffer(const Buffer& other);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer other) noexcept {
    swap(other);
    return *this;
  }

  // Of `memory()`: the host's code may follow the pointer where that is the host's own.
  float* data() { return data_; }
  const float* data() const { return data_; }
  const Memory& memory() const { return *memory_; }
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { memory_->zero(data_, size_); }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  const Memory* memory_ = &host_memory();
  float* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace sil::nn
