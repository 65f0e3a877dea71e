// Where a completion in words and formulas says its final answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sil {

// The texts that claim to be it, in order: the contents of all \boxed{...}, else the rest of the line after each ####,
// else what follows the last "answer is" or "answer:", else the whole text where it is one line that can be read, else
// the last formula between dollar signs or the last number. Empty: there is none, and `why` says so. Linear in the
// text.
std::vector<std::string> final_answers(std::string_view completion, std::string& why);

}  // namespace sil
