// Which columns of a dataset hold what, and how a row becomes a problem. Knows the names that are usual in the field:
//
//   prompt      prompt; else one of question, problem, instruction, query; else messages or conversations; else input.
//               Text, or messages {role, content} (or {from, value}); a last message of the assistant is the reference.
//               Rows with nothing but `text` have no prompt: all of it is to be learnt.
//   answer      answer, ground_truth, reward_model.ground_truth, reward_spec.ground_truth, solution, label, output
//   reference   completion, response, solution (where `answer` stands beside it)
//   chosen, rejected   text or messages; where there is no prompt, what both begin with is it
//   label       beside a completion: true or false, whether it is a good one
//
// `field: {prompt: COLUMN, ...}` overrules the names. All other columns go to Problem::meta.
#pragma once

#include <string>
#include <string_view>

#include "sil/json.h"
#include "sil/records.h"

namespace sil {

// Paths of columns, as "reward_model.ground_truth"; "" = there is none.
struct Columns {
  std::string prompt, answer, reference, chosen, rejected, label;
};

// Reads the options `field`; throws Error(Exit::usage) for unknown keys.
Columns columns_of_field(const Json& field);

// Fills what `given` leaves open by the names in the first row. Throws Error(Exit::unreadable) at `place` when columns
// are missing or more than one could be meant.
Columns find_columns(const Columns& given, const Json& row, const Place& place);

// The value at a path, or nullptr. A column whose own name has dots comes first.
const Json* find_column(const Json& row, std::string_view path);

// Throws Error(Exit::unreadable) at `place`: columns that are missing, null, empty or of another kind. Fills everything
// but split, task and index.
Problem problem_of_row(const Columns& columns, const Json& row, const Place& place);

}  // namespace sil
