#include "jinja/text_edit.h"

#include "jinja/text_scan.h"

namespace sil::jinja {

std::string replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view with,
                     int64_t most) {
  std::string out;
  const auto more = [&] { return most != 0; };
  size_t at = 0;
  while (more()) {
    const size_t found = find_text(text, old, at);
    if (found == std::string_view::npos) break;
    runtime.step();
    // Nothing is found before each character and at the end.
    const size_t kept = old.empty() && found < text.size() ? character_length(text.substr(found)) : 0;
    runtime.grow(found - at + with.size() + kept);
    out += text.substr(at, found - at);
    out += with;
    out += text.substr(found, kept);
    at = found + old.size() + kept;
    --most;
    if (old.empty() && kept == 0) return out;
  }
  return out.append(text.substr(at));
}

std::string aligned_text(Runtime& runtime, std::string_view text, int64_t width, char align, std::string_view fill) {
  const int64_t length = static_cast<int64_t>(code_points(text));
  if (width <= length) return std::string(text);
  const int64_t missing = width - length;
  if (missing > runtime.settings().bytes) runtime.grow(static_cast<size_t>(missing));
  runtime.grow(static_cast<size_t>(missing) * fill.size());
  // CPython puts the odd blank to the left when the width is odd.
  const int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

}  // namespace sil::jinja
