// Python's tests and changes of characters (Unicode 14, as in CPython 3.11).
#pragma once

#include <string>
#include <string_view>

namespace sil::jinja {

bool is_printable(char32_t point);
bool is_alphabetic(char32_t point);
bool is_decimal(char32_t point);
bool is_digit(char32_t point);    // decimal ones and the like of a superscript 2
bool is_numeric(char32_t point);  // and fractions, numerals ...
bool is_upper(char32_t point);
bool is_lower(char32_t point);
bool is_title(char32_t point);  // neither: a digraph with one capital
bool is_cased(char32_t point);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalized(std::string_view text);  // the first character as in a title, the rest lower
std::string title(std::string_view text);        // of each word
std::string swapped_case(std::string_view text);

}  // namespace sil::jinja
