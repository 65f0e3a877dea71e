// A flat buffer of floats with slack behind it, zeros at first.
#pragma once

#include <cstdint>
#include <memory>

namespace sil::nn {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t floats);
  Buffer(const Buffer& other);
  Buffer& operator=(Buffer other) noexcept;
  Buffer(Buffer&&) noexcept = default;

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();  // zeros

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

}  // namespace sil::nn
