// SIGINT and SIGTERM: the first asks for a stop, the second ends the process. SIGUSR1 asks for a status line.
#pragma once

#include <stop_token>

namespace sil {

// Blocks the signals in this thread, and so in all threads started from it, and waits for them in one of its own. Call
// before any other thread exists. Also ignores SIGPIPE.
void watch_signals();

// Requested by the first signal. Until somebody has asked for it, that signal ends the process at once.
std::stop_token stop_on_signal();

// While one lives, the first signal requests its token and says nothing; the next ends the process. One at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
};

// Whether SIGUSR1 came since the last call.
bool status_asked();

}  // namespace sil
