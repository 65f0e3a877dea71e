#include "steps/overlap.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "sil/error.h"
#include "steps/draws.h"

namespace sil {
namespace {

constexpr int64_t kMostProcedural = int64_t{1} << 20;  // problems of a procedural task that are looked through
constexpr size_t kShownBytes = 60;                     // of a prompt

struct Entry {
  const TaskSpec* spec = nullptr;
  TaskView view;
  bool observed = false;  // its answers are hidden from all that learns
};

// The prompt, or the whole problem where rows of text have none.
uint64_t prompt_key(const Problem& problem) {
  return problem.prompt.empty() ? problem.uid : problem_uid(problem.prompt, std::nullopt);
}

bool same_prompt(const Problem& a, const Problem& b) {
  return a.prompt == b.prompt && (!a.prompt.empty() || a.answer == b.answer);
}

struct Row {
  uint32_t entry = 0;  // of the tasks
  int64_t index = 0;
};

class Overlap {
 public:
  explicit Overlap(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  void refuse() {
    for (const Split split : {Split::test, Split::dev, Split::train})
      for (size_t p = 0; p < entries_.size(); ++p)
        if (entries_[p].view.split == split && is_compared(entries_[p])) look_through(p, split != Split::train);
    if (shared_ > 0) refuse_first();
  }

 private:
  bool is_compared(const Entry& entry) const {
    const bool procedural = entry.view.task->procedural();
    if (procedural && entry.view.task->size() > kMostProcedural) return false;
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& other) {
      return other.view.split != entry.view.split && !(procedural && other.view.task->procedural());
    });
  }

  void look_through(size_t p, bool held_out) {
    const Entry& entry = entries_[p];
    for (int64_t i = 0; i < entry.view.task->size(); ++i) {
      const Problem problem = entry.view.task->at(i);
      if (!entry.view.holds(problem.uid)) continue;
      const uint64_t key = prompt_key(problem);
      const Row row{static_cast<uint32_t>(p), i};
      const auto found = held_out_.find(key);
      if (found != held_out_.end()) {
        compare(problem, row, found->second);
      } else if (held_out) {
        held_out_.emplace(key, row);
      }
    }
  }

  void compare(const Problem& problem, Row row, Row other) {
    const Entry& a = entries_[row.entry];
    const Entry& b = entries_[other.entry];
    const bool procedural = a.view.task->procedural() && b.view.task->procedural();
    if (a.view.split == b.view.split || a.observed || procedural) return;
    if (shared_ == 0) {  // of the later ones the hash is enough: they are only counted
      if (!same_prompt(problem, b.view.task->at(other.index))) return;
      first_ = {row, other};
    }
    ++shared_;
  }

  std::string named(Row row) const {
    const Entry& entry = entries_[row.entry];
    return "task '" + entry.spec->name + "' (" + std::string(name(entry.view.split)) + ")";
  }

  [[noreturn]] void refuse_first() const {
    const auto& [row, other] = first_;
    const Problem problem = entries_[row.entry].view.task->at(row.index);
    std::string prompt = problem.prompt.empty() ? problem.answer.value_or("") : problem.prompt;
    if (prompt.size() > kShownBytes) prompt = prompt.substr(0, kShownBytes) + "…";
    std::string what;
    append_json_string(what, prompt);
    what = "the prompt " + what + " of " + named(row) + " is also in " + named(other);
    const Place there = entries_[other.entry].view.task->place(other.index);
    if (!there.file.empty()) what += ", at " + there.text();
    what += shared_ == 1 ? "; it is the only one" : "; " + std::to_string(shared_) + " prompts are shared in all";
    Place place = entries_[row.entry].view.task->place(row.index);
    if (place.file.empty()) place = entries_[row.entry].spec->plugin.place;
    throw Error(Exit::unreadable, what,
                "splits must not share a prompt: take the rows out of one file, or keep one row a prompt", place);
  }

  std::vector<Entry> entries_;
  std::unordered_map<uint64_t, Row> held_out_;
  int64_t shared_ = 0;
  std::pair<Row, Row> first_;
};

}  // namespace

void refuse_overlap(const Recipe& recipe, const std::map<std::string, std::unique_ptr<Task>>& tasks) {
  std::vector<Entry> entries;
  for (const TaskSpec& spec : recipe.tasks) {
    const Json* answers = spec.plugin.options.find("answers");
    entries.push_back({&spec, task_view(recipe, tasks, spec.name), answers != nullptr && *answers == Json("observe")});
  }
  Overlap(std::move(entries)).refuse();
}

}  // namespace sil
