#include "nn/ops/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace sil::nn {
namespace {

constexpr int64_t kLine = 16;  // floats of a cache line, and the slack behind a piece

int64_t whole_lines(int64_t floats) {
  return (floats + kLine - 1) / kLine * kLine;
}

}  // namespace

AddressRange::AddressRange(size_t bytes) : bytes_(bytes) {
  at_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at_ == MAP_FAILED) throw std::bad_alloc();
}

AddressRange::~AddressRange() {
  ::munmap(at_, bytes_);
}

float* Arena::floats(int64_t count) {
  if (!range_) range_.emplace(kMostBytes);
  float* const out = range_->floats() + used_;
  used_ += whole_lines(count) + kLine;
  most_ = std::max(most_, used_);
  if (most_bytes() > static_cast<int64_t>(kMostBytes)) throw std::bad_alloc();
  return out;
}

}  // namespace sil::nn
