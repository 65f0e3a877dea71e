#include "nn/ops/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace sil::nn {
namespace {

constexpr int64_t kLine = 16;                  // floats of a cache line, and the slack behind a piece
constexpr int64_t kBlockFloats = 1024 * 1024;  // at least

int64_t whole_lines(int64_t floats) {
  return (floats + kLine - 1) / kLine * kLine;
}

}  // namespace

void Arena::Free::operator()(float* block) const {
  std::free(block);
}

float* Arena::floats(int64_t count) {
  const int64_t need = whole_lines(count) + kLine;
  while (block_ < blocks_.size() && used_ + need > blocks_[block_].floats) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const int64_t size = std::max(need, kBlockFloats);
    auto* data = static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(size) * sizeof(float)));
    if (data == nullptr) throw std::bad_alloc();
    blocks_.push_back({std::unique_ptr<float, Free>(data), size, 0});
  }
  float* const out = blocks_[block_].data.get() + used_;
  used_ += need;
  blocks_[block_].most = std::max(blocks_[block_].most, used_);
  return out;
}

int64_t Arena::most_bytes() const {
  int64_t floats = 0;
  for (const Block& block : blocks_) floats += block.most;
  return floats * static_cast<int64_t>(sizeof(float));
}

}  // namespace sil::nn
