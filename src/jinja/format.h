// One field of a format, as %5.2f and {:>5.2f} describe it.
#pragma once

#include <optional>
#include <string>

#include "jinja/runtime.h"

namespace sil::jinja {

struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  // < > ^ =, or that of the type
  char sign = '-';    // - + or blank
  bool alternate = false;
  int64_t width = 0;
  char grouping = '\0';
  std::optional<int64_t> precision;
  char type = '\0';
};

// Fails where the value does not fit the type.
std::string format_number(Runtime& runtime, const Value& value, const FormatSpec& spec);
std::string format_text(Runtime& runtime, const std::string& text, const FormatSpec& spec);
std::string ascii_repr(Runtime& runtime, const Value& value);

}  // namespace sil::jinja
