// Tables of Unicode's character database, in order of code points.
#pragma once

#include <cstddef>

namespace sil::jinja {

struct CharRange {
  char32_t first, last;
};
// Every `step`-th character from first to last moves by `distance`.
struct CaseRun {
  char32_t first, last;
  int step, distance;
};
struct CaseSpecial {
  char32_t point;
  const char* text;  // the several characters that it becomes
};

extern const CharRange kUnprintable[], kAlphabetic[], kDecimal[], kDigit[], kNumeric[], kUpper[], kLower[], kTitle[];
extern const size_t kUnprintable_size, kAlphabetic_size, kDecimal_size, kDigit_size, kNumeric_size, kUpper_size,
    kLower_size, kTitle_size;
extern const CaseRun kToUpper[], kToLower[], kToTitle[];
extern const size_t kToUpper_size, kToLower_size, kToTitle_size;
extern const CaseSpecial kToUpperSpecial[], kToLowerSpecial[], kToTitleSpecial[];
extern const size_t kToUpperSpecial_size, kToLowerSpecial_size, kToTitleSpecial_size;

}  // namespace sil::jinja
