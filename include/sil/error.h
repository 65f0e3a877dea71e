// Failures a user must act on. One exception type, caught once in main(); expected outcomes (a wrong answer, a
// rejected candidate) are values, bugs are SIL_CHECK.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sil {

// Process exit codes; part of the contract with scripts.
enum class Exit : int {
  ok = 0,
  failed = 1,
  usage = 2,       // usage or recipe error; nothing was started
  unreadable = 3,  // dataset, model, tokenizer or checkpoint
  rule = 4,        // stopped by a rule of the recipe
  unfit = 5,       // environment: cage, CPU profile, GPU, plan does not fit
  in_use = 6,      // run directory held by another process
  corrupt = 7,     // stored data is not what its digest says
  differs = 8,     // a comparison found a difference
  verifier = 9,    // verifier broke the protocol or failed its audit
  resources = 10,  // out of disk, quota or memory while running
  io = 11,         // I/O error, a failed fsync included
  newer = 12,      // written by a newer version
  diverged = 13,   // NaN, Inf, loss watchdog
  internal = 70,   // a bug
  stopped = 75,    // stopped on request; the same command continues
};

// A position in a text file; lines and columns count from 1, 0 means "not known".
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  std::string text() const;  // "file:line:column", as much of it as is known
};

// What went wrong (value seen, what is allowed) and what to do about it.
struct Finding {
  Place place;
  std::string message;
  std::string hint;

  std::string text() const;  // "file:line:column: message; hint"
};

class Error : public std::runtime_error {
 public:
  Error(Exit code, std::string message, std::string hint = {}, Place place = {});
  // Several findings of one kind, shown one a line (a recipe's errors are reported all at once).
  Error(Exit code, std::vector<Finding> findings);

  Exit code() const { return code_; }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  Exit code_;
  std::vector<Finding> findings_;
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

// The nearest of `known` to `name` by edit distance, or "" when none is near (distance > max(2, length/3)).
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace sil

// A condition that only a bug can break. On in release builds; throws Error(Exit::internal).
#define SIL_CHECK(condition) ((condition) ? void(0) : ::sil::check_failed(#condition, __FILE__, __LINE__))
