// The code points of valid UTF-8, one after the other.
#pragma once

#include <string_view>

#include "base/code_point.h"

namespace sil::tokenizers {

// Bytes of the character that begins with `lead`.
inline size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The character of `text` that begins at `at`; `text` is valid UTF-8.
inline std::string_view character_at(std::string_view text, size_t at) {
  return text.substr(at, character_length(text[at]));
}

// Calls take(code point, its bytes) for each character.
template <class Take>
void for_each_character(std::string_view text, Take take) {
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = character_at(text, at);
    take(code_point(character), character);
    at += character.size();
  }
}

}  // namespace sil::tokenizers
