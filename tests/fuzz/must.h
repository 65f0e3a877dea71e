#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "sil/error.h"

namespace sil::fuzz {

inline void must(bool condition, const std::string& what) {
  if (!condition) throw std::logic_error(what);
}

// Runs `parse`; the only failure allowed is an Error of `code` whose findings say something. True: it failed so.
inline bool refused_well(Exit code, const std::function<void()>& parse) {
  try {
    parse();
    return false;
  } catch (const Error& error) {
    must(error.code() == code, "exit " + std::to_string(static_cast<int>(error.code())) + ": " + error.what());
    must(!error.findings().empty(), "an error without findings");
    for (const Finding& finding : error.findings()) must(!finding.message.empty(), "a finding that says nothing");
    return true;
  }
}

}  // namespace sil::fuzz
