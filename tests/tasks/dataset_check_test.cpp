#include "tasks/dataset_check.h"

#include "sil/error.h"
#include "support/catch.h"
#include "tasks/rows.h"
#include "text/codecs.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using test::Rows;

struct Seen {
  DatasetFacts facts;
  std::vector<std::string> findings;  // ":LINE:COLUMN: message; hint"
};

Seen check(const Rows& rows, const Codec* codec = nullptr, const HeldOutPrompts* held_out = nullptr, int threads = 1) {
  ThreadPool pool(threads);
  Seen out;
  out.facts = DatasetCheck({}, codec, held_out, pool).run(rows.path(), [&](const Finding& finding) {
    out.findings.push_back(finding.text().substr(rows.path().size()));
  });
  return out;
}

std::string row(int number) {
  return "{\"prompt\": \"p" + std::to_string(number) + "\", \"answer\": \"" + std::to_string(number) + "\"}\n";
}

}  // namespace

TEST_CASE("every bad row is reported, and the rows behind it are read") {
  const Rows rows(row(1) + "{\"prompt\": \"x\"}\n" + row(2) + "{\"prompt\": \"\xFF\", \"answer\": \"2\"}\n[1]\n" +
                  "{\"prompt\": \"a\", \"prompt\": \"b\"}\n\n{\"prompt\": \"x\", \"answer\": NaN}\n" + row(3) +
                  "{\"prompt\": \"c");
  const Seen seen = check(rows);
  CHECK(seen.facts.rows == 9);
  CHECK(seen.facts.bad == 6);
  CHECK(seen.facts.complete);
  REQUIRE(seen.findings.size() == 6);
  CHECK_THAT(seen.findings[0], Contains(":2:1: the column 'answer' is missing"));
  CHECK_THAT(seen.findings[1], Contains(":4:13: ") && Contains("UTF-8"));
  CHECK_THAT(seen.findings[2], Contains(":5:1: a row must be a map"));
  CHECK_THAT(seen.findings[3], Contains(":6:17: ") && Contains("\"prompt\" is there twice"));
  CHECK_THAT(seen.findings[4], Contains(":8:27: "));
  CHECK_THAT(seen.findings[5], Contains(":10:14: ") && Contains("the last row is cut"));
}

TEST_CASE("bad rows before the first good one do not hide what is behind") {
  const Seen seen = check(Rows("oops\n{\"x\": 1}\n" + row(1) + "{\"prompt\": 7, \"answer\": \"1\"}\n"));
  REQUIRE(seen.findings.size() == 3);
  CHECK_THAT(seen.findings[1], Contains(":2:1: the column 'prompt' is missing"));
  CHECK_THAT(seen.findings[2], Contains(":4:1: the column 'prompt' is an integer"));
}

TEST_CASE("what cannot be read on ends the check and is said") {
  const Seen seen = check(Rows(row(1) + std::string((16 << 20) + 1, 'x') + "\n" + row(2)));
  CHECK(seen.facts.rows == 1);
  CHECK(seen.facts.bad == 1);
  CHECK_FALSE(seen.facts.complete);
  CHECK_THAT(seen.findings.at(0), Contains(":2:1: the line is longer than the allowed"));
  ThreadPool pool(1);
  CHECK_THROWS_WITH(check(Rows("\n\n")), Contains("the file has no rows"));
}

TEST_CASE("rows that say what an earlier row says are counted, ids that are there twice are bad") {
  const Seen seen =
      check(Rows("{\"id\": 1, \"prompt\": \"a\", \"answer\": \"b\"}\n"
                 "{\"id\": 2, \"prompt\": \"a\", \"answer\": \"c\"}\n"
                 "{\"id\": 1, \"prompt\": \"d\", \"answer\": \"e\"}\n"
                 "{\"id\": 3, \"prompt\": \"a\", \"answer\": \"b\", \"x\": 7}\n"
                 "{\"id\": 4, \"prompt\": \"a\", \"answer\": \"b\"}\n"));
  REQUIRE(seen.facts.repetitions.size() == 2);
  CHECK(seen.facts.repetitions[0].line == 4);
  CHECK(seen.facts.repetitions[0].first == 1);
  CHECK(seen.facts.repetitions[1].line == 5);
  CHECK(seen.facts.repetitions[1].first == 1);
  REQUIRE(seen.findings.size() == 1);
  CHECK_THAT(seen.findings[0], Contains(":3:1: its id is that of line 1 too"));
  CHECK(seen.facts.bad == 1);
  const Seen texts =
      check(Rows("{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"completion\": \"c\"}\n"));
  CHECK(texts.facts.repetitions.empty());
}

TEST_CASE("prompts that are held out are found whatever their case and white space") {
  const Rows test_rows("{\"prompt\": \"What is  two?\", \"answer\": \"2\"}\n{\"prompt\": \"x\", \"answer\": \"y\"}\n");
  const Rows train(
      "{\"prompt\": \"what is\\ntwo? \", \"answer\": \"3\"}\n{\"prompt\": \"whatis two?\", \"answer\": \"2\"}\n");
  ThreadPool pool(2);
  HeldOutPrompts held_out;
  CHECK(DatasetCheck({}, nullptr, nullptr, pool).hold_out(test_rows.path(), held_out, [](const Finding&) {}).rows == 2);
  const Seen seen = check(train, nullptr, &held_out);
  CHECK(seen.facts.held_out == 1);
  CHECK(seen.facts.bad == 0);
  REQUIRE(seen.findings.size() == 1);
  CHECK_THAT(seen.findings[0], Contains(":1:1: its prompt is held out at " + test_rows.path() + ":1"));
}

TEST_CASE("lengths are those of the prompt and of the longest text with its end") {
  const auto codec = bytes_codec();
  const Seen seen = check(Rows("{\"prompt\": \"abc\", \"chosen\": \"de\", \"rejected\": \"fghi\"}\n"
                               "{\"prompt\": \"k\", \"chosen\": \"l\", \"rejected\": \"m\"}\n"),
                          codec.get());
  REQUIRE(seen.facts.lengths.size() == 2);
  CHECK(seen.facts.lengths[0].prompt == 3);
  CHECK(seen.facts.lengths[0].completion == 5);
  CHECK(seen.facts.lengths[1].completion == 2);
  CHECK(check(Rows("{\"prompt\": \"abc\"}\n"), codec.get()).facts.lengths.at(0).completion == 0);
  const auto letters = chars_codec("abc");
  const Seen refused = check(Rows("{\"prompt\": \"abc\"}\n{\"prompt\": \"abd\"}\n"), letters.get());
  REQUIRE(refused.findings.size() == 1);
  CHECK_THAT(refused.findings[0], Contains(":2:1: chars: the character \"d\""));
  CHECK(refused.facts.lengths.size() == 1);
}

TEST_CASE("the same is found by any number of threads, over many blocks of rows") {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += i % 1000 == 7 ? "{\"prompt\": 1}\n" : row(i % 30000);
  const Rows rows(text);
  const Seen one = check(rows, nullptr, nullptr, 1), three = check(rows, nullptr, nullptr, 3);
  CHECK(one.facts.rows == 40000);
  CHECK(one.facts.bad == 40);
  CHECK(one.findings == three.findings);
  CHECK(one.facts.repetitions.size() == 9990);
  CHECK(three.facts.repetitions.size() == 9990);
}

}  // namespace sil
