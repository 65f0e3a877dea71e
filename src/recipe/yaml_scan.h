// What is refused before a YAML parser sees a text: bytes that are no text, and shapes that only an attack has.
#pragma once

#include <string>
#include <string_view>

namespace sil {

inline constexpr int kYamlDepth = 64;        // of lists and maps within each other
inline constexpr int kYamlValues = 200'000;  // lines and values of one text
inline constexpr size_t kYamlBytes = size_t{4} << 20;

// Throws Error(Exit::usage) at the first byte that a recipe cannot hold: UTF-16 and UTF-32, NUL and other control
// characters, invalid UTF-8, more than kYamlBytes.
void check_yaml_bytes(std::string_view text, const std::string& file);

// Throws Error(Exit::usage) on tabs used as indentation, brackets nested deeper than kYamlDepth and more than
// kYamlValues lines and values. One pass without recursion, so that no text makes the parser behind it slow or its
// queue large.
void check_yaml_shape(std::string_view text, const std::string& file);

}  // namespace sil
