#include "tasks/exact.h"

namespace sil {

TaskCheck check_exact(const AnswerExtractor& extractor, const Problem& problem, std::string_view completion) {
  if (!problem.answer) return {false, "the problem has no answer"};
  std::string why;
  const std::optional<std::string> found = extractor.extract(completion, &why);
  if (!found) return {false, why};
  if (*found == *problem.answer) return {true, {}};
  const auto shown = [](std::string_view text) {
    constexpr size_t kShown = 80;
    std::string out;
    append_json_string(out, text.substr(0, kShown));
    return text.size() > kShown ? out + "..." : out;
  };
  return {false, "found " + shown(*found) + ", expected " + shown(*problem.answer)};
}

}  // namespace sil
