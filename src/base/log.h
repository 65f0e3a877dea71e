// Messages for people, on stderr. SIL_LOG_LEVEL = debug | info (default) | warning | off says which are shown; level
// names are printed with `debug` only. Thread-safe; control characters in messages are escaped, as texts of models get
// into them.
#pragma once

#include <string_view>

namespace sil {

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);

}  // namespace sil
