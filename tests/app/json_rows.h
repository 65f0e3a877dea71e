// JSON lines that a program printed.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

namespace sil::testing {

inline std::vector<Json> rows_of(const std::string& text) {
  std::vector<Json> rows;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) rows.push_back(parse_json(line));
  return rows;
}

// What `sil` prints for rows of input, which it must accept.
inline std::vector<Json> answers(const std::string& words, const std::string& input) {
  const ProgramResult result = run_sil(words, input);
  INFO(result.err);
  REQUIRE(result.code == 0);
  return rows_of(result.out);
}

}  // namespace sil::testing
