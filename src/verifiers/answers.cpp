#include "verifiers/answers.h"

#include "cage/printable.h"

namespace sil {

std::optional<std::string> answer_of(const Task* task, std::string_view completion, std::string& why) {
  if (!task) return std::string(completion);
  std::optional<std::string> answer = task->extractor().extract(completion, &why);
  if (!answer && why.empty()) why = "no answer found";
  return answer;
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string quoted(std::string_view text) {
  return "`" + printable(text, 80) + "`";
}

}  // namespace sil
