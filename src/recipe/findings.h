#pragma once

#include <string>
#include <vector>

#include "sil/error.h"

namespace sil {

// Throws Error(Exit::usage): the findings in the order of `file`'s text, those of other places last, each once, no more
// than a person would read.
[[noreturn]] void throw_findings(std::vector<Finding> findings, const std::string& file);

}  // namespace sil
