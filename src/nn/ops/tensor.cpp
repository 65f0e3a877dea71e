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

void Arena::Unmap::operator()(float* range) const {
  ::munmap(range, Arena::kMostBytes);
}

float* Arena::floats(int64_t count) {
  if (!range_) {
    void* const range =
        ::mmap(nullptr, Arena::kMostBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) throw std::bad_alloc();
    range_.reset(static_cast<float*>(range));
  }
  float* const out = range_.get() + used_;
  used_ += whole_lines(count) + kLine;
  most_ = std::max(most_, used_);
  if (most_bytes() > static_cast<int64_t>(kMostBytes)) throw std::bad_alloc();
  return out;
}

}  // namespace sil::nn
