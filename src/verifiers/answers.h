// What several verifiers of this shelf need of answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sil/task.h"

namespace sil {

// The answer in a completion by the task's extractor, or the whole text where there is no task (`sil judge`). nullopt:
// none; `why` says more.
std::optional<std::string> answer_of(const Task* task, std::string_view completion, std::string& why);

std::string_view strip(std::string_view text);  // ASCII white space at both ends
std::string lower(std::string_view text);       // ASCII letters

// For messages: `text` in backquotes, cut when long.
std::string quoted(std::string_view text);

}  // namespace sil
