// The weights of a table engine: one row of V logits for every context seen in training. A context is the last n ids,
// shorter at the beginning; a context without a row predicts uniformly. Rows are found by open addressing over the hash
// of the context. A state at rest has its rows sorted by context, so its bytes do not depend on the order of training.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sil/records.h"

namespace sil {

inline constexpr size_t kMostContext = 16;

// The last ids before a position, oldest first; kNone where the sequence is shorter.
class ContextWindow {
 public:
  static constexpr TokenId kNone = -1;

  explicit ContextWindow(size_t length) : length_(length) { ids_.fill(kNone); }

  void push(TokenId id) {
    if (length_ == 0) return;
    std::copy(ids_.begin() + 1, ids_.begin() + static_cast<std::ptrdiff_t>(length_), ids_.begin());
    ids_[length_ - 1] = id;
  }
  // As if every id had been pushed.
  void push_all(std::span<const TokenId> ids) {
    for (TokenId id : ids.last(std::min(ids.size(), length_))) push(id);
  }
  std::span<const TokenId> ids() const { return {ids_.data(), length_}; }

 private:
  std::array<TokenId, kMostContext> ids_;
  size_t length_;
};

class ContextTable {
 public:
  ContextTable(size_t context, size_t vocabulary);

  size_t context() const { return context_; }
  size_t vocabulary() const { return vocabulary_; }
  size_t rows() const { return rows_; }

  static constexpr int32_t kUnseen = -1;
  // Row of a context (`context()` ids), or kUnseen.
  int32_t find(std::span<const TokenId> ids) const;
  // A new row is zero and the last.
  int32_t find_or_add(std::span<const TokenId> ids);

  std::span<const TokenId> ids(size_t row) const { return {ids_.data() + row * context_, context_}; }
  std::span<float> row(size_t index) { return {logits_.data() + index * vocabulary_, vocabulary_}; }
  // Of a row that `find` gave; of kUnseen: zeros.
  std::span<const float> logits(int32_t row) const {
    return row < 0 ? std::span<const float>(zeros_)
                   : std::span<const float>(logits_.data() + static_cast<size_t>(row) * vocabulary_, vocabulary_);
  }
  std::span<const TokenId> all_ids() const { return ids_; }
  std::span<const float> all_logits() const { return logits_; }
  std::span<float> all_logits() { return logits_; }

  // Row numbers in the order of their contexts.
  std::vector<uint32_t> sorted_rows() const;
  // Puts the rows into that order.
  void reorder(const std::vector<uint32_t>& order);

 private:
  size_t slot(std::span<const TokenId> ids) const;
  void rebuild(size_t slots);

  size_t context_;
  size_t vocabulary_;
  size_t rows_ = 0;
  std::vector<TokenId> ids_;    // [rows * context]
  std::vector<float> logits_;   // [rows * vocabulary]
  std::vector<float> zeros_;    // [vocabulary]
  std::vector<int32_t> index_;  // open addressing, a power of two at most half full; kUnseen = free
};

// AdamW's moments, laid out as the logits. No steps and empty where no optimizer state is kept (SGD, or never trained).
struct TableMoments {
  int64_t steps = 0;
  std::vector<float> first;
  std::vector<float> second;
};

struct TableState {
  ContextTable table;
  TableMoments moments;

  // Sorts rows and moments by context.
  void settle();
};

// decay * average + (1 - decay) * state, over the contexts of both; without moments.
TableState average_of(const TableState& average, const TableState& state, double decay);

}  // namespace sil
