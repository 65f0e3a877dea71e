// How a command that failed tells so.
#pragma once

#include <span>

#include "sil/error.h"

namespace sil {

// As report_error (app/output.h). An internal error (exit 70) also leaves a report, whose file the message names: in
// the run's directory, else in the current one, else in $TMPDIR or /tmp. `words`: the command line.
int report_failure(const Error& error, std::span<char* const> words, bool json);

}  // namespace sil
