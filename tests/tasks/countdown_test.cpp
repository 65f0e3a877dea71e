#include <set>

#include "support/catch.h"
#include "tasks/arithmetic.h"
#include "tasks/shelf.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

Problem asked(std::vector<int64_t> numbers, int64_t target) {
  Problem out;
  Json list = Json::array();
  for (int64_t number : numbers) list.push(number);
  out.meta.set("numbers", std::move(list));
  out.meta.set("target", target);
  return out;
}

Rational value_of(std::string_view text) {
  const ArithmeticResult found = evaluate_arithmetic(text);
  INFO(text << ": " << found.fault);
  CHECK(found.fault.empty());
  return found.value;
}
std::string fault_of(std::string_view text) {
  return evaluate_arithmetic(text).fault;
}

}  // namespace

TEST_CASE("expressions have their exact value") {
  CHECK(value_of("3+5*8") == Rational{43, 1});
  CHECK(value_of("(3+5)*8") == Rational{64, 1});
  CHECK(value_of("8-3-5") == Rational{0, 1});
  CHECK(value_of("8-(3-5)") == Rational{10, 1});
  CHECK(value_of("1/3+1/6") == Rational{1, 2});
  CHECK(value_of("8/4/2") == Rational{1, 1});
  CHECK(value_of("8/(3-8/3)") == Rational{24, 1});
  CHECK(value_of(" - 3 * -2\n") == Rational{6, 1});
  CHECK(value_of("1/(0-2)") == Rational{-1, 2});
  CHECK(value_of("9223372036854775807/3*3") == Rational{9223372036854775807, 1});
  CHECK(value_of("007") == Rational{7, 1});
  CHECK(evaluate_arithmetic("3*(5-3)").numbers == std::vector<int64_t>{3, 5, 3});
}

TEST_CASE("text that has no value is a fault that says why") {
  CHECK_THAT(fault_of(""), Contains("ends early"));
  CHECK_THAT(fault_of("3+"), Contains("ends early"));
  CHECK_THAT(fault_of("(3"), Contains("ends early"));
  CHECK_THAT(fault_of("3)"), Contains("')' at position 2"));
  CHECK_THAT(fault_of("3 5"), Contains("'5' at position 3"));
  CHECK_THAT(fault_of("3=3"), Contains("'=' at position 2"));
  CHECK_THAT(fault_of("3x"), Contains("'x' at position 2"));
  CHECK_THAT(fault_of("1.5"), Contains("'.' at position 2"));
  CHECK_THAT(fault_of("2**3"), Contains("'*' at position 3"));
  CHECK_THAT(fault_of(std::string_view("3\0+4", 4)), Contains("position 2"));
  CHECK_THAT(fault_of("1/0"), Contains("division by zero"));
  CHECK_THAT(fault_of("1/(2-2)"), Contains("division by zero"));
}

TEST_CASE("hostile expressions end as faults") {
  CHECK_THAT(fault_of("9223372036854775808"), Contains("a number beyond 64 bits"));
  CHECK_THAT(fault_of("9223372036854775807+1"), Contains("a value beyond 64 bits"));
  CHECK_THAT(fault_of("-9223372036854775807-1"), Contains("a value beyond 64 bits"));
  CHECK_THAT(fault_of("4294967296*4294967296"), Contains("a value beyond 64 bits"));
  CHECK_THAT(fault_of("1/4294967296/4294967296"), Contains("a value beyond 64 bits"));
  CHECK_THAT(fault_of(std::string(5'000, '(')), Contains("nested deeper"));
  CHECK_THAT(fault_of(std::string(5'000, '-') + "1"), Contains("nested deeper"));
  CHECK_THAT(fault_of(std::string(1'000'000, '1')), Contains("longer than"));
  std::string deep = "1", wide = "1";
  for (int i = 0; i < 98; ++i) deep = "(" + deep + ")";
  for (int i = 0; i < 2'000; ++i) wide += "+(1)";
  CHECK(value_of(deep) == Rational{1, 1});
  CHECK(value_of(wide) == Rational{2'001, 1});
}

TEST_CASE("any expression over the given numbers with the target's value is correct") {
  const auto task = test::make_task("countdown");
  const Problem problem = asked({3, 5, 8}, 16);
  for (const char* right : {"(5-3)*8", "8*(5-3)", " 3+5+8 ", "8*5-8*3", "-(3-5)*8"}) {
    const bool uses_each_once = std::string(right) != "8*5-8*3";
    CHECK(task->check(problem, right).correct == uses_each_once);
  }
  CHECK(task->check(asked({3, 3, 8, 8}, 24), "8/(3-8/3)").correct);
  CHECK(task->check(asked({3, 5, 16}, 16), "16").correct);
}

TEST_CASE("near misses fail and say why") {
  const auto task = test::make_task("countdown");
  const Problem problem = asked({3, 5, 8}, 16);
  CHECK_THAT(task->check(problem, "3*5").reason, Contains("it is 15, not 16"));
  CHECK_THAT(task->check(problem, "8/3").reason, Contains("it is 8/3, not 16"));
  CHECK_THAT(task->check(problem, "8+8").reason, Contains("it uses 8 more often than it is given"));
  CHECK_THAT(task->check(problem, "16").reason, Contains("it uses 16"));
  CHECK_THAT(task->check(problem, "3+5+8=16").reason, Contains("'=' at position 6"));
  CHECK_THAT(task->check(problem, "").reason, Contains("empty"));
}

TEST_CASE("problems keep to their options") {
  const auto task = test::make_task("countdown", {{"numbers", test::list(2, 4)}, {"largest", 9}, {"target", 30}});
  std::set<size_t> counts;
  std::set<char> operations;
  for (int64_t i = 0; i < 500; ++i) {
    const Problem problem = task->at(i);
    const Json::Array& numbers = problem.meta.at("numbers").as_array();
    std::string prompt;
    int64_t last = 1;
    for (const Json& number : numbers) {
      REQUIRE(number.as_int() >= last);  // sorted
      last = number.as_int();
      prompt += std::to_string(last) + " ";
    }
    REQUIRE(last <= 9);
    const int64_t target = problem.meta.at("target").as_int();
    REQUIRE((target >= 1 && target <= 30));
    REQUIRE(problem.prompt == prompt + "= " + std::to_string(target) + ":");
    REQUIRE(problem.difficulty == static_cast<double>(numbers.size()));
    REQUIRE(evaluate_arithmetic(problem.given[0].text).numbers.size() == numbers.size());
    counts.insert(numbers.size());
    for (char c : problem.given[0].text) operations.insert(c);
  }
  CHECK(counts == std::set<size_t>{2, 3, 4});
  for (char c : std::string("+-*/()")) CHECK(operations.contains(c));
  CHECK_THROWS_WITH(test::make_task("countdown", {{"largest", 50}, {"target", 20}}), Contains("below largest"));
}

}  // namespace sil
