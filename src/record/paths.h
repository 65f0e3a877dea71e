// Paths as text.
#pragma once

#include <string>

namespace sil {

// The folder that holds the name `path` ends in, which has no trailing slash: "." for a bare name.
inline std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

}  // namespace sil
