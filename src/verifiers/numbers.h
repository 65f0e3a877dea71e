// Numbers as people and models write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sil {

struct WrittenNumber {
  double value = 0;  // finite
  // Of plain integers, however long: sign and digits without separators, leading zeros or "-0". Two integers beyond
  // 2^53 may share a double and yet differ.
  std::string integer;
};

// 42  -3.50  .5  1,234,567  6.02e23  3/4  -1,000/3  12.5%  7.  and white space at both ends; U+2212 counts as minus.
// nullopt for anything else: other words or digits, nan, inf, hexadecimal, a zero denominator, values out of double's
// range, and texts of more than kMaxNumberBytes.
std::optional<WrittenNumber> read_number(std::string_view text);

inline constexpr size_t kMaxNumberBytes = 256;

}  // namespace sil
