#include "jinja/text_split.h"

#include <algorithm>

#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

constexpr auto kNowhere = std::string_view::npos;

// Bytes before the first white space.
size_t word_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && !is_space(first_code_point(text.substr(length))))
    length += character_length(text.substr(length));
  return length;
}

size_t last_word_start(std::string_view text) {
  size_t start = text.size();
  while (start > 0) {
    size_t before = start - 1;
    while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0) == 0x80) --before;
    if (is_space(first_code_point(text.substr(before)))) break;
    start = before;
  }
  return start;
}

Pieces words(std::string_view text, int64_t most) {
  Pieces out;
  for (text = strip_left(text); !text.empty(); text = strip_left(text)) {
    if (most >= 0 && static_cast<int64_t>(out.size()) == most) {
      out.push_back(text);
      break;
    }
    const size_t length = word_length(text);
    out.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

Pieces words_right(std::string_view text, int64_t most) {
  Pieces out;
  for (text = strip_right(text); !text.empty(); text = strip_right(text)) {
    if (most >= 0 && static_cast<int64_t>(out.size()) == most) {
      out.push_back(text);
      break;
    }
    const size_t start = last_word_start(text);
    out.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Where a line ends, as str.splitlines sees it: its length, or 0.
size_t line_end(std::string_view text) {
  if (text.starts_with("\r\n")) return 2;
  const char32_t point = first_code_point(text);
  const bool ends = (point >= 0x0A && point <= 0x0D) || (point >= 0x1C && point <= 0x1E) || point == 0x85 ||
                    point == 0x2028 || point == 0x2029;
  return ends ? character_length(text) : 0;
}

}  // namespace

Pieces split(std::string_view text, std::optional<std::string_view> separator, int64_t most) {
  if (!separator) return words(text, most);
  Pieces out;
  size_t at = 0;
  while (most < 0 || static_cast<int64_t>(out.size()) < most) {
    const size_t found = find_text(text, *separator, at);
    if (found == kNowhere) break;
    out.push_back(text.substr(at, found - at));
    at = found + separator->size();
  }
  out.push_back(text.substr(at));
  return out;
}

Pieces split_right(std::string_view text, std::optional<std::string_view> separator, int64_t most) {
  if (!separator) return words_right(text, most);
  // Right to left, so that overlapping separators are found as Python finds them.
  Pieces out;
  while (most < 0 || static_cast<int64_t>(out.size()) < most) {
    const size_t found = text.rfind(*separator);
    if (found == kNowhere) break;
    out.push_back(text.substr(found + separator->size()));
    text = text.substr(0, found);
  }
  out.push_back(text);
  std::reverse(out.begin(), out.end());
  return out;
}

Pieces split_lines(std::string_view text, bool keep_ends) {
  Pieces out;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = line_end(text.substr(at));
    if (end == 0) {
      at += character_length(text.substr(at));
      continue;
    }
    out.push_back(text.substr(start, at - start + (keep_ends ? end : 0)));
    start = at += end;
  }
  if (start < text.size()) out.push_back(text.substr(start));
  return out;
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters) {
  if (!characters) {
    if (side != Side::right) text = strip_left(text);
    return side == Side::left ? text : strip_right(text);
  }
  const auto unwanted = [&](std::string_view character) { return find_text(*characters, character) != kNowhere; };
  if (side != Side::right)
    while (!text.empty() && unwanted(text.substr(0, character_length(text))))
      text.remove_prefix(character_length(text));
  if (side == Side::left) return text;
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    if (!unwanted(text.substr(start))) break;
    text = text.substr(0, start);
  }
  return text;
}

size_t count_of(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return code_points(text) + 1;
  size_t count = 0;
  for (size_t at = find_text(text, wanted); at != kNowhere; at = find_text(text, wanted, at + wanted.size())) ++count;
  return count;
}

}  // namespace sil::jinja
