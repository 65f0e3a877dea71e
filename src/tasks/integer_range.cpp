#include "tasks/integer_range.h"

#include <cmath>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {

IntegerRange integer_range(std::string_view option, const std::vector<double>& values, IntegerRange allowed) {
  const bool whole = !values.empty() && values.size() <= 2 && std::trunc(values.front()) == values.front() &&
                     std::trunc(values.back()) == values.back();
  if (whole && values.front() <= values.back() && values.front() >= static_cast<double>(allowed.low) &&
      values.back() <= static_cast<double>(allowed.high))
    return {static_cast<int64_t>(values.front()), static_cast<int64_t>(values.back())};
  std::string seen;
  for (double value : values) {
    seen += seen.empty() ? "" : ", ";
    append_json_number(seen, value);
  }
  throw Error(Exit::usage, std::string(option) + " is [" + seen + "]; allowed: a whole number or [low, high], from " +
                               std::to_string(allowed.low) + " to " + std::to_string(allowed.high));
}

}  // namespace sil
