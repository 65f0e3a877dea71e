#include <map>

#include "support/catch.h"
#include "tasks/shelf.h"

namespace sil {

using Catch::Matchers::Contains;

TEST_CASE("copy asks for the letters before the mark, or for them backwards") {
  const auto forward = test::make_task("copy", {{"length", test::list(1, 5)}, {"letters", 4}});
  const auto reversed = test::make_task("copy", {{"length", test::list(1, 5)}, {"letters", 4}, {"style", "reversed"}});
  CHECK(forward->alphabet() == "abcd>");
  for (int64_t i = 0; i < 200; ++i) {
    const Problem problem = forward->at(i);
    REQUIRE(problem.prompt == *problem.answer + ">");
    REQUIRE(problem.answer->find_first_not_of("abcd") == std::string::npos);
    const Problem turned = reversed->at(i);
    REQUIRE(turned.prompt == problem.prompt);
    REQUIRE(std::string(turned.answer->rbegin(), turned.answer->rend()) == *problem.answer);
    REQUIRE(forward->check(problem, *problem.answer).correct);
    REQUIRE_FALSE(forward->check(problem, *problem.answer + "a").correct);
  }
}

TEST_CASE("copy draws every length equally often") {
  const auto task = test::make_task("copy", {{"length", test::list(3, 6)}});
  std::map<double, int> counts;
  for (int64_t i = 0; i < 4000; ++i) ++counts[task->at(i).difficulty];
  REQUIRE(counts.size() == 4);
  double chi_square = 0;  // 3 degrees of freedom: above 16.3 by chance once in a thousand
  for (const auto& [length, count] : counts) chi_square += (count - 1000.0) * (count - 1000.0) / 1000;
  CHECK(chi_square < 16.3);
}

TEST_CASE("copy numbers as many problems as give the longest prompts their share") {
  CHECK(test::make_task("copy", {{"length", 3}, {"letters", 4}})->size() == 64);
  CHECK(test::make_task("copy", {{"length", test::list(1, 3)}, {"letters", 4}})->size() == 192);
  CHECK(test::make_task("copy", {{"length", 500}})->size() == int64_t{1} << 62);
  CHECK_THROWS_WITH(test::make_task("copy", {{"length", test::list(5, 3)}}), Contains("length"));
}

}  // namespace sil
