#include "base/log.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/catch.h"

namespace {

// What a process with SIL_LOG_LEVEL = level writes to stderr for one message of each kind.
std::string stderr_at(const char* level, std::string_view message = "hello") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    level ? ::setenv("SIL_LOG_LEVEL", level, 1) : ::unsetenv("SIL_LOG_LEVEL");
    sil::log_debug(std::string("debug ").append(message));
    sil::log_info(std::string("info ").append(message));
    sil::log_warning(std::string("warning ").append(message));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = -1;
  ::waitpid(pid, &status, 0);
  CHECK(status == 0);
  return out;
}

}  // namespace

TEST_CASE("the level says which messages are shown, without labels") {
  CHECK(stderr_at(nullptr) == "info hello\nwarning hello\n");
  CHECK(stderr_at("info") == "info hello\nwarning hello\n");
  CHECK(stderr_at("warning") == "warning hello\n");
  CHECK(stderr_at("off").empty());
}

TEST_CASE("debug shows everything, with time and level") {
  std::string lines = stderr_at("debug");
  for (char& c : lines)
    if (c >= '0' && c <= '9') c = '0';
  CHECK(lines ==
        "00:00:00.000 debug: debug hello\n00:00:00.000 info: info hello\n00:00:00.000 warning: warning hello\n");
}

TEST_CASE("an unknown level is said once and info is used") {
  CHECK(stderr_at("loud") ==
        "warning: SIL_LOG_LEVEL=loud is not known (debug, info, warning, off); info is used\ninfo hello\nwarning "
        "hello\n");
}

TEST_CASE("a message cannot drive the terminal; braces are plain text") {
  CHECK(stderr_at("warning", "\x1b[2J{}\x7f \xC3\xA4\n\tz") == "warning \\x1b[2J{}\\x7f \xC3\xA4\n\tz\n");
}
