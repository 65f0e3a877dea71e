#include "base/code_point.h"

#include <cstdio>

#include "base/utf8.h"

namespace sil {

char32_t code_point(std::string_view character) {
  constexpr unsigned char kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t point = static_cast<unsigned char>(character[0]) & kLeadBits[character.size()];
  for (char c : character.substr(1)) point = (point << 6) | (static_cast<unsigned char>(c) & 0x3F);
  return point;
}

void append_utf8(std::string& out, char32_t point) {
  const auto byte = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  const auto tail = [&](int shift) { byte(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    byte(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string code_point_name(char32_t point) {
  char name[16];
  std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(point));
  return name;
}

bool is_utf8(std::string_view text, size_t* fault) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (!step.valid) {
      if (fault != nullptr) *fault = at;
      return false;
    }
    at += step.length;
  }
  return true;
}

}  // namespace sil
