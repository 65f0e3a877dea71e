// What a program wrote, made fit for a message or a log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sil {

// Valid UTF-8 of at most `limit` bytes (cut at a character, then ends with "…"); control characters, newlines among
// them unless `lines`, become spaces; trailing white space is dropped.
std::string printable(std::string_view text, size_t limit, bool lines = false);

}  // namespace sil
