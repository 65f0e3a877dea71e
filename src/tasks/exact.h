// The rule of tasks without one of their own: what the extractor finds must be the answer, character by character.
#pragma once

#include "sil/task.h"

namespace sil {

TaskCheck check_exact(const AnswerExtractor& extractor, const Problem& problem, std::string_view completion);

}  // namespace sil
