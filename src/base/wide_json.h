// JSON of programs whose integers have no bounds: Python writes 10^30 where there is no limit.
#pragma once

#include <string_view>

#include "sil/json.h"

namespace sil {

// parse_json, but an integer beyond 64 bits is the nearest double instead of a refusal.
Json parse_wide_json(std::string_view text, const Place& where);

}  // namespace sil
