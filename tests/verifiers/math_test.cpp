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
  CHECK(agreed >= 303);
}

TEST_CASE("math takes the answer of the last box, then of ####, then of words, then the whole, then the last number") {
  for (const char* text : {"#### 3\nthe answer is 4, \\boxed{42}", "\\boxed{\\frac{84}{2}}", "the answer is 3\n#### 42",
                           "#### $42\nthanks", "40 + 2 = 42", "42", "x = 42", "The answer is 42.",
                           "So the final answer is: **42**.", "Answer:\n42", "**Final Answer:** $42$ apples",
                           "The answer is 42, because 6 times 7 is that.", "It is $x = 42$, as 6 \\cdot 7.",
                           "6 times 7 is 42, which\nends it.", "The answer is 3? No:\nthe answer is 42"}) {
    INFO(text);
    const Verdict verdict = judged(text, "42");
    INFO(verdict.reason);
    CHECK(verdict.label == Label::pass);
  }
  for (const char* text : {"#### 42\nthe answer is 4, \\boxed{3}", "the answer is 42\n#### 3", "42\n41", "\\frac{42}{",
                           "\\boxed{42", "\\boxed{}", "42 or 43", "", "####", "I do not know.", "the answer is"}) {
    INFO(text);
    CHECK(judged(text, "42").label == Label::fail);
  }
}

TEST_CASE("math fails two different final answers, whichever is right, and takes equal ones for one") {
  CHECK(passes("\\boxed{1/2}, so \\boxed{0.5}", "0.5"));
  CHECK(passes("#### 5\n#### 5.0", "5"));
  for (const char* text :
       {"\\boxed{3} or \\boxed{5}", "\\boxed{5} or \\boxed{3}", "#### 3\n#### 5", "#### 5\n#### 3"}) {
    INFO(text);
    const Verdict verdict = judged(text, "5");
    CHECK(verdict.label == Label::fail);
    CHECK_THAT(verdict.reason, Contains("two different final answers"));
  }
  std::string shotgun;
  for (int i = 0; i < 1000; ++i) shotgun += "\\boxed{5" + std::string(static_cast<size_t>(i), ' ') + "+0}";
  CHECK_FALSE(passes(shotgun, "5"));
}

TEST_CASE("math says what it compared") {
  CHECK(judged("\\boxed{0.5001}", "1/2").reason == "`0.5001` is not `1/2`");
  CHECK(judged("\\boxed{0.5}", "1/2").reason == "`0.5` is `1/2`");
  CHECK(judged("\\boxed{1/0}", "1/2").reason == "`1/0` is not `1/2`: it divides by zero");
  CHECK_THAT(judged("\\boxed{\\frac{1}{}", "1/2").reason, Contains("not closed"));
}

TEST_CASE("math reads the answer that the task's extractor took, and the one inside a reference text") {
  Registry<Verifier> registry("verifier");
  register_math(registry);
  const Group group = group_of({"2+2=8/2", "four"}, "2+2 is four.\n#### 4");
  const auto verdicts = judge(*registry.make(spec_of("math")), group, with_task());
  CHECK(labels(verdicts) == "pass fail");
  CHECK(verdicts[1].reason == "no equals sign");
}

TEST_CASE("math abstains where the reference is missing or cannot be read, unless it is repeated word for word") {
  CHECK(judged("4", std::nullopt).outcome == Outcome::infra);
  CHECK(judged("4", std::nullopt).label == Label::abstain);
  CHECK(judged("\\boxed{4}", "\\frac{4").label == Label::abstain);
  CHECK(passes("\\boxed{[4; 5;;}", "[4; 5;;"));
}

TEST_CASE("math judges long completions and texts that are no answers") {
  const std::string prose(1 << 20, 'x');
  CHECK(passes(prose + " 42", "42"));
  CHECK(passes(std::string(1 << 20, '{') + "\n#### 42", "42"));
  std::string boxes, phrases, dollars(1 << 20, '$');
  for (int i = 0; i < 100000; ++i) {
    boxes += "\\boxed{";
    phrases += "answer is ";
  }
  for (const std::string& text : {boxes, phrases, dollars, std::string(1 << 20, '\\'), std::string(1 << 20, '\0')})
    CHECK_FALSE(passes(text, "42"));
}

}  // namespace
}  // namespace sil
