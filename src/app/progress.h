// What a person sees of a run while it works.
#pragma once

#include <string>
#include <vector>

#include "loop/loop.h"

namespace sil {

enum class ProgressStyle { quiet, text, jsonl };

// Text: lines on stderr. On a terminal a block below them, redrawn in place at most ten times a second, shows the
// round, the step with a bar, its rate and the time left, and how the round before ended; elsewhere that is a line
// every 30 s. JSON lines: events on stdout. After SIGUSR1 the status comes as a line in any style.
class ConsoleProgress final : public RunProgress {
 public:
  ConsoleProgress(Env& env, ProgressStyle style);
  ~ConsoleProgress() override;

  void line(const std::string& text) override;
  void working(const std::string& step, int64_t done, int64_t total) override;
  void event(std::string_view type, const Json& data) override;

 private:
  std::string work_text(const std::string& step, int64_t done, int64_t total, double now) const;
  void draw(const std::string& work, int64_t done, int64_t total);
  void clear();

  Env& env_;
  ProgressStyle style_;
  bool terminal_;
  size_t drawn_ = 0;        // lines of the block that stand on the terminal
  std::string section_;     // "round 3 of 12"
  std::string last_round_;  // its line
  double begun_;
  std::string step_;
  int64_t first_done_ = 0;  // when this process began with the step
  double first_time_ = 0;
  double shown_ = 0;
};

}  // namespace sil
