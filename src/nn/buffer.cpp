#include "nn/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sil::nn {

constexpr int64_t kSlack = 16;

void Buffer::Free::operator()(float* data) const {
  std::free(data);
}

Buffer::Buffer(int64_t floats) : size_(floats) {
  const size_t bytes = static_cast<size_t>((floats + kSlack + 15) / 16 * 16) * sizeof(float);
  data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, bytes);
}

Buffer::Buffer(const Buffer& other) {
  if (other.empty()) return;
  Buffer copy(other.size_);
  std::copy_n(other.data(), other.size_, copy.data());
  *this = std::move(copy);
}

Buffer& Buffer::operator=(Buffer other) noexcept {
  data_ = std::move(other.data_);
  size_ = other.size_;
  return *this;
}

void Buffer::clear() {
  std::fill_n(data(), size_, 0.0F);
}

}  // namespace sil::nn
