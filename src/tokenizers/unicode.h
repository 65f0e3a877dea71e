// Characters as Hugging Face's `tokenizers` 0.23 sees them. Its parts follow different versions of Unicode; each class
// here is the one of the part that uses it, equal for every code point (unicode_tables.inc).
#pragma once

#include <string>
#include <string_view>

namespace sil::tokenizers {

bool is_whitespace(char32_t point);       // White_Space
bool is_numeric(char32_t point);          // N: digits, Roman numerals, fractions
bool is_punctuation(char32_t point);      // P, and what is punctuation in ASCII, as `$`
bool is_word(char32_t point);             // \w of Whitespace and of single_word
bool is_combining_mark(char32_t point);   // M, of StripAccents
bool is_nonspacing_mark(char32_t point);  // Mn, of BertNormalizer
bool is_control(char32_t point);          // C without what is not assigned, and U+FFFD, of BertNormalizer

void append_lowercase(std::string& out, char32_t point);  // without context: Σ becomes σ everywhere

enum class NormalForm { nfc, nfd, nfkc, nfkd };  // of UAX #15
std::string normal_form(std::string_view text, NormalForm form);

// Bytes of the first grapheme cluster (UAX #29, extended) of `text`, which must not be empty.
size_t grapheme_length(std::string_view text);

}  // namespace sil::tokenizers
