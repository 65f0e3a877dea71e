// The only place that starts processes. A child runs in its own session and process group with nothing of ours but
// three pipes and a few environment variables, and is killed whole.
//
// Life and death of a child:
//   - it dies with us: PR_SET_PDEATHSIG is tied to the *thread* that started it, not to the process, so every child is
//     started by one thread that lives as long as the program does (spawn.cpp);
//   - its process group is killed before its leader is reaped, so that the group id cannot have been given to a
//   stranger;
//   - descendants that left the group or the session are found by a mark in their environment and killed too. (A child
//     that clears its environment *and* leaves its session gets away from here.)
// Reads and writes never block: a child that reads nothing, writes without end or hangs costs its deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sil {

using Clock = std::chrono::steady_clock;

struct ProcessSpec {
  std::string command;            // words for `/bin/sh -c`
  std::vector<std::string> argv;  // instead: a program (looked up in PATH) and its arguments
  std::vector<std::pair<std::string, std::string>> environment;  // beside PATH, HOME and the like
  size_t stderr_bytes = 16384;                                   // how much of the end of stderr is kept
};

// How a process ended.
struct ExitStatus {
  int code = 0;              // of exit; meaningless after a signal
  int signal = 0;            // 0 = it exited
  std::string text() const;  // "exit code 3", "signal 9 (Killed)"
};

// Not thread-safe; several processes may be driven by several threads.
class Process {
 public:
  enum class Event {
    output,   // take_output() has something
    closed,   // the process ended or closed its stdout, and everything it wrote was taken
    timeout,  // the deadline passed
    stopped,  // stop was requested
  };

  // Throws Error(Exit::unfit) when the system can start no process; a command that cannot be run ends with code 127.
  explicit Process(const ProcessSpec& spec);
  ~Process();  // close() with a short grace
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Appends to what will be written to the child's stdin; bytes move in wait().
  void send(std::string_view bytes);
  size_t unsent() const { return input_.size() - sent_; }
  void close_input();  // once everything sent was written
  // Moves bytes both ways until there is output, the end, the deadline or a stop. Reads at most a pipe's worth at a
  // time.
  Event wait(Clock::time_point deadline, std::stop_token stop = {});
  std::string take_output() { return std::exchange(output_, {}); }
  // The end of what the child wrote to stderr: valid UTF-8 without control characters but newlines.
  std::string stderr_tail() const;

  // Whether the leader ended, without reaping it.
  bool ended() const;
  bool wait_end(Clock::time_point until) const;  // the same, waiting; its pipes are left alone meanwhile
  void signal(int number);                       // to the whole group
  // Closes stdin, waits up to `grace` for the leader to end, then kill(). How the leader ended; the same if called
  // again.
  ExitStatus close(std::chrono::milliseconds grace);
  // SIGTERM, a moment, SIGKILL, for all descendants; reaps. How the leader ended; the same if called again.
  ExitStatus kill();
  // Descendants that are alive now, the leader not counted.
  std::vector<pid_t> descendants() const;

 private:
  Event pump(Clock::time_point until);
  void write_some();
  bool read_some();
  void read_errors();

  pid_t pid_ = -1;
  int pidfd_ = -1;  // readable once the leader ended; -1 where the kernel lacks it
  int stdin_ = -1, stdout_ = -1, stderr_ = -1;
  std::string mark_;   // in the environment of all descendants
  std::string input_;  // [sent_, end) is still to be written
  size_t sent_ = 0;
  bool closing_ = false;
  std::string output_;
  std::string errors_;
  size_t stderr_bytes_;
  std::optional<ExitStatus> status_;  // once reaped
};

// SIGKILL to the group of every Process that is not yet reaped: right before the program ends by force, from any
// thread.
void kill_all_processes();

}  // namespace sil
