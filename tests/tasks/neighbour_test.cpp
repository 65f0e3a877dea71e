#include <map>

#include "support/catch.h"
#include "tasks/shelf.h"

namespace sil {

using Catch::Matchers::Contains;

TEST_CASE("prompts count through the alphabet") {
  const auto task = test::make_task("neighbour", {{"length", 3}, {"letters", 4}});
  CHECK(task->size() == 64);
  CHECK(task->at(0).prompt == "aaa>");
  CHECK(task->at(1).prompt == "aab>");
  CHECK(task->at(27).prompt == "bcd>");  // 1*16 + 2*4 + 3
  CHECK(task->at(63).prompt == "ddd>");
  CHECK(task->alphabet() == "abcd>");
}

TEST_CASE("the answer is the weighted sum of the last letters") {
  const auto one = test::make_task("neighbour", {{"length", 3}, {"letters", 4}});
  CHECK(one->at(27).answer == "a");  // d + 1
  CHECK(one->at(0).answer == "b");
  const auto two = test::make_task("neighbour", {{"length", 3}, {"letters", 4}, {"window", 2}});
  CHECK(two->at(27).answer == "a");  // 1 + 3 + 2*2 = 8
  const auto three = test::make_task("neighbour", {{"length", 3}, {"letters", 4}, {"window", 3}});
  CHECK(three->at(27).answer == "d");  // 1 + 3 + 2*2 + 3*1 = 11
  CHECK_FALSE(one->check(one->at(27), "b").correct);
  CHECK_FALSE(one->check(one->at(27), "aa").correct);
  CHECK(one->check(one->at(27), "a\n").correct);
}

TEST_CASE("the end of the prompt decides the answer and nothing before it does") {
  const auto task = test::make_task("neighbour", {{"length", 5}, {"letters", 4}, {"window", 2}});
  std::map<std::string, std::string> answers;
  for (int64_t i = 0; i < task->size(); ++i) {
    const Problem problem = task->at(i);
    const auto [at, is_new] = answers.emplace(problem.prompt.substr(3), *problem.answer);
    REQUIRE(at->second == *problem.answer);
  }
  CHECK(answers.size() == 16);
  CHECK(answers["aa>"] != answers["ab>"]);
  CHECK(answers["aa>"] != answers["ba>"]);
}

TEST_CASE("neighbour options that cannot be are usage errors") {
  CHECK_THROWS_WITH(test::make_task("neighbour", {{"length", 2}, {"window", 3}}), Contains("window is 3"));
  CHECK_THROWS_WITH(test::make_task("neighbour", {{"length", 32}, {"letters", 26}}), Contains("more prompts than"));
}

}  // namespace sil
