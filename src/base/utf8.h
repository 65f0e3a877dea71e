// One step through text that may or may not be UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
#pragma once

#include <cstddef>
#include <string_view>

namespace sil {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Step {
  size_t length = 0;  // bytes of the character, or of the part that is replaced by one U+FFFD
  bool valid = false;
};

// The first character of `text`, which must not be empty.
Utf8Step utf8_step(std::string_view text);

}  // namespace sil
