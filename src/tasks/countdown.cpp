// Countdown: write an expression that has the target's value, using each given number at most once: "3 5 8 = 16:" asks
// for (5-3)*8. Problems are made backwards from a solution, so each one has an answer.
#include <algorithm>

#include "sil/rng.h"
#include "tasks/arithmetic.h"
#include "tasks/integer_range.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

// Problems repeat long before, so more indices would add nothing.
constexpr int64_t kProblems = int64_t{1} << 30;

struct CountdownOptions {
  TaskOptions task;
  std::vector<double> numbers{3};
  int64_t largest = 10;
  int64_t target = 100;

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("numbers", numbers, {.help = "how many numbers are given, n or [low, high]", .low = 2, .high = 8});
    v.option("largest", largest, {.help = "numbers are 1 to this", .low = 1, .high = 1000});
    v.option("target", target,
             {.help = "targets, and all values on the way, are 1 to this", .low = 2, .high = 1000000});
  }
};

// A value that was reached, and how. `rank`: how tightly the expression binds: 3 a number, 2 * and /, 1 + and -.
struct Term {
  int64_t value = 0;
  std::string text;
  int rank = 3;
};

std::string in_parentheses(const Term& term, bool needed) {
  return needed ? "(" + term.text + ")" : term.text;
}

Term joined(const Term& a, const Term& b, char op, int64_t value) {
  const int rank = op == '+' || op == '-' ? 1 : 2;
  // On the right of - and / an equal rank binds wrongly: a-(b-c).
  const bool right = b.rank < rank || (b.rank == rank && (op == '-' || op == '/'));
  return {value, in_parentheses(a, a.rank < rank) + op + in_parentheses(b, right), rank};
}

class Countdown final : public Task {
 public:
  explicit Countdown(CountdownOptions options)
      : options_(std::move(options)),
        count_(integer_range("numbers", options_.numbers, {2, 8})),
        extractor_(make_extractor(options_.task)) {
    if (options_.target < options_.largest)
      throw Error(
          Exit::usage,
          "target is " + std::to_string(options_.target) + ", below largest, " + std::to_string(options_.largest),
          "make target at least as large");
  }

  int64_t size() const override { return kProblems; }

  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < kProblems);
    constexpr uint64_t kKey = 0x73696c63646f776e;  // of this way of drawing
    RandomStream random(kKey, static_cast<uint64_t>(index));
    const auto span = static_cast<uint64_t>(count_.high - count_.low + 1);
    std::vector<int64_t> numbers(static_cast<size_t>(count_.low) + random.below(span));
    for (int64_t& number : numbers)
      number = 1 + static_cast<int64_t>(random.below(static_cast<uint64_t>(options_.largest)));
    std::sort(numbers.begin(), numbers.end());  // one prompt for one set of numbers
    return problem(numbers, solution(numbers, random));
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    std::string why;
    const std::optional<std::string> text = extractor_->extract(completion, &why);
    if (!text) return {false, why};
    const ArithmeticResult found = evaluate_arithmetic(*text);
    if (!found.fault.empty()) return {false, found.fault};
    std::vector<int64_t> left;
    for (const Json& number : problem.meta.at("numbers").as_array()) left.push_back(number.as_int());
    for (int64_t number : found.numbers) {
      const auto at = std::find(left.begin(), left.end(), number);
      if (at == left.end()) return {false, "it uses " + std::to_string(number) + " more often than it is given"};
      left.erase(at);
    }
    const int64_t target = problem.meta.at("target").as_int();
    if (found.value == Rational{target, 1}) return {true, {}};
    std::string value = std::to_string(found.value.numerator);
    if (found.value.denominator != 1) value += "/" + std::to_string(found.value.denominator);
    return {false, "it is " + value + ", not " + std::to_string(target)};
  }

  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override { return "0123456789 =:+-*/()"; }
  bool procedural() const override { return true; }
  bool distinct() const override { return false; }

  Digest digest() const override {
    Sha256 hash;
    hash.field("countdown/1");
    for (int64_t option : {count_.low, count_.high, options_.largest, options_.target})
      hash.number(static_cast<uint64_t>(option));
    return hash.finish();
  }

 private:
  // Joins two of the terms, drawn at random, until one is left. There is always an operation whose value is 1 to
  // target: the difference of two unequal values, the quotient of two equal ones.
  Term solution(const std::vector<int64_t>& numbers, RandomStream& random) const {
    std::vector<Term> terms;
    for (int64_t number : numbers) terms.push_back({number, std::to_string(number)});
    const auto take = [&] {
      const auto at = terms.begin() + static_cast<std::ptrdiff_t>(random.below(terms.size()));
      Term term = std::move(*at);
      terms.erase(at);
      return term;
    };
    while (terms.size() > 1) {
      Term a = take(), b = take();
      if (a.value < b.value) std::swap(a, b);
      std::vector<Term> ways;
      if (a.value + b.value <= options_.target) ways.push_back(joined(a, b, '+', a.value + b.value));
      if (a.value > b.value) ways.push_back(joined(a, b, '-', a.value - b.value));
      if (a.value * b.value <= options_.target) ways.push_back(joined(a, b, '*', a.value * b.value));
      if (a.value % b.value == 0) ways.push_back(joined(a, b, '/', a.value / b.value));
      terms.push_back(ways[random.below(ways.size())]);
    }
    return terms.front();
  }

  // There is no one answer: the solution is given to learn from, and `check` decides about any other.
  Problem problem(const std::vector<int64_t>& numbers, const Term& solved) const {
    Problem out;
    Json list = Json::array();
    for (int64_t number : numbers) {
      out.prompt += std::to_string(number) + ' ';
      list.push(number);
    }
    out.prompt += "= " + std::to_string(solved.value) + ':';
    out.given.push_back({solved.text, true, "reference"});
    out.meta.set("numbers", std::move(list));
    out.meta.set("target", solved.value);
    out.meta.set("solution", solved.text);
    out.difficulty = static_cast<double>(numbers.size());
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }

  CountdownOptions options_;
  IntegerRange count_;
  std::unique_ptr<AnswerExtractor> extractor_;
};

}  // namespace

void register_countdown(Registry<Task>& registry) {
  registry.add<Countdown, CountdownOptions>("countdown", "expressions over given numbers, as 3 5 8 = 16:", "numbers");
}

}  // namespace sil
