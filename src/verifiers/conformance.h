// Tries a user's grader on everything that sil-verifier/1 asks of it (`sil verifier test COMMAND`).
#pragma once

#include <string>
#include <vector>

namespace sil {

struct ConformanceCheck {
  std::string name;  // "split frames"
  bool passed = false;
  std::string seen;  // "3 replies", "no reply within its time", "not run: …"
};

struct ConformanceReport {
  std::vector<ConformanceCheck> checks;
  std::string stderr_tail;  // what the program last wrote there

  bool passed() const;
  std::string text() const;  // one line a check, then the stderr lines when a check failed
};

// `timeout_s` is for each reply and each start. Takes less than 60 s, whatever the command does, and leaves no process
// behind.
ConformanceReport test_verifier(const std::string& command, double timeout_s = 5);

}  // namespace sil
