// Options that are a whole number n or a range [low, high] of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sil {

struct IntegerRange {
  int64_t low = 0, high = 0;  // both included
};

// Throws Error(Exit::usage) that names the option unless low <= high are whole numbers in `allowed`.
IntegerRange integer_range(std::string_view option, const std::vector<double>& values, IntegerRange allowed);

}  // namespace sil
