#include "app/failure.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "app/output.h"
#include "loop/loop.h"
#include "sil/env.h"
#include "sil_version.h"

namespace sil {
namespace {

constexpr size_t kLogBytes = 4096;  // of the run's log, from its end

// "" where no run is concerned.
std::string directory_of(const Error& error) {
  const auto* failed = dynamic_cast<const FailedRun*>(&error);
  return failed != nullptr ? failed->directory() : "";
}

// What the run told last; nothing where it has no log.
std::string log_end(const std::string& run) {
  const std::string path = run + "/log/run.log";
  if (run.empty() || !system_env().exists(path)) return {};
  const std::string log = system_env().read_all(path);
  return "log:\n" + log.substr(log.size() - std::min(log.size(), kLogBytes));
}

std::string report_text(const Error& error, std::span<char* const> words) {
  const std::string run = directory_of(error);
  std::string text = "sil " SIL_VERSION " (" SIL_BUILD_TYPE ", " SIL_COMPILER ")\nlibraries: " SIL_LIBRARIES "\n";
  text += "time: " + system_env().utc_time() + "\ncommand:";
  for (const char* word : words) text += std::string(" ") + word;
  text += "\nrun: " + (run.empty() ? "none" : run) + "\nerror: " + error.what() + "\n";
  return text + log_end(run);
}

// The path of the report, "" when it can be written nowhere: then the message alone must do.
std::string write_report(const Error& error, std::span<char* const> words) {
  const char* temporary = std::getenv("TMPDIR");
  std::vector<std::string> directories{".", temporary != nullptr && *temporary != '\0' ? temporary : "/tmp"};
  if (std::string run = directory_of(error); !run.empty()) directories.insert(directories.begin(), std::move(run));
  for (const std::string& directory : directories) try {
      std::string time = system_env().utc_time();
      std::erase_if(time, [](char c) { return c == ':' || c == '-'; });
      std::string path = directory;
      path += "/internal-error-" + time + "-" + std::to_string(::getpid()) + ".txt";
      system_env().create(path, Create::exclusive)->write(report_text(error, words));
      return std::filesystem::absolute(path).lexically_normal().string();
    } catch (const std::exception&) {
      // the next directory may do
    }
  return {};
}

}  // namespace

int report_failure(const Error& error, std::span<char* const> words, bool json) {
  if (error.code() != Exit::internal) return report_error(error, json);
  std::vector<Finding> findings = error.findings();
  if (findings.empty()) findings.push_back({{}, error.what(), {}});
  const std::string path = write_report(error, words);
  if (!path.empty()) {
    std::string& hint = findings.front().hint;
    hint += (hint.empty() ? "" : "; ") + std::string("send the report: ") + path;
  }
  return report_error({error.code(), std::move(findings)}, json);
}

}  // namespace sil
