// Where two resolved recipes differ, in the words of overrides.
#pragma once

#include <string>
#include <vector>

#include "sil/json.h"

namespace sil {

// One entry a difference, as "generate.samples: 8 in the record, 4 now"; steps are met by name. What may change between
// starts (name, rounds, retain) is left out.
std::vector<std::string> recipe_differences(const Json& recorded, const Json& now);

}  // namespace sil
