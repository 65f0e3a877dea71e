#include "jinja/text_scan.h"

#include <cstring>

#include "base/code_point.h"
#include "base/utf8.h"

namespace sil::jinja {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

size_t code_points(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += continues(c) ? 0 : 1;
  return count;
}

size_t bytes_of(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (continues(text[at])) continue;
    if (count == 0) break;
    --count;
  }
  return at;
}

size_t character_length(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && continues(text[length])) ++length;
  return length;
}

char32_t first_code_point(std::string_view text) {
  const Utf8Step step = utf8_step(text);
  if (!step.valid) return static_cast<unsigned char>(text[0]);
  return code_point(text.substr(0, step.length));
}

size_t find_text(std::string_view text, std::string_view wanted, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (wanted.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

size_t rfind_text(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return text.size();
  size_t last = std::string_view::npos;
  for (size_t at = find_text(text, wanted); at != std::string_view::npos; at = find_text(text, wanted, at + 1))
    last = at;
  return last;
}

bool is_space(char32_t point) {
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || point == 0x85 || point == 0xA0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
         point == 0x202F || point == 0x205F || point == 0x3000;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty() && is_space(first_code_point(text))) text.remove_prefix(character_length(text));
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && continues(text[start])) --start;
    if (!is_space(first_code_point(text.substr(start)))) break;
    text = text.substr(0, start);
  }
  return text;
}

}  // namespace sil::jinja
