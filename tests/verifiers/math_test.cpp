// math: final answers, and equality beside the tables that others wrote.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "sil/json.h"
#include "support/catch.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;
using Catch::Matchers::Contains;

Verdict judged(const std::string& completion, std::optional<std::string> answer) {
  Registry<Verifier> registry("verifier");
  register_math(registry);
  return judge(*registry.make(spec_of("math")), group_of({completion}, std::move(answer))).front();
}

bool passes(const std::string& completion, const std::string& answer) {
  return judged(completion, answer).label == Label::pass;
}

// Rows of a file of the shared data; none, loudly, where it is missing.
std::vector<Json> shared_rows(const std::string& name) {
  const char* given = std::getenv("SIL_SHARED");
  const std::filesystem::path folder = given != nullptr ? given : std::filesystem::path(SIL_SOURCE_DIR) / "../shared";
  std::ifstream file(folder / "data" / name);
  if (!file) {
    if (std::getenv("CI") != nullptr) FAIL((folder / "data" / name).string() + " is missing");
    WARN("skipped: " + (folder / "data" / name).string() + " is missing; set SIL_SHARED");
  }
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(parse_json(line));
  return rows;
}

TEST_CASE("math passes every reference of GSM8K, as solution and bare, and no reference shifted by one") {
  int solutions = 0, bare = 0, shifted = 0;
  const std::vector<Json> rows = shared_rows("gsm8k_test.jsonl");
  for (const Json& row : rows) {
    const std::string& answer = row.at("answer").as_string();
    const std::string other = std::to_string(std::stoll(answer) + 1);
    INFO(row.at("id").as_string() << ": " << answer);
    solutions += passes(row.at("solution").as_string(), answer);
    bare += passes(answer, answer);
    shifted += passes(row.at("solution").as_string(), other) || passes(other, answer);
  }
  CHECK(solutions == static_cast<int>(rows.size()));
  CHECK(bare == static_cast<int>(rows.size()));
  CHECK(shifted == 0);
}

TEST_CASE("math agrees with the table of equivalence") {
  const std::vector<Json> rows = shared_rows("math_equivalence.jsonl");
  if (rows.empty()) return;
  std::map<std::string, std::pair<int, int>> agreement;  // of each category: rows that agree, rows
  int agreed = 0;
  std::string differing;
  for (const Json& row : rows) {
    const std::string& answer = row.at("answer").as_string();
    const Verdict verdict = judged(answer, row.at("gold").as_string());
    const bool agrees = (verdict.label == Label::pass) == row.at("equal").as_bool();
    auto& [right, all] = agreement[row.at("category").as_string()];
    right += agrees;
    ++all;
    agreed += agrees;
    if (!agrees) differing += "\n  " + row.at("id").as_string() + " " + dump(row.at("equal")) + ": " + verdict.reason;
  }
  std::string table;
  for (const auto& [category, counts] : agreement)
    table += "\n  " + category + " " + std::to_string(counts.first) + " of " + std::to_string(counts.second);
  WARN("agreement: " << agreed << " of " << rows.size() << table << "\ndiffering:" << differing);
  CHECK(agreement["hostile"].first == agreement["hostile"].second);
  CHECK(agreed >= 270);
}

}  // namespace
}  // namespace sil
