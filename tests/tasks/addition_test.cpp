#include <map>
#include <set>

#include "support/catch.h"
#include "tasks/shelf.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

Problem with_prompt(const Task& task, const std::string& prompt) {
  for (int64_t i = 0; i < task.size(); ++i)
    if (task.at(i).prompt == prompt) return task.at(i);
  FAIL("no problem " << prompt);
  return {};
}

}  // namespace

TEST_CASE("all pairs of operands are there once") {
  const auto task = test::make_task("addition", {{"digits", test::list(1, 2)}});
  REQUIRE(task->size() == 100 * 100);
  std::set<std::string> prompts;
  for (int64_t i = 0; i < task->size(); ++i) prompts.insert(task->at(i).prompt);
  CHECK(prompts.size() == 10'000);
  CHECK(prompts.contains("0+0="));
  CHECK(prompts.contains("7+85="));
  CHECK(prompts.contains("99+99="));
  CHECK(test::make_task("addition", {{"digits", 1}})->size() == 100);
  CHECK(test::make_task("addition", {{"digits", 2}})->size() == 8'100);
  CHECK(test::make_task("addition", {{"digits", 9}})->size() == int64_t{810'000'000'000'000'000});
}

TEST_CASE("answers are written in each style") {
  const auto forward = test::make_task("addition", {{"digits", 2}});
  CHECK(with_prompt(*forward, "12+34=").answer == "46");
  CHECK(with_prompt(*forward, "58+67=").answer == "125");
  CHECK(with_prompt(*forward, "58+67=").difficulty == 2);
  CHECK(forward->at(0).prompt == "10+10=");
  CHECK(forward->at(8099).answer == "198");

  const auto reversed = test::make_task("addition", {{"digits", 2}, {"style", "reversed"}});
  CHECK(with_prompt(*reversed, "12+34=").answer == "64");
  CHECK(with_prompt(*reversed, "58+62=").answer == "021");

  const auto scratchpad = test::make_task("addition", {{"digits", test::list(1, 2)}, {"style", "scratchpad"}});
  CHECK(with_prompt(*scratchpad, "12+34=").given[0].text == "2+4+0=6,1+3+0=4|46");
  CHECK(with_prompt(*scratchpad, "58+67=").given[0].text == "8+7+0=15,5+6+1=12|125");
  CHECK(with_prompt(*scratchpad, "9+95=").given[0].text == "9+5+0=14,0+9+1=10|104");
  CHECK(with_prompt(*scratchpad, "58+67=").answer == "125");
}

TEST_CASE("only the exact answer is correct") {
  const auto task = test::make_task("addition", {{"digits", 2}});
  const Problem problem = with_prompt(*task, "12+34=");
  CHECK(task->check(problem, "46").correct);
  CHECK(task->check(problem, " 46\n").correct);
  for (const char* wrong : {"47", "64", "046", "4 6", "46.", "12+34=46"})
    CHECK_FALSE(task->check(problem, wrong).correct);
  CHECK_THAT(task->check(problem, "47").reason, Contains("found \"47\", expected \"46\""));
}

TEST_CASE("a scratchpad is judged by what follows its last mark") {
  const auto task = test::make_task("addition", {{"digits", 2}, {"style", "scratchpad"}});
  const Problem problem = with_prompt(*task, "12+34=");
  CHECK(task->check(problem, "2+4+0=7,1+3+0=4|46").correct);
  CHECK(task->check(problem, "|46").correct);
  CHECK(task->check(problem, "|45|46").correct);
  CHECK_FALSE(task->check(problem, "|46|45").correct);
  CHECK_THAT(task->check(problem, "46").reason, Contains("there is no |"));
  CHECK_THAT(task->check(problem, "46|").reason, Contains("nothing follows"));
}

TEST_CASE("mix: digits gives every number of digits equally often") {
  const auto task = test::make_task("addition", {{"digits", test::list(1, 4)}, {"mix", "digits"}});
  std::map<double, int> counts;
  constexpr int kProblems = 4'000;
  for (int i = 0; i < kProblems; ++i) ++counts[task->at(i).difficulty];
  REQUIRE(counts.size() == 4);
  // Binomial(4000, 1/4): 1000 +- 5 * 27.4.
  for (const auto& [digits, count] : counts) CHECK(std::abs(count - 1'000) < 137);
  CHECK_FALSE(task->distinct());
}

TEST_CASE("numbers of up to 100 digits are added exactly") {
  const auto task = test::make_task("addition", {{"digits", 100}, {"mix", "digits"}});
  CHECK(task->size() == int64_t{1} << 62);
  const Problem problem = task->at(12'345);
  const std::string a = problem.prompt.substr(0, 100), b = problem.prompt.substr(101, 100);
  CHECK(problem.prompt == a + "+" + b + "=");
  CHECK(a[0] != '0');
  CHECK(b[0] != '0');
  // Subtracting b from the answer digit by digit must give a.
  std::string left = *problem.answer;
  int borrow = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    char& digit = left[left.size() - 1 - i];
    int value = digit - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    borrow = value < 0 ? 1 : 0;
    digit = static_cast<char>('0' + value + 10 * borrow);
  }
  CHECK(borrow == 0);
  CHECK(left.substr(left.size() - 100) == a);
}

TEST_CASE("digits that cannot be are usage errors") {
  const auto refusal = [](Json::Object options) -> std::string {
    try {
      test::make_task("addition", std::move(options));
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      return error.what();
    }
    return "accepted";
  };
  CHECK_THAT(refusal({{"digits", test::list(3, 2)}}), Contains("digits is [3, 2]"));
  CHECK_THAT(refusal({{"digits", 1.5}}), Contains("a whole number"));
  CHECK_THAT(refusal({{"digits", 10}}), Contains("write mix: digits"));
  CHECK(refusal({{"digits", 101}, {"mix", "digits"}}) != "accepted");
  CHECK(refusal({{"digits", 0}}) != "accepted");
  CHECK_THAT(refusal({{"digits", Json(Json::Array{1, 2, 3})}}), Contains("[1, 2, 3]"));
  CHECK(refusal({{"digits", Json::array()}}) != "accepted");
}

}  // namespace sil
