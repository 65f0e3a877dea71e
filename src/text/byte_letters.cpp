#include "text/byte_letters.h"

#include <array>

#include "base/code_point.h"

namespace sil {
namespace {

constexpr size_t kLetters = 0x100 + 68;  // so many bytes do not print

struct Tables {
  std::array<std::string, 256> letters;
  std::array<int, kLetters> bytes;  // -1: no letter

  Tables() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 0x100; ++byte) {
      const bool prints = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      const char32_t letter = prints ? byte : next++;
      append_utf8(letters[byte], letter);
      bytes[letter] = static_cast<int>(byte);
    }
  }
};

const Tables& tables() {
  static const Tables all;
  return all;
}

}  // namespace

void append_byte_letters(std::string& out, std::string_view bytes) {
  const Tables& all = tables();
  for (const char byte : bytes) out += all.letters[static_cast<unsigned char>(byte)];
}

std::optional<char> byte_of_letter(char32_t letter) {
  if (letter >= kLetters || tables().bytes[letter] < 0) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(tables().bytes[letter]));
}

}  // namespace sil
