#include "tokenizers/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sil/error.h"
#include "tokenizers/code_points.h"
#include "tokenizers/unicode_ranges.h"

namespace sil::tokenizers {
namespace {

template <size_t size>
bool within(const std::array<CodeRange, size>& ranges, char32_t point) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), point,
                                      [](char32_t value, const CodeRange& range) { return value < range.first; });
  return after != ranges.begin() && point <= std::prev(after)->last;
}

constexpr uint32_t bit(utf8proc_category_t category) {
  return uint32_t{1} << category;
}
constexpr uint32_t kMarks = bit(UTF8PROC_CATEGORY_MN) | bit(UTF8PROC_CATEGORY_MC) | bit(UTF8PROC_CATEGORY_ME);
constexpr uint32_t kNumbers = bit(UTF8PROC_CATEGORY_ND) | bit(UTF8PROC_CATEGORY_NL) | bit(UTF8PROC_CATEGORY_NO);
constexpr uint32_t kPunctuation = bit(UTF8PROC_CATEGORY_PC) | bit(UTF8PROC_CATEGORY_PD) | bit(UTF8PROC_CATEGORY_PS) |
                                  bit(UTF8PROC_CATEGORY_PE) | bit(UTF8PROC_CATEGORY_PI) | bit(UTF8PROC_CATEGORY_PF) |
                                  bit(UTF8PROC_CATEGORY_PO);
constexpr uint32_t kWord = bit(UTF8PROC_CATEGORY_LU) | bit(UTF8PROC_CATEGORY_LL) | bit(UTF8PROC_CATEGORY_LT) |
                           bit(UTF8PROC_CATEGORY_LM) | bit(UTF8PROC_CATEGORY_LO) | kMarks | bit(UTF8PROC_CATEGORY_ND) |
                           bit(UTF8PROC_CATEGORY_NL) | bit(UTF8PROC_CATEGORY_PC);
constexpr uint32_t kControls = bit(UTF8PROC_CATEGORY_CC) | bit(UTF8PROC_CATEGORY_CF) | bit(UTF8PROC_CATEGORY_CO);

template <size_t added, size_t missing>
bool is_one_of(char32_t point, uint32_t categories, const std::array<CodeRange, added>& more,
               const std::array<CodeRange, missing>& fewer) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return (bit(category) & categories) != 0 ? !within(fewer, point) : within(more, point);
}

using Points = std::vector<utf8proc_int32_t>;

utf8proc_option_t options_of(NormalForm form) {
  constexpr int kOptions[] = {UTF8PROC_STABLE | UTF8PROC_COMPOSE, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
                              UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                              UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
  return static_cast<utf8proc_option_t>(kOptions[static_cast<size_t>(form)]);
}

// `text` holds nothing that the normal forms do not know.
void append_normal_form(std::string& out, std::string_view text, utf8proc_option_t options, Points& points) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const auto capacity = static_cast<utf8proc_ssize_t>(points.size());
  utf8proc_ssize_t count = utf8proc_decompose(bytes, size, points.data(), capacity, options);
  if (count > capacity) {
    points.resize(static_cast<size_t>(count));
    count = utf8proc_decompose(bytes, size, points.data(), count, options);
  }
  SIL_CHECK(count >= 0);
  count = utf8proc_normalize_utf32(points.data(), count, options);
  SIL_CHECK(count >= 0);
  for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(out, static_cast<char32_t>(points[static_cast<size_t>(i)]));
}

}  // namespace

bool is_whitespace(char32_t point) {
  if (point < 0x80) return point == ' ' || (point >= '\t' && point <= '\r');
  return point == 0x85 || point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

bool is_numeric(char32_t point) {
  return is_one_of(point, kNumbers, kNumericAdded, kNumericMissing);
}

bool is_punctuation(char32_t point) {
  return is_one_of(point, kPunctuation, kPunctuationAdded, kPunctuationMissing);
}

bool is_word(char32_t point) {
  return is_one_of(point, kWord, kWordAdded, kWordMissing);
}

bool is_combining_mark(char32_t point) {
  return point >= 0x80 && is_one_of(point, kMarks, kCombiningMarkAdded, kCombiningMarkMissing);
}

bool is_nonspacing_mark(char32_t point) {
  return point >= 0x80 && is_one_of(point, bit(UTF8PROC_CATEGORY_MN), kNonspacingMarkAdded, kNonspacingMarkMissing);
}

bool is_control(char32_t point) {
  return is_one_of(point, kControls, kOtherAdded, kOtherMissing);
}

void append_lowercase(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point);
    return;
  }
  if (point == 0x130) {  // the only one that becomes two characters
    out += "i\u0307";
    return;
  }
  const auto added = std::lower_bound(kLowercaseAdded.begin(), kLowercaseAdded.end(), point,
                                      [](const CodePair& pair, char32_t value) { return pair.from < value; });
  const bool found = added != kLowercaseAdded.end() && added->from == point;
  append_utf8(out, found ? added->to : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point))));
}

std::string normal_form(std::string_view text, NormalForm form) {
  const utf8proc_option_t options = options_of(form);
  std::string out;
  out.reserve(text.size());
  Points points(std::min<size_t>(text.size() * 2 + 4, 4096));
  size_t begin = 0;  // of what is known and not yet written
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = character_at(text, at);
    if (character.size() > 1 && within(kUnknownToNormalForms, code_point(character))) {
      append_normal_form(out, text.substr(begin, at - begin), options, points);
      out += character;
      begin = at + character.size();
    }
    at += character.size();
  }
  append_normal_form(out, text.substr(begin), options, points);
  return out;
}

size_t grapheme_length(std::string_view text) {
  utf8proc_int32_t state = 0;
  size_t at = character_length(text[0]);
  auto before = static_cast<utf8proc_int32_t>(code_point(text.substr(0, at)));
  while (at < text.size()) {
    const std::string_view character = character_at(text, at);
    const auto point = static_cast<utf8proc_int32_t>(code_point(character));
    const bool young_mark = within(kRegexMn, code_point(character)) || within(kRegexMc, code_point(character));
    if (utf8proc_grapheme_break_stateful(before, point, &state) && !young_mark) break;
    before = point;
    at += character.size();
  }
  return at;
}

}  // namespace sil::tokenizers
