// What holds for every task, whatever it asks.
#include <set>
#include <thread>

#include "sil/rng.h"
#include "support/catch.h"
#include "tasks/shelf.h"

namespace sil {
namespace {

struct Case {
  std::string name;
  Json::Object options;
};

std::vector<Case> procedural_cases() {
  return {{"addition", {}},
          {"addition", {{"digits", 1}}},
          {"addition", {{"digits", test::list(1, 3)}, {"style", "reversed"}}},
          {"addition", {{"digits", 4}, {"style", "scratchpad"}}},
          {"addition", {{"digits", 9}}},
          {"addition", {{"digits", test::list(1, 3)}, {"mix", "digits"}}},
          {"addition", {{"digits", test::list(5, 100)}, {"mix", "digits"}, {"style", "scratchpad"}}},
          {"multiplication", {}},
          {"multiplication", {{"operands", test::list(0, 1000000)}}},
          {"neighbour", {}},
          {"neighbour", {{"length", 4}, {"letters", 3}, {"window", 4}}},
          {"copy", {}},
          {"copy", {{"length", test::list(1, 60)}, {"style", "reversed"}}},
          {"countdown", {}},
          {"countdown", {{"numbers", test::list(2, 8)}, {"largest", 1}, {"target", 2}}},
          {"countdown", {{"numbers", 6}, {"largest", 1000}, {"target", 1000000}}}};
}

// Some hundred indices, the ends among them.
std::vector<int64_t> some_indices(const Task& task) {
  std::set<int64_t> out = {0, task.size() - 1};
  for (uint64_t i = 0; i < 300; ++i)
    out.insert(static_cast<int64_t>(
        permuted(1, 0, i % static_cast<uint64_t>(task.size()), static_cast<uint64_t>(task.size()))));
  return {out.begin(), out.end()};
}

bool same(const Problem& a, const Problem& b) {
  return a.uid == b.uid && a.prompt == b.prompt && a.answer == b.answer && a.meta == b.meta &&
         a.difficulty == b.difficulty && a.messages == b.messages && a.given.size() == b.given.size() &&
         std::equal(a.given.begin(), a.given.end(), b.given.begin(), [](const GivenAnswer& x, const GivenAnswer& y) {
           return x.text == y.text && x.passes == y.passes;
         });
}

}  // namespace

TEST_CASE("entries of the task shelf declare what they say") {
  CHECK(test::faulty_entries(test::task_shelf()).empty());
}

TEST_CASE("an index gives the same problem from every task object and thread") {
  for (const Case& c : procedural_cases()) {
    const auto task = test::make_task(c.name, c.options), twin = test::make_task(c.name, c.options);
    const std::vector<int64_t> indices = some_indices(*task);
    std::vector<Problem> first, second;
    std::thread one([&] {
      for (int64_t i : indices) first.push_back(task->at(i));
    });
    std::thread two([&] {
      for (size_t i = indices.size(); i-- > 0;) second.push_back(task->at(indices[i]));
    });
    one.join();
    two.join();
    for (size_t i = 0; i < indices.size(); ++i) {
      REQUIRE(same(first[i], second[indices.size() - 1 - i]));
      REQUIRE(same(first[i], twin->at(indices[i])));
    }
    CHECK(task->digest() == twin->digest());
    CHECK(task->procedural());
    CHECK(task->source().empty());
  }
}

TEST_CASE("every problem has a prompt, its uid and a reference that passes") {
  for (const Case& c : procedural_cases()) {
    const auto task = test::make_task(c.name, c.options);
    for (int64_t i : some_indices(*task)) {
      const Problem problem = task->at(i);
      REQUIRE_FALSE(problem.prompt.empty());
      REQUIRE(problem.uid == problem_uid(problem.prompt, problem.answer));
      REQUIRE(problem.given.size() == 1);
      REQUIRE(problem.given[0].passes);
      REQUIRE(problem.given[0].origin == "reference");
      const TaskCheck check = task->check(problem, problem.given[0].text);
      INFO(problem.prompt << " " << problem.given[0].text << ": " << check.reason);
      REQUIRE(check.correct);
      REQUIRE_FALSE(task->check(problem, problem.given[0].text + "0").correct);
      REQUIRE_FALSE(task->check(problem, "").correct);
      REQUIRE_FALSE(task->check(problem, "").reason.empty());
    }
  }
}

TEST_CASE("alphabets cover prompts, answers and references") {
  for (const Case& c : procedural_cases()) {
    const auto task = test::make_task(c.name, c.options);
    const std::string alphabet = task->alphabet();
    for (int64_t i : some_indices(*task)) {
      const Problem problem = task->at(i);
      const std::string all = problem.prompt + problem.answer.value_or("") + problem.given[0].text;
      REQUIRE(all.find_first_not_of(alphabet) == std::string::npos);
    }
  }
}

TEST_CASE("a task is distinct exactly when no two indices share a uid") {
  for (const Case& c : std::vector<Case>{{"addition", {{"digits", test::list(1, 2)}}},
                                         {"addition", {{"digits", 2}}},
                                         {"addition", {{"digits", test::list(1, 2)}, {"mix", "digits"}}},
                                         {"neighbour", {{"length", 5}, {"letters", 5}}}}) {
    const auto task = test::make_task(c.name, c.options);
    std::set<uint64_t> uids;
    for (int64_t i = 0; i < task->size(); ++i) uids.insert(task->at(i).uid);
    CHECK(task->distinct() == (uids.size() == static_cast<size_t>(task->size())));
  }
}

TEST_CASE("tasks that differ have different digests, how answers are read apart") {
  std::set<Digest> digests;
  for (const Case& c : procedural_cases()) digests.insert(test::make_task(c.name, c.options)->digest());
  CHECK(digests.size() == procedural_cases().size());
  CHECK(test::make_task("addition", {{"answer", "last_number"}})->digest() == test::make_task("addition")->digest());
}

TEST_CASE("the answer option chooses the extractor of every task") {
  const auto task = test::make_task("addition", {{"answer", "last_number"}});
  const Problem problem = task->at(0);  // 10+10=
  CHECK(task->check(problem, "I think it is 20.").correct);
  CHECK_FALSE(test::make_task("addition")->check(problem, "I think it is 20.").correct);
  CHECK_THROWS_AS(test::make_task("addition", {{"answer", "regex"}}), Error);
}

}  // namespace sil
