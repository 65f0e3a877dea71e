// Runs the built program on hostile input within bounds: 256 MiB of address space, seconds of processor time, no wait.
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>

#include "app/program.h"
#include "support/catch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIL_SHADOW_MEMORY 1  // takes terabytes of address space
#else
#define SIL_SHADOW_MEMORY 0
#endif

namespace sil::testing {

// A recipe whose place of every part is known; `task` is the entry of its only task, on line 6.
inline std::string recipe_with(const std::string& task = "{addition: {digits: 1}}") {
  return "name: tiny\nrounds: 1\nmodels:\n  lm: {table: {context: 4}, tokenizer: chars}\ntasks:\n  train: " + task +
         "\nround:\n"
         "  - generate: {tasks: train, problems: 4, samples: 2, temperature: 1.0, max_new_tokens: 4}\n"
         "  - verify: exact\n"
         "  - filter: {keep: pass}\n"
         "  - finetune: {from: live, loss: nll, learning_rate: 0.1}\n";
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// `words` as in run_sil; a hang ends with code 124, too much memory or processor time with a signal.
inline ProgramResult run_bounded(const std::string& words) {
  const std::string memory = SIL_SHADOW_MEMORY ? "" : "ulimit -v 262144; ";
  const std::string command = "ulimit -c 0; ulimit -t 20; " + memory + "exec timeout 60 " + SIL_PROGRAM + " " + words;
  const TestDirectory directory;
  const int status =
      std::system(("(" + command + ") </dev/null >" + directory.at("out") + " 2>" + directory.at("err")).c_str());
  ProgramResult result;
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  result.out = directory.read("out");
  result.err = directory.read("err");
  return result;
}

inline std::string quoted(const std::string& path) {
  return "'" + path + "'";
}

// The one line that refuses: exit `code`, nothing on stdout, no run directory. It begins with `place` and has a hint.
inline std::string refusal(int code, const std::string& recipe, const std::string& place,
                           const std::string& overrides = {}) {
  const TestDirectory directory;
  const std::string out = directory.at("run");
  const ProgramResult result = run_bounded("run " + quoted(recipe) + " --threads 1 --out " + out + " " + overrides);
  INFO(result.err);
  CHECK(result.code == code);
  CHECK(result.out.empty());
  CHECK_FALSE(std::filesystem::exists(out));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(result.err.substr(0, place.size()) == place);
  return result.err;
}

}  // namespace sil::testing
