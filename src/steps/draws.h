// How problems are drawn from a task: endless keyed permutations of its split, without a table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "recipe/recipe.h"
#include "sil/task.h"
#include "steps/context.h"

namespace sil {

// The part of a task that a recipe's entry may see. Problems part by uid: of a procedural task the lowest 5 % are dev,
// the next 5 % test; {fraction: f} takes the rows below f, and every other entry on that file the rest.
struct TaskView {
  std::string name;
  const Task* task = nullptr;
  Split split = Split::train;
  double low = 0, high = 1;  // of uid / 2^64
  bool hidden = false;       // its problems come without answers, given ones and metadata (answers: observe)

  bool holds(uint64_t uid) const;
};
TaskView task_view(const Recipe& recipe, const std::map<std::string, std::unique_ptr<Task>>& tasks,
                   const std::string& name);
TaskView task_view(const RoundContext& context, const std::string& name);
std::string split_name(const TaskSpec& spec);  // train | dev | test
bool hides_answers(const TaskSpec& spec);      // from everything but `observe`
// A finding for each of the tasks whose answers a step would read although they are hidden.
void check_answers(const Recipe& recipe, const StepSpec& spec, const std::vector<std::string>& tasks,
                   std::vector<Finding>& findings);

// Draws from one or several tasks, each as often as its share of all their problems; the cursor counts draws of the
// index space.
class Draws {
 public:
  // `endless` false: each index once, in the permutation's order (evaluate).
  Draws(std::vector<TaskView> views, uint64_t key, int64_t cursor, bool endless);

  struct Drawn {
    ProblemRef problem;
    uint32_t occurrence = 0;
  };
  bool next(Drawn& drawn);  // false: nothing more
  int64_t cursor() const { return cursor_; }
  int64_t limit() const { return endless_ ? std::numeric_limits<int64_t>::max() : size_; }  // of draws in all

 private:
  std::optional<Problem> problem_at(int64_t cursor) const;  // none: in no view's split
  void count_first_pass(int64_t end);                       // the draws before `end`, which kept no count

  std::vector<TaskView> views_;
  uint64_t key_;
  int64_t first_, cursor_;
  std::vector<int64_t> sizes_;  // of each view's index space
  int64_t size_ = 0;            // of all together
  bool endless_;
  int64_t missed_ = 0;  // draws in a row that were in no split
  bool counted_ = false;
  std::unordered_map<uint64_t, uint32_t> seen_;
};

// Groups of fresh problems, `problems` a pass.
class TaskSource final : public FrameSource {
 public:
  TaskSource(Draws draws, int64_t problems, int64_t per_frame, std::string round)
      : draws_(std::move(draws)), problems_(problems), per_frame_(per_frame), round_(std::move(round)) {}

  bool next(Frame& frame) override;
  int64_t groups() const override { return std::min(problems_ * passes_, draws_.limit()); }
  std::optional<int64_t> cursor() const override { return draws_.cursor(); }
  int64_t passes() const override { return passes_; }
  void another_pass() override { ++passes_; }
  void skip(int64_t groups);  // already committed

 private:
  Draws draws_;
  int64_t problems_, per_frame_;
  std::string round_;
  int64_t position_ = 0, passes_ = 1;
};

}  // namespace sil
