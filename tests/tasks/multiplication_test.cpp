#include <set>

#include "support/catch.h"
#include "tasks/shelf.h"

namespace sil {

TEST_CASE("every unordered pair of operands is one product") {
  const auto task = test::make_task("multiplication", {{"operands", test::list(2, 20)}});
  REQUIRE(task->size() == 190);
  std::set<std::string> prompts;
  std::set<std::string> wanted;
  for (int a = 2; a <= 20; ++a)
    for (int b = a; b <= 20; ++b) wanted.insert("What is " + std::to_string(a) + "*" + std::to_string(b) + "?");
  for (int64_t i = 0; i < task->size(); ++i) prompts.insert(task->at(i).prompt);
  CHECK(prompts == wanted);
  CHECK(task->at(0).prompt == "What is 2*2?");
  CHECK(task->at(189).prompt == "What is 20*20?");
  CHECK(task->at(189).answer == "400");
}

TEST_CASE("the last number of an answer is the product") {
  const auto task = test::make_task("multiplication", {{"operands", test::list(7, 12)}});
  const Problem problem = task->at(task->size() - 1);
  REQUIRE(problem.prompt == "What is 12*12?");
  CHECK(task->check(problem, "12*12 = 144.").correct);
  CHECK_FALSE(task->check(problem, "144 is 12*12").correct);
  CHECK_FALSE(task->check(problem, "I do not know").correct);
}

TEST_CASE("the largest range of operands is numbered without a gap at its ends") {
  const auto task = test::make_task("multiplication", {{"operands", test::list(0, 1000000)}});
  CHECK(task->at(task->size() - 1).prompt == "What is 1000000*1000000?");
  CHECK(task->at(task->size() - 1000001).prompt == "What is 0*1000000?");
  CHECK(task->at(task->size() - 1000002).prompt == "What is 999999*999999?");
}

}  // namespace sil
