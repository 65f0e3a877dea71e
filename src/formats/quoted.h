// Names out of a file, for messages.
#pragma once

#include <string>
#include <string_view>

#include "sil/json.h"

namespace sil {

// As JSON, the first 100 bytes of it.
inline std::string quoted_name(std::string_view text) {
  std::string out;
  append_json_string(out, text.substr(0, 100));
  return out;
}

}  // namespace sil
