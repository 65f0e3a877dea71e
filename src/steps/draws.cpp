#include "steps/draws.h"

#include <algorithm>
#include <limits>

#include "sil/rng.h"

namespace sil {
namespace {

constexpr double kHeldOut = 0.05;  // share of a procedural task that is dev, and test

const Json& split_of(const TaskSpec& spec) {
  return spec.plugin.options.at("split");
}

double fraction_of(const TaskSpec& spec) {
  const Json* fraction = split_of(spec).find("fraction");
  return fraction ? fraction->as_double() : 0;
}

bool same_problems(const Task& a, const Task& b) {
  if (a.procedural() != b.procedural()) return false;
  return a.procedural() ? a.digest() == b.digest() : a.source() == b.source();
}

}  // namespace

std::string split_name(const TaskSpec& spec) {
  const Json& split = split_of(spec);
  if (split.is_string()) return split.as_string();
  const Json* name = split.find("name");
  return name ? name->as_string() : "train";
}

bool hides_answers(const TaskSpec& spec) {
  return spec.plugin.options.at("answers").as_string() == "observe";
}

void check_answers(const Recipe& recipe, const StepSpec& spec, const std::vector<std::string>& tasks,
                   std::vector<Finding>& findings) {
  for (const std::string& name : tasks)
    if (const TaskSpec* task = recipe.task(name); task && hides_answers(*task))
      findings.push_back({spec.place,
                          spec.name + ": " + spec.verb + " reads the answers of task `" + name +
                              "`, which hides them (answers: observe)",
                          "measure it with `observe`, or leave `answers` out"});
}

bool TaskView::holds(uint64_t uid) const {
  double place = static_cast<double>(uid) * 0x1p-64;
  return place >= low && place < high;
}

TaskView task_view(const RoundContext& context, const std::string& name) {
  return task_view(context.recipe, context.tasks, name);
}

TaskView task_view(const Recipe& recipe, const std::map<std::string, std::unique_ptr<Task>>& tasks,
                   const std::string& name) {
  const TaskSpec& spec = *recipe.task(name);
  TaskView view;
  view.name = name;
  view.task = tasks.at(name).get();
  view.hidden = hides_answers(spec);
  std::string split = split_name(spec);
  view.split = split == "dev" ? Split::dev : split == "test" ? Split::test : Split::train;
  double before = 0, shared_out = 0;  // by tasks on the same problems that stand above this one, and by all
  for (const TaskSpec& other : recipe.tasks) {
    if (!same_problems(*tasks.at(other.name), *view.task)) continue;
    if (&other == &spec) before = shared_out;
    shared_out += fraction_of(other);
  }
  if (shared_out > 0) {
    view.low = fraction_of(spec) > 0 ? before : shared_out;
    if (fraction_of(spec) > 0) view.high = before + fraction_of(spec);
  } else if (view.task->procedural()) {
    if (view.split == Split::dev) view.high = kHeldOut;
    if (view.split == Split::test) view.low = kHeldOut, view.high = 2 * kHeldOut;
    if (view.split == Split::train) view.low = 2 * kHeldOut;
  }
  return view;
}

Draws::Draws(std::vector<TaskView> views, uint64_t key, int64_t cursor, bool endless)
    : views_(std::move(views)), key_(key), first_(cursor), cursor_(cursor), endless_(endless) {
  // So that the sum stays a number: of two tasks without practical end each gives its first 2^62 problems.
  const int64_t most = std::numeric_limits<int64_t>::max() / std::ssize(views_);
  for (const TaskView& view : views_) {
    sizes_.push_back(std::min(view.task->size(), most));
    size_ += sizes_.back();
  }
}

bool Draws::next(Drawn& drawn) {
  for (;;) {
    if (!endless_ && cursor_ - first_ >= size_) return false;
    if (missed_ - 1000 > size_)
      throw Error(Exit::usage, "task " + views_.front().name + " has no problem in its split",
                  "widen the task (more digits, more rows) or choose another split");
    const int64_t at = cursor_++;
    std::optional<Problem> problem = problem_at(at);
    if (!problem) {
      ++missed_;
      continue;
    }
    missed_ = 0;
    // Within one pass over a task without duplicates nothing comes twice: no bookkeeping until a second one begins.
    const bool once = views_.size() == 1 && views_.front().task->distinct() && at / size_ == first_ / size_;
    if (!once && !counted_) count_first_pass(at);
    drawn.occurrence = once ? 0 : seen_[problem->uid]++;
    drawn.problem = std::make_shared<const Problem>(std::move(*problem));
    return true;
  }
}

std::optional<Problem> Draws::problem_at(int64_t cursor) const {
  const auto size = static_cast<uint64_t>(size_), at = static_cast<uint64_t>(cursor);
  auto index = static_cast<int64_t>(permuted(key_, at / size, at % size, size));
  size_t which = 0;
  while (index >= sizes_[which]) index -= sizes_[which++];
  const TaskView& view = views_[which];
  Problem problem = view.task->at(index);
  if (!view.holds(problem.uid)) return std::nullopt;
  if (view.hidden) {
    problem.answer.reset();
    problem.given.clear();
    problem.meta = Json::object();
  }
  problem.split = view.split;
  problem.task = view.name;
  problem.index = index;
  return problem;
}

void Draws::count_first_pass(int64_t end) {
  for (int64_t at = first_; at < end; ++at)
    if (const std::optional<Problem> problem = problem_at(at)) ++seen_[problem->uid];
  counted_ = true;
}

void TaskSource::skip(int64_t groups) {
  Draws::Drawn drawn;
  passes_ = std::max<int64_t>(1, (groups + problems_ - 1) / problems_);
  while (position_ < groups && draws_.next(drawn)) ++position_;
}

bool TaskSource::next(Frame& frame) {
  frame = Frame();
  frame.round = round_;
  frame.span.begin = position_;
  Draws::Drawn drawn;
  while (position_ < problems_ * passes_ && static_cast<int64_t>(frame.groups.size()) < per_frame_ &&
         draws_.next(drawn)) {
    Group group;
    group.problem = std::move(drawn.problem);
    group.occurrence = drawn.occurrence;
    group.position = position_++;
    frame.groups.push_back(std::move(group));
  }
  frame.span.end = position_;
  return !frame.groups.empty();
}

}  // namespace sil
