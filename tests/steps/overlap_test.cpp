#include "steps/overlap.h"

#include "steps/draws.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using Row = std::pair<std::string, std::string>;  // prompt, answer

// Problems from a list, in a file that is only a name.
class ListTask final : public Task {
 public:
  ListTask(std::string file, std::vector<Row> rows) : file_(std::move(file)), rows_(std::move(rows)) {}
  int64_t size() const override { return static_cast<int64_t>(rows_.size()); }
  Problem at(int64_t index) const override {
    Problem out;
    std::tie(out.prompt, out.answer) = rows_.at(static_cast<size_t>(index));
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }
  TaskCheck check(const Problem&, std::string_view) const override { return {}; }
  const AnswerExtractor& extractor() const override { throw std::logic_error("nobody asks"); }
  std::string alphabet() const override { return {}; }
  bool procedural() const override { return file_.empty(); }
  bool distinct() const override { return false; }
  Digest digest() const override { return {}; }
  std::string source() const override { return file_; }
  Place place(int64_t index) const override {
    return file_.empty() ? Place{} : Place{file_, static_cast<int>(index) + 1, 1};
  }

 private:
  std::string file_;
  std::vector<Row> rows_;
};

// Tasks of a recipe: what refuse_overlap says of them, "" when nothing.
class Tasks {
 public:
  Tasks& add(const std::string& name, const Json& split, const std::string& file, std::vector<Row> rows,
             const std::string& answers = "use") {
    TaskSpec spec;
    spec.name = name;
    spec.plugin.options = Json::Object{{"split", split}, {"answers", answers}};
    spec.plugin.place = {"recipe.yaml", static_cast<int>(recipe_.tasks.size()) + 6, 3};
    recipe_.tasks.push_back(std::move(spec));
    tasks_[name] = std::make_unique<ListTask>(file, std::move(rows));
    return *this;
  }
  std::string refusal() const {
    try {
      refuse_overlap(recipe_, tasks_);
      return {};
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      return error.what();
    }
  }

  TaskView view(const std::string& name) const { return task_view(recipe_, tasks_, name); }

 private:
  Recipe recipe_;
  std::map<std::string, std::unique_ptr<Task>> tasks_;
};

const Json kTenth = Json::Object{{"fraction", 0.1}, {"name", "dev"}};

// Whether a row lies in the part {fraction: 0.1}.
bool in_tenth(const Row& row) {
  return static_cast<double>(problem_uid(row.first, row.second)) * 0x1p-64 < 0.1;
}

}  // namespace

TEST_CASE("a prompt that stands in two splits is refused with both places and how many there are") {
  const std::string found = Tasks()
                                .add("train", "train", "a.jsonl", {{"p", "1"}, {"q", "1"}, {"r", "1"}})
                                .add("dev", "dev", "b.jsonl", {{"r", "2"}, {"s", "1"}, {"q", "1"}})
                                .refusal();
  CHECK_THAT(found, Contains("a.jsonl:2:1: the prompt \"q\" of task 'train' (train) is also in task 'dev' (dev), at "
                             "b.jsonl:3:1; 2 prompts are shared in all; "));
}

TEST_CASE("dev and test may not share a prompt either") {
  CHECK_THAT(
      Tasks().add("dev", "dev", "a", {{"p", "1"}}).add("final", "test", "b", {{"x", "1"}, {"p", "1"}}).refusal(),
      Contains("a:1:1: the prompt \"p\" of task 'dev' (dev) is also in task 'final' (test), at b:2:1; it is the only"));
}

TEST_CASE("tasks of one split may share prompts, and so may whole files that share none") {
  CHECK(Tasks().add("a", "train", "a", {{"p", "1"}}).add("b", "train", "b", {{"p", "1"}}).refusal().empty());
  CHECK(Tasks().add("a", "train", "a", {{"p", "1"}}).add("b", "test", "b", {{"q", "1"}}).refusal().empty());
}

TEST_CASE("a file read whole under two splits is refused") {
  const std::vector<Row> rows = {{"p", "1"}, {"q", "1"}};
  CHECK_THAT(Tasks().add("train", "train", "a", rows).add("dev", "dev", "a", rows).refusal(),
             Contains("2 prompts are shared"));
}

TEST_CASE("a fraction of a file shares nothing with the rest, but a prompt with two answers may fall on both sides") {
  std::vector<Row> rows;
  for (int i = 0; i < 200; ++i) rows.emplace_back("p" + std::to_string(i), "1");
  CHECK(Tasks().add("train", "train", "a", rows).add("dev", kTenth, "a", rows).refusal().empty());

  // The same prompt with other answers until one lies on the other side.
  const bool first = in_tenth(rows[0]);
  int other = 2;
  while (in_tenth({"p0", std::to_string(other)}) == first) {
    rows.emplace_back("p0", std::to_string(other));  // on the same side: may stay
    ++other;
  }
  CHECK(Tasks().add("train", "train", "a", rows).add("dev", kTenth, "a", rows).refusal().empty());
  rows.emplace_back("p0", std::to_string(other));
  CHECK_THAT(Tasks().add("train", "train", "a", rows).add("dev", kTenth, "a", rows).refusal(),
             Contains("the prompt \"p0\" of task 'train' (train) is also in task 'dev' (dev), at a:"));
}

TEST_CASE("shares of one file stand side by side: every row is in exactly one of them or in the rest") {
  std::vector<Row> rows;
  for (int i = 0; i < 400; ++i) rows.emplace_back("p" + std::to_string(i), "1");
  const Json fifth = Json::Object{{"fraction", 0.2}, {"name", "test"}};
  const Tasks tasks =
      std::move(Tasks().add("train", "train", "a", rows).add("dev", kTenth, "a", rows).add("test", fifth, "a", rows));
  CHECK(tasks.refusal().empty());
  int counts[3] = {};
  for (const Row& row : rows) {
    int holders = 0, part = 0;
    for (const char* name : {"train", "dev", "test"}) {
      const bool holds = tasks.view(name).holds(problem_uid(row.first, row.second));
      holders += holds;
      counts[part++] += holds;
    }
    CHECK(holders == 1);
  }
  for (const int count : counts) CHECK(count > 0);
}

TEST_CASE("a task whose answers are only observed may train on what is held out elsewhere") {
  CHECK(Tasks()
            .add("train", "train", "a", {{"p", "1"}}, "observe")
            .add("test", "test", "b", {{"p", "1"}})
            .refusal()
            .empty());
  CHECK_FALSE(Tasks()
                  .add("train", "train", "a", {{"p", "1"}})
                  .add("test", "test", "b", {{"p", "1"}}, "observe")
                  .refusal()
                  .empty());
}

TEST_CASE("procedural tasks are compared with datasets, not with each other") {
  std::vector<Row> sums;
  for (int i = 0; i < 300; ++i) sums.emplace_back(std::to_string(i) + "+1=", std::to_string(i + 1));
  CHECK(Tasks().add("train", "train", "", sums).add("dev", "dev", "", sums).refusal().empty());
  const std::string found = Tasks().add("train", "train", "", sums).add("dev", "dev", "b", sums).refusal();
  CHECK_THAT(found,
             Contains("recipe.yaml:6:3: the prompt ") && Contains("of task 'train' (train) is also in task 'dev'"));
}

TEST_CASE("rows of text without a prompt are compared as a whole") {
  CHECK(Tasks().add("a", "train", "a", {{"", "one"}}).add("b", "dev", "b", {{"", "two"}}).refusal().empty());
  CHECK_THAT(Tasks().add("a", "train", "a", {{"", "one"}}).add("b", "dev", "b", {{"", "one"}}).refusal(),
             Contains("a:1:1: the prompt \"one\""));
}

}  // namespace sil
