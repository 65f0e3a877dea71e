// What a person sees of a run while it works.
#pragma once

#include <string>

#include "loop/loop.h"

namespace sil {

enum class ProgressStyle { quiet, text, jsonl };

// Lines go to stderr, and as {"line": …} to stdout with `jsonl`. On a terminal one more line, redrawn in place at most
// ten times a second, shows what is being worked on, how fast, and the time left; elsewhere that is a line every 30 s.
class ConsoleProgress final : public RunProgress {
 public:
  ConsoleProgress(Env& env, ProgressStyle style);
  ~ConsoleProgress() override;

  void line(const std::string& text) override;
  void working(const std::string& step, int64_t done, int64_t total) override;

 private:
  std::string work_text(const std::string& step, int64_t done, int64_t total, double now) const;
  void clear();

  Env& env_;
  ProgressStyle style_;
  bool terminal_;
  bool drawn_ = false;  // a live line stands on the terminal
  std::string step_;
  int64_t first_done_ = 0;  // when this process began with the step
  double first_time_ = 0;
  double shown_ = 0;
};

}  // namespace sil
