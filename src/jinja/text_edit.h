// Changes of text that both filters and methods make.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jinja/runtime.h"

namespace sil::jinja {

// str.replace: `most` replacements, or all when negative.
std::string replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view with,
                     int64_t most);
// str.center (^), ljust (<) and rjust (>).
std::string aligned_text(Runtime& runtime, std::string_view text, int64_t width, char align, std::string_view fill);

}  // namespace sil::jinja
