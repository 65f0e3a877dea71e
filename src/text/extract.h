// How an answer is taken from a completion.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/task.h"

namespace sil {

// By TaskOptions::answer:
//   whole        the text without blanks around it
//   last_number  the last integer or decimal; thousands separators are taken out, a full stop after it is not part of
//   it hashes       what follows #### on its line, as in GSM8K; more than one #### gives none boxed        the content
//   of the last balanced \boxed{...}; two different ones give none regex        the first group of the last match of
//   TaskOptions::pattern
// Throws Error(Exit::usage) for an unknown name, a bad pattern or one without a group.
std::unique_ptr<AnswerExtractor> make_extractor(const TaskOptions& options);

// The answer inside a reference text of a dataset: of #### or \boxed{...} where the text has one, else all of it.
std::string reference_answer(std::string_view text);

// Contents of the outermost balanced \boxed{...}, in order, without blanks around them; views into `text`. Linear in
// the text; \{ and \} are text. `open`: whether a box is not closed.
std::vector<std::string_view> boxed_contents(std::string_view text, bool* open);

std::string_view trimmed(std::string_view text);  // without ASCII blanks around it

}  // namespace sil
