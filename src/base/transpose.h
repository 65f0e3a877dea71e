// Matrices the other way round.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sil {

// Row-major [rows, columns] as [columns, rows].
inline std::vector<float> transposed(std::span<const float> values, int64_t rows, int64_t columns) {
  std::vector<float> out(values.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      out[static_cast<size_t>(j * rows + i)] = values[static_cast<size_t>(i * columns + j)];
  return out;
}

}  // namespace sil
