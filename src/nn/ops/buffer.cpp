#include "nn/ops/buffer.h"

namespace sil::nn {

constexpr int64_t kSlack = 16;

Buffer::Buffer(int64_t floats, const Memory& memory)
    : memory_(&memory), data_(memory.take(floats + kSlack)), size_(floats) {}

Buffer::~Buffer() {
  if (data_ != nullptr) memory_->give(data_, size_ + kSlack);
}

Buffer::Buffer(const Buffer& other) {
  if (other.empty()) return;
  Buffer copy(other.size_, *other.memory_);
  memory_->copy(other.data_, other.size_, copy.data_);
  swap(copy);
}

}  // namespace sil::nn
