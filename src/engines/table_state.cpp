#include "engines/table_state.h"

#include <numeric>

#include "sil/error.h"

namespace sil {
namespace {

uint64_t hash_of(std::span<const TokenId> ids) {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (TokenId id : ids) {
    hash = (hash ^ static_cast<uint32_t>(id)) * 0xbf58476d1ce4e5b9;
    hash ^= hash >> 29;
  }
  return hash;
}

// Moves piece i of `values` from piece order[i].
template <class T>
void permute(std::vector<T>& values, const std::vector<uint32_t>& order, size_t width) {
  std::vector<T> moved(values.size());
  for (size_t row = 0; row < order.size(); ++row)
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(order[row] * width), width,
                moved.begin() + static_cast<std::ptrdiff_t>(row * width));
  values = std::move(moved);
}

}  // namespace

ContextTable::ContextTable(size_t context, size_t vocabulary)
    : context_(context), vocabulary_(vocabulary), zeros_(vocabulary), index_(16, kUnseen) {
  SIL_CHECK(context <= kMostContext && vocabulary > 0);
}

// Where the context stands, or the free slot where it would.
size_t ContextTable::slot(std::span<const TokenId> wanted) const {
  const size_t mask = index_.size() - 1;
  for (size_t at = hash_of(wanted) & mask;; at = (at + 1) & mask) {
    if (index_[at] == kUnseen) return at;
    if (std::equal(wanted.begin(), wanted.end(), ids(static_cast<size_t>(index_[at])).begin())) return at;
  }
}

int32_t ContextTable::find(std::span<const TokenId> wanted) const {
  return index_[slot(wanted)];
}

int32_t ContextTable::find_or_add(std::span<const TokenId> wanted) {
  size_t at = slot(wanted);
  if (index_[at] != kUnseen) return index_[at];
  if (2 * (rows_ + 1) > index_.size()) {
    rebuild(2 * index_.size());
    at = slot(wanted);
  }
  ids_.insert(ids_.end(), wanted.begin(), wanted.end());
  logits_.resize(logits_.size() + vocabulary_);
  SIL_CHECK(rows_ < size_t{1} << 30);
  index_[at] = static_cast<int32_t>(rows_++);
  return index_[at];
}

void ContextTable::rebuild(size_t slots) {
  index_.assign(slots, kUnseen);
  for (size_t row = 0; row < rows_; ++row) index_[slot(ids(row))] = static_cast<int32_t>(row);
}

std::vector<uint32_t> ContextTable::sorted_rows() const {
  std::vector<uint32_t> order(rows_);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    const auto left = ids(a);
    const auto right = ids(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  return order;
}

void ContextTable::reorder(const std::vector<uint32_t>& order) {
  permute(ids_, order, context_);
  permute(logits_, order, vocabulary_);
  rebuild(index_.size());
}

void TableState::settle() {
  const std::vector<uint32_t> order = table.sorted_rows();
  if (std::is_sorted(order.begin(), order.end())) return;
  table.reorder(order);
  if (moments.first.empty()) return;
  permute(moments.first, order, table.vocabulary());
  permute(moments.second, order, table.vocabulary());
}

TableState average_of(const TableState& average, const TableState& state, double decay) {
  TableState out{ContextTable(state.table.context(), state.table.vocabulary()), {}};
  for (const TableState* source : {&average, &state})
    for (size_t row = 0; row < source->table.rows(); ++row) out.table.find_or_add(source->table.ids(row));
  for (size_t row = 0; row < out.table.rows(); ++row) {
    const auto old_row = average.table.logits(average.table.find(out.table.ids(row)));
    const auto new_row = state.table.logits(state.table.find(out.table.ids(row)));
    const std::span<float> mixed = out.table.row(row);
    for (size_t i = 0; i < mixed.size(); ++i)
      mixed[i] =
          static_cast<float>(decay * static_cast<double>(old_row[i]) + (1 - decay) * static_cast<double>(new_row[i]));
  }
  out.settle();
  return out;
}

}  // namespace sil
