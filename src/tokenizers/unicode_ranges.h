// Sets of code points as sorted ranges.
#pragma once

#include <array>

namespace sil::tokenizers {

struct CodeRange {
  char32_t first, last;
};
struct CodePair {
  char32_t from, to;
};

#include "tokenizers/unicode_tables.inc"

}  // namespace sil::tokenizers
