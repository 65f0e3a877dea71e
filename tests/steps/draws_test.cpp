#include "steps/draws.h"

#include <map>
#include <set>

#include "support/catch.h"

namespace sil {
namespace {

// Problem i is the text of i modulo `kinds`.
class Numbers final : public Task {
 public:
  Numbers(int64_t size, int64_t kinds) : size_(size), kinds_(kinds) {}
  int64_t size() const override { return size_; }
  Problem at(int64_t index) const override {
    Problem out;
    out.prompt = std::to_string(index % kinds_);
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }
  TaskCheck check(const Problem&, std::string_view) const override { return {}; }
  const AnswerExtractor& extractor() const override { throw Error(Exit::internal, "not asked for"); }
  std::string alphabet() const override { return "0123456789"; }
  bool procedural() const override { return true; }
  bool distinct() const override { return kinds_ == size_; }
  Digest digest() const override { return {}; }

 private:
  int64_t size_, kinds_;
};

Draws draws_of(const Task& task, int64_t cursor, bool endless = true) {
  TaskView view;
  view.name = "numbers";
  view.task = &task;
  return Draws({view}, 7, cursor, endless);
}

// How often each prompt was drawn; its occurrences must count up from 0.
std::map<std::string, uint32_t> count_draws(Draws draws, int n) {
  std::map<std::string, uint32_t> seen;
  Draws::Drawn drawn;
  for (int i = 0; i < n; ++i) {
    REQUIRE(draws.next(drawn));
    REQUIRE(drawn.occurrence == seen[drawn.problem->prompt]++);
  }
  return seen;
}

TEST_CASE("a problem drawn again in a step has the next occurrence, wherever the permutation begins") {
  const Numbers task(10, 10);
  for (int64_t cursor : {0, 3, 9, 10, 25}) {
    INFO("from " << cursor);
    CHECK(count_draws(draws_of(task, cursor), 10).size() <= 10);
    for (const auto& [prompt, n] : count_draws(draws_of(task, cursor), 37)) CHECK((n >= 2 && n <= 5));
  }
}

TEST_CASE("rows that say the same are told apart by their occurrence") {
  const Numbers task(12, 4);
  for (const auto& [prompt, n] : count_draws(draws_of(task, 0), 24)) CHECK(n == 6);
}

TEST_CASE("a permutation takes each problem once, and draws without end go on to the next") {
  const Numbers task(10, 10);
  CHECK(count_draws(draws_of(task, 0), 10).size() == 10);
  Draws once = draws_of(task, 0, false);
  Draws::Drawn drawn;
  for (int i = 0; i < 10; ++i) CHECK(once.next(drawn));
  CHECK(!once.next(drawn));
}

TEST_CASE("tasks without practical end are drawn together, each by its share") {
  const int64_t large = int64_t{1} << 62;
  const Numbers one(large, large), other(large, large);
  std::vector<TaskView> views(2);
  views[0].name = "one";
  views[0].task = &one;
  views[1].name = "other";
  views[1].task = &other;
  Draws draws(views, 7, 0, true);
  std::map<std::string, int> seen;
  Draws::Drawn drawn;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(draws.next(drawn));
    ++seen[drawn.problem->task];
  }
  CHECK(seen["one"] > 60);
  CHECK(seen["other"] > 60);
}

}  // namespace
}  // namespace sil
