// Equality beside PyPI's math-verify, on the pairs of make_golden.py.
#include <fstream>

#include "mathematics/equality.h"
#include "sil/json.h"
#include "support/catch.h"

namespace sil::mathematics {

TEST_CASE("answers are equal where math-verify says so, but for the rules that are ours") {
  std::ifstream file(std::string(SIL_SOURCE_DIR) + "/tests/mathematics/golden.jsonl");
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    INFO(line);
    const Json row = parse_json(line);
    const bool ours = row.find("rule") != nullptr;
    const Answer reference(row.at("reference").as_string()), answer(row.at("answer").as_string());
    CHECK(compare(reference, answer).equal == (row.at("equal").as_bool() != ours));
  }
  CHECK(rows > 100);
}

}  // namespace sil::mathematics
