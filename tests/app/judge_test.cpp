#include <sstream>
#include <vector>

#include "app/json_rows.h"
#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

TEST_CASE("judge answers each row with a verdict, in order, and succeeds whatever the labels") {
  const ProgramResult result = run_sil("judge exact",
                                       "{\"prompt\":\"2+2=\",\"completion\":\"4\",\"answer\":\"4\"}\n"
                                       "{\"completion\":\"5\",\"answer\":\"4\",\"extra\":{\"level\":1}}");
  CHECK(result.code == 0);
  const std::vector<Json> rows = rows_of(result.out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("label").as_string() == "pass");
  CHECK(rows[0].at("score").as_double() == 1);
  CHECK(rows[0].at("class").as_string() == "pass");
  CHECK(rows[1].at("label").as_string() == "fail");
  CHECK(rows[1].find("parts") != nullptr);
  CHECK(rows[1].find("reason") != nullptr);
}

TEST_CASE("judge takes a verifier's options as a recipe writes them") {
  const std::string row = "{\"completion\":\"3.15\",\"answer\":\"3.14\"}\n";
  CHECK_THAT(run_sil("judge numeric tolerance=0.1", row).out, Contains("\"pass\""));
  CHECK_THAT(run_sil("judge numeric tolerance=0.001", row).out, Contains("\"fail\""));
  // Marks of YAML in an option are text.
  CHECK_THAT(run_sil("judge regex 'pattern=^a{2}, b: c$'", "{\"completion\":\"aa, b: c\",\"answer\":null}\n").out,
             Contains("\"label\":\"pass\""));
}

TEST_CASE("judge math compares rows as mathematics") {
  const ProgramResult result = run_sil("judge math",
                                       "{\"completion\":\"So \\\\boxed{\\\\frac12}.\",\"answer\":\"50\\\\%\"}\n"
                                       "{\"completion\":\"#### 0.51\",\"answer\":0.5}\n");
  CHECK(result.code == 0);
  const std::vector<Json> rows = rows_of(result.out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("label").as_string() == "pass");
  CHECK(rows[1].at("label").as_string() == "fail");
  CHECK(rows[1].at("reason").as_string() == "`0.51` is not `0.5`");
}

TEST_CASE("a bad row ends judge with its line, after the answers to the rows above it") {
  for (const char* bad : {"{\"completion\":", "[1]", "{\"answer\":\"4\"}", "{\"completion\":4,\"answer\":\"4\"}", ""}) {
    const ProgramResult result =
        run_sil("judge exact", std::string("{\"completion\":\"4\",\"answer\":\"4\"}\n") + bad + "\n");
    INFO(bad);
    CHECK(result.code == 3);
    CHECK(rows_of(result.out).size() == 1);
    CHECK_THAT(result.err, Contains("stdin:2"));
  }
}

TEST_CASE("judge refuses unknown verifiers, unknown options and verifiers of whole groups") {
  CHECK_THAT(run_sil("judge exakt").err, Contains("'exact'"));
  CHECK(run_sil("judge exakt").code == 2);
  CHECK(run_sil("judge numeric toleranse=1").code == 2);
  CHECK(run_sil("judge numeric tolerance").code == 2);
  CHECK(run_sil("judge majority").code == 2);
}

TEST_CASE("verifier test of a program that says nothing right exits 9") {
  const ProgramResult result = run_sil("verifier test false");
  CHECK(result.code == 9);
  CHECK_FALSE(result.out.empty());
}
