#include "base/character_assembler.h"

#include "base/utf8.h"

namespace sil {
namespace {

// Whether one more byte could make `part` longer than one replaced part.
bool may_continue(const std::string& part) {
  for (const char next : {'\x80', '\x90', '\xA0'})
    if (utf8_step(part + next).length > part.size()) return true;
  return false;
}

}  // namespace

std::string CharacterAssembler::push(std::string_view bytes) {
  waiting_ += bytes;
  return take(false);
}

std::string CharacterAssembler::finish() {
  return take(true);
}

std::string CharacterAssembler::take(bool last) {
  std::string out;
  size_t at = 0;
  while (at < waiting_.size()) {
    const std::string_view rest = std::string_view(waiting_).substr(at);
    const Utf8Step step = utf8_step(rest);
    if (!step.valid && step.length == rest.size() && !last && may_continue(std::string(rest))) break;
    out += step.valid ? rest.substr(0, step.length) : kReplacementCharacter;
    at += step.length;
  }
  waiting_.erase(0, at);
  return out;
}

}  // namespace sil
