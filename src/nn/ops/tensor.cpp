#include "nn/ops/tensor.h"

#include <algorithm>
#include <new>

namespace sil::nn {
namespace {

constexpr int64_t kLine = 16;  // floats of a cache line, and the slack behind a piece
constexpr auto kMostFloats = static_cast<int64_t>(Arena::kMostBytes / sizeof(float));

int64_t whole_lines(int64_t floats) {
  return (floats + kLine - 1) / kLine * kLine;
}

}  // namespace

float* Arena::floats(int64_t count) {
  const int64_t piece = whole_lines(count) + kLine;
  Block& block = block_for(piece);
  float* const out = block.floats.data() + (used_ - block.begin);
  used_ += piece;
  most_ = std::max(most_, used_);
  return out;
}

// What is left of a block is passed over where a piece does not fit in.
Arena::Block& Arena::block_for(int64_t count) {
  for (; current_ < blocks_.size(); ++current_) {
    Block& block = blocks_[current_];
    used_ = std::max(used_, block.begin);
    if (used_ + count <= block.end()) return block;
  }
  const int64_t begin = blocks_.empty() ? 0 : blocks_.back().end();
  if (count > kMostFloats - begin) {
    current_ = blocks_.empty() ? 0 : blocks_.size() - 1;
    throw std::bad_alloc();
  }
  blocks_.push_back({begin, Buffer(std::max(count, memory_.block()), memory_)});
  current_ = blocks_.size() - 1;
  used_ = begin;
  return blocks_.back();
}

void Arena::rewind(int64_t mark) {
  used_ = mark;
  while (current_ > 0 && blocks_[current_].begin > mark) --current_;
}

}  // namespace sil::nn
