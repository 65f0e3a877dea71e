// Python's view of text in UTF-8: positions are code points.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sil::jinja {

size_t code_points(std::string_view text);
// Bytes of the first `count` code points, or all of them.
size_t bytes_of(std::string_view text, size_t count);
size_t character_length(std::string_view text);    // bytes of the first character; 1 where it is no UTF-8
char32_t first_code_point(std::string_view text);  // of text that is not empty; bytes that are no UTF-8 as they are

// Linear in both lengths for every input, unlike std::string_view::find. npos when absent.
size_t find_text(std::string_view text, std::string_view wanted, size_t from = 0);
size_t rfind_text(std::string_view text, std::string_view wanted);

// As str.isspace of one character.
bool is_space(char32_t point);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

}  // namespace sil::jinja
