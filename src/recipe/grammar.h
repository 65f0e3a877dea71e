// The words of the recipe's own grammar, and the names of its steps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/node.h"

namespace sil {

inline constexpr std::string_view kTopLevel[] = {"name",  "seed",   "rounds",  "retain", "models", "roles",
                                                 "tasks", "stores", "control", "before", "round",  "after"};
inline constexpr std::string_view kStepSections[] = {"before", "round", "after"};
inline constexpr std::string_view kCommonKeys[] = {"of", "where", "per", "as", "when", "put"};
inline constexpr std::string_view kReserved[] = {"base", "live", "start", "best", "unit", "round"};

template <size_t n>
bool is_one_of(std::string_view word, const std::string_view (&words)[n]) {
  for (std::string_view known : words)
    if (word == known) return true;
  return false;
}
template <size_t n>
std::vector<std::string> strings(const std::string_view (&words)[n]) {
  return {words, words + n};
}

// The key of a step that is its verb: the first that is not a common key; nullptr when there is none.
const Node::Member* verb_of(const Node& step);

// Where a step stands and what it is called: `as`, else its verb, then verb_2, verb_3 … of those without `as`, in the
// order of the text.
struct StepPosition {
  std::string section;  // before | round | after
  size_t index = 0;
  std::string verb;
  std::string name;
};
std::vector<StepPosition> step_positions(const Node& tree);

}  // namespace sil
