// Scalars of a recipe as the types that options have. Nothing is converted silently: nullopt means "of another type".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sil/node.h"
#include "sil/options.h"

namespace sil {

std::optional<int64_t> integer_of(const Node& node);     // 1000, 1e3, 1000.0; no leading zeros, never quoted
std::optional<double> number_of(const Node& node);       // never NaN or infinite, never quoted
std::optional<bool> boolean_of(const Node& node);        // true | false
std::optional<std::string> string_of(const Node& node);  // any scalar that is not null, as written

bool in_range(double value, const OptionInfo& about);
std::string value_seen(const Node& node);      // "'abc'", "a list", for messages
std::string printable(std::string_view text);  // control characters as \xNN: messages go to terminals
// Why a scalar that looks like a number is none, or "".
std::string number_hint(const Node& node);

bool is_name(std::string_view text);  // [a-z][a-z0-9_]*
std::string nearest_hint(std::string_view name,
                         const std::vector<std::string>& known);  // "did you mean 'x'?" or all known

}  // namespace sil
