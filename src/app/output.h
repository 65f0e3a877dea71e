// The two streams: results on stdout, everything for people on stderr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// Writes to stdout. False once its reader has gone (which is no error: `sil show … | head`); other failures throw
// Error(Exit::io).
bool print(std::string_view text);
bool print_json(const Json& value);  // one line
bool flush_output();

// `cage`: "none" when a grader ran outside any cage, else null; `unconfined`: the commands of those.
void set_cage(Json& out, const std::vector<std::string>& unconfined);
std::string unconfined_text(const std::string& command);  // the stamp, one line

// One line, or several, to stderr with control characters made harmless.
void tell(std::string_view text);

// Findings on stderr, or as {"error": …} on stdout; gives the exit code.
int report_error(const Error& error, bool json);
Json error_json(Exit code, const Finding& finding);
Json finding_json(const Finding& finding);  // {file, line, column, message, hint}, null where not known
void tell_finding(const Finding& finding);

}  // namespace sil
