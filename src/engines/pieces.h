// Parallel work over index ranges.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.h"

namespace sil {

// Calls work(first, last) over [0, n) in pieces of `piece` items.
template <class Work>
void for_pieces(ThreadPool& pool, size_t n, size_t piece, const Work& work) {
  if (n <= piece) {
    if (n > 0) work(size_t{0}, n);
    return;
  }
  pool.for_each(static_cast<int64_t>((n + piece - 1) / piece), [&](int64_t p) {
    const size_t first = static_cast<size_t>(p) * piece;
    work(first, std::min(n, first + piece));
  });
}

// Rows of `width` floats that make a piece worth a thread's attention.
inline size_t rows_a_piece(size_t width) {
  return std::max<size_t>(1, 16384 / width);
}

}  // namespace sil
