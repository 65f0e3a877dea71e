// Code points of valid UTF-8 and back.
#pragma once

#include <string>
#include <string_view>

namespace sil {

char32_t code_point(std::string_view character);               // of one valid UTF-8 character
void append_utf8(std::string& out, char32_t point);            // a scalar value
std::string code_point_name(char32_t point);                   // U+0041
bool is_utf8(std::string_view text, size_t* fault = nullptr);  // `fault`: byte offset of the first bad sequence

}  // namespace sil
