#include "cage/printable.h"

#include "base/utf8.h"

namespace sil {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Terminals act on C0, DEL and the C1 controls U+0080..U+009F.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string printable(std::string_view text, size_t limit, bool lines) {
  std::string out;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    std::string_view character = step.valid ? text.substr(0, step.length) : kReplacementCharacter;
    if (is_control(character) && !(lines && character == "\n")) character = " ";
    if (out.size() + character.size() > limit) {
      out += kEllipsis;
      return out;
    }
    out += character;
    text.remove_prefix(step.length);
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  return out;
}

}  // namespace sil
