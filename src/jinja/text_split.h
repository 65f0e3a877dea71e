// Splitting and searching text as Python's str methods do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sil::jinja {

using Pieces = std::vector<std::string_view>;

// `most`: splits, or -1 for all. Without a separator: at runs of white space, none of them kept.
Pieces split(std::string_view text, std::optional<std::string_view> separator, int64_t most);
Pieces split_right(std::string_view text, std::optional<std::string_view> separator, int64_t most);
Pieces split_lines(std::string_view text, bool keep_ends);

enum class Side { left, right, both };
// Without `characters`: white space.
std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters);

size_t count_of(std::string_view text, std::string_view wanted);  // without overlaps

}  // namespace sil::jinja
