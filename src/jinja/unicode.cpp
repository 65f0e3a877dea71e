#include "jinja/unicode.h"

#include <algorithm>

#include "base/code_point.h"
#include "jinja/text_scan.h"
#include "jinja/unicode_tables.h"

namespace sil::jinja {
namespace {

bool is_in(const CharRange* ranges, size_t size, char32_t point) {
  const CharRange* found = std::upper_bound(ranges, ranges + size, point,
                                            [](char32_t p, const CharRange& range) { return p < range.first; });
  return found != ranges && point <= (found - 1)->last;
}

struct CaseTable {
  const CaseRun* runs;
  size_t size;
  const CaseSpecial* special;
  size_t special_size;
};
const CaseTable kUpperTable{kToUpper, kToUpper_size, kToUpperSpecial, kToUpperSpecial_size};
const CaseTable kLowerTable{kToLower, kToLower_size, kToLowerSpecial, kToLowerSpecial_size};
const CaseTable kTitleTable{kToTitle, kToTitle_size, kToTitleSpecial, kToTitleSpecial_size};

void append_changed(std::string& out, char32_t point, const CaseTable& table) {
  const CaseSpecial* special = std::lower_bound(table.special, table.special + table.special_size, point,
                                                [](const CaseSpecial& entry, char32_t p) { return entry.point < p; });
  if (special != table.special + table.special_size && special->point == point) {
    out += special->text;
    return;
  }
  const CaseRun* run = std::upper_bound(table.runs, table.runs + table.size, point,
                                        [](char32_t p, const CaseRun& entry) { return p < entry.first; });
  // Runs of every second character interleave: the one that holds the point may begin a little earlier.
  for (int back = 0; back < 2 && run != table.runs; ++back) {
    --run;
    if (point > run->last || (point - run->first) % static_cast<char32_t>(run->step) != 0) continue;
    return append_utf8(out, static_cast<char32_t>(static_cast<int64_t>(point) + run->distance));
  }
  append_utf8(out, point);
}

// Marks, dots and apostrophes: what a final sigma looks through.
bool is_case_ignorable(char32_t point) {
  return point == '\'' || point == '.' || point == ':' || point == '^' || point == '`' || point == 0xA8 ||
         point == 0xAD || point == 0xAF || point == 0xB4 || point == 0xB7 || point == 0xB8 || point == 0x2019 ||
         (point >= 0x300 && point <= 0x36F);
}

// Greek's sigma at the end of a word has a form of its own: a letter before it and none behind.
bool is_final_sigma(std::string_view text, size_t at) {
  size_t before = at;
  bool letter = false;
  while (before > 0 && !letter) {
    do --before;
    while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0) == 0x80);
    const char32_t point = first_code_point(text.substr(before));
    if (is_case_ignorable(point)) continue;
    letter = is_cased(point);
    break;
  }
  if (!letter) return false;
  for (size_t i = at + 2; i < text.size(); i += character_length(text.substr(i))) {
    const char32_t point = first_code_point(text.substr(i));
    if (!is_case_ignorable(point)) return !is_cased(point);
  }
  return true;
}

void append_lower(std::string& out, std::string_view text, size_t at, char32_t point) {
  constexpr char32_t kSigma = 0x3A3, kFinalSigma = 0x3C2;
  if (point == kSigma && is_final_sigma(text, at)) return append_utf8(out, kFinalSigma);
  append_changed(out, point, kLowerTable);
}

// change(out, offset of the character, the character)
template <class Change>
std::string changed(std::string_view text, Change change) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const char32_t point = first_code_point(rest);
    const size_t length = character_length(rest);
    change(out, at, point);
    at += length;
  }
  return out;
}

}  // namespace

bool is_printable(char32_t point) {
  return !is_in(kUnprintable, kUnprintable_size, point);
}
bool is_alphabetic(char32_t point) {
  return is_in(kAlphabetic, kAlphabetic_size, point);
}
bool is_decimal(char32_t point) {
  return is_in(kDecimal, kDecimal_size, point);
}
bool is_digit(char32_t point) {
  return is_decimal(point) || is_in(kDigit, kDigit_size, point);
}
bool is_numeric(char32_t point) {
  return is_digit(point) || is_in(kNumeric, kNumeric_size, point);
}
bool is_upper(char32_t point) {
  return is_in(kUpper, kUpper_size, point);
}
bool is_lower(char32_t point) {
  return is_in(kLower, kLower_size, point);
}
bool is_title(char32_t point) {
  return is_in(kTitle, kTitle_size, point);
}
bool is_cased(char32_t point) {
  return is_upper(point) || is_lower(point) || is_title(point);
}

std::string upper(std::string_view text) {
  return changed(text, [](std::string& out, size_t, char32_t point) { append_changed(out, point, kUpperTable); });
}

std::string lower(std::string_view text) {
  return changed(text, [&](std::string& out, size_t at, char32_t point) { append_lower(out, text, at, point); });
}

std::string capitalized(std::string_view text) {
  return changed(text, [&](std::string& out, size_t at, char32_t point) {
    at == 0 ? append_changed(out, point, kTitleTable) : append_lower(out, text, at, point);
  });
}

std::string title(std::string_view text) {
  bool inside = false;
  return changed(text, [&](std::string& out, size_t at, char32_t point) {
    inside ? append_lower(out, text, at, point) : append_changed(out, point, kTitleTable);
    inside = is_cased(point);
  });
}

std::string swapped_case(std::string_view text) {
  return changed(text, [&](std::string& out, size_t at, char32_t point) {
    if (is_upper(point)) {
      append_lower(out, text, at, point);
    } else {
      append_changed(out, point, is_lower(point) ? kUpperTable : CaseTable{nullptr, 0, nullptr, 0});
    }
  });
}

}  // namespace sil::jinja
