#include "cage/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "cage/descendants.h"
#include "cage/printable.h"
#include "cage/spawn.h"
#include "sil/error.h"

extern char** environ;

namespace sil {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBlock = 65536;     // a pipe's capacity
constexpr milliseconds kGrace{200};  // between SIGTERM and SIGKILL
constexpr milliseconds kSlice{50};   // how late a stop, or a death without a pidfd, may be noticed

// What a grader may need to run at all. No tokens, keys or sockets of ours.
constexpr std::string_view kPassed[] = {"PATH", "HOME",   "USER",       "LOGNAME",     "LANG",           "LANGUAGE",
                                        "TZ",   "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH"};

bool is_passed(std::string_view name) {
  return name.starts_with("LC_") || std::find(std::begin(kPassed), std::end(kPassed), name) != std::end(kPassed);
}

std::vector<std::string> child_environment(const ProcessSpec& spec, const std::string& mark) {
  std::vector<std::string> out{mark};
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(spec.environment.begin(), spec.environment.end(),
                                      [&](const auto& variable) { return variable.first == name; });
    if (is_passed(name) && !replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : spec.environment) out.push_back(name + "=" + value);
  return out;
}

// execvpe may allocate, which is forbidden between fork and exec: the search is done here.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string path = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return name;
}

// A command that is one program with its arguments replaces its shell: the signal of our own death reaches it then.
std::string shell_command(const std::string& command) {
  if (command.find_first_of(";&|()#\n") != std::string::npos) return command;
  const size_t begin = command.find_first_not_of(" \t");
  if (begin == std::string::npos) return command;
  const std::string program = command.substr(begin, command.find_first_of(" \t", begin) - begin);
  const bool plain = program.find_first_of("'\"\\$`=<>*?[~") == std::string::npos;
  return plain && ::access(find_program(program).c_str(), X_OK) == 0 ? "exec " + command : command;
}

std::vector<std::string> child_argv(const ProcessSpec& spec) {
  SIL_CHECK(spec.argv.empty() != spec.command.empty());
  if (spec.argv.empty()) return {"/bin/sh", "-c", shell_command(spec.command)};
  std::vector<std::string> argv = spec.argv;
  argv[0] = find_program(argv[0]);
  return argv;
}

std::string new_mark() {
  static std::atomic<uint64_t> count{0};
  return "SIL_PROCESS=" + std::to_string(::getpid()) + "." + std::to_string(++count) + "." +
         std::to_string(Clock::now().time_since_epoch().count());
}

// Writing to a pipe that nobody reads raises SIGPIPE in this thread: it is held back and taken away again.
ssize_t write_quietly(int fd, const char* data, size_t size) {
  sigset_t pipe_signal, before, pending;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t n = ::write(fd, data, size);
  const int error = errno;
  if (n < 0 && error == EPIPE && !was_pending) {
    const timespec now{};
    while (::sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

// Groups whose leader is not yet reaped: their ids are nobody else's.
struct LiveGroups {
  std::mutex mutex;
  std::set<pid_t> leaders;
};

LiveGroups& live_groups() {
  static auto* groups = new LiveGroups;  // the thread that ends the program may come here after static destructors
  return *groups;
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

int poll_until(pollfd* fds, nfds_t n, Clock::time_point until) {
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  return ::poll(fds, n, static_cast<int>(std::clamp<int64_t>(left, 0, 60000)));
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

Process::Process(const ProcessSpec& spec) : mark_(new_mark()), stderr_bytes_(spec.stderr_bytes) {
  const Spawned child = spawn(child_argv(spec), child_environment(spec, mark_));
  pid_ = child.pid;
  {
    const std::lock_guard lock(live_groups().mutex);
    live_groups().leaders.insert(pid_);
  }
  stdin_ = child.stdin_fd;
  stdout_ = child.stdout_fd;
  stderr_ = child.stderr_fd;
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // close-on-exec by definition
}

Process::~Process() {
  close(kGrace);
}

void Process::send(std::string_view bytes) {
  if (sent_ > kBlock) input_.erase(0, std::exchange(sent_, 0));
  input_ += bytes;
}

void Process::close_input() {
  closing_ = true;
  if (unsent() == 0) close_fd(stdin_);
}

void Process::write_some() {
  const ssize_t n = write_quietly(stdin_, input_.data() + sent_, std::min(unsent(), kBlock));
  if (n > 0) sent_ += static_cast<size_t>(n);
  const bool broken = n < 0 && errno != EAGAIN && errno != EINTR;  // it reads no more: its silence or end will tell
  if (broken || unsent() == 0) {
    input_.clear();
    sent_ = 0;
  }
  if (broken || (closing_ && unsent() == 0)) close_fd(stdin_);
}

// False when nothing was there.
bool Process::read_some() {
  char block[kBlock];
  const ssize_t n = ::read(stdout_, block, sizeof block);
  if (n > 0) output_.append(block, static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(stdout_);
  return n > 0;
}

void Process::read_errors() {
  char block[kBlock];
  const ssize_t n = ::read(stderr_, block, sizeof block);
  if (n > 0) {
    errors_.append(block, static_cast<size_t>(n));
    if (errors_.size() > stderr_bytes_) errors_.erase(0, errors_.size() - stderr_bytes_);
  }
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(stderr_);
}

// One poll. A leader that ended is told apart from a stdout that a descendant holds open for ever.
Process::Event Process::pump(Clock::time_point until) {
  const bool sending = stdin_ >= 0 && unsent() > 0;
  pollfd fds[] = {{sending ? stdin_ : -1, POLLOUT, 0}, {stdout_, POLLIN, 0}, {stderr_, POLLIN, 0}, {pidfd_, POLLIN, 0}};
  if (poll_until(fds, std::size(fds), until) < 0 && errno != EINTR && errno != EAGAIN) SIL_CHECK(errno == ENOMEM);
  if (fds[0].revents) write_some();
  if (fds[2].revents) read_errors();
  if (fds[1].revents && read_some()) return Event::output;
  if (stdout_ < 0) return Event::closed;
  if (!fds[1].revents && ended()) {
    if (read_some()) return Event::output;  // written between the poll and its end
    return Event::closed;
  }
  return Event::timeout;
}

Process::Event Process::wait(Clock::time_point deadline, std::stop_token stop) {
  if (!output_.empty()) return Event::output;
  if (stdout_ < 0) return Event::closed;
  for (;;) {
    if (stop.stop_requested()) return Event::stopped;
    const Clock::time_point now = Clock::now();
    const bool sliced = stop.stop_possible() || pidfd_ < 0;
    const Event event = pump(sliced ? std::min(deadline, now + kSlice) : deadline);
    if (event != Event::timeout) return event;
    if (now >= deadline) return Event::timeout;
  }
}

std::string Process::stderr_tail() const {
  // A cut character at the front would read as garbage.
  size_t begin = 0;
  if (errors_.size() == stderr_bytes_)
    while (begin < errors_.size() && (static_cast<unsigned char>(errors_[begin]) & 0xC0) == 0x80) ++begin;
  return printable(std::string_view(errors_).substr(begin), stderr_bytes_ * 3, true);
}

bool Process::ended() const {
  if (status_) return true;
  siginfo_t info{};
  const int rc = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return rc != 0 || info.si_pid == pid_;  // ECHILD: someone else reaped it
}

void Process::signal(int number) {
  if (!status_) ::kill(-pid_, number);
}

bool Process::wait_end(Clock::time_point until) const {
  while (!ended()) {
    if (Clock::now() >= until) return false;
    pollfd fd{pidfd_, POLLIN, 0};
    poll_until(&fd, 1, pidfd_ < 0 ? std::min(until, Clock::now() + milliseconds(5)) : until);
  }
  return true;
}

ExitStatus Process::close(milliseconds grace) {
  if (status_) return *status_;
  const Clock::time_point until = Clock::now() + grace;
  close_input();
  // Its last words are read so that a full pipe does not keep it from ending.
  while (Clock::now() < until && !ended()) {
    if (wait(std::min(until, Clock::now() + kSlice)) == Event::closed) {
      wait_end(until);
      break;
    }
    output_.clear();
  }
  return kill();
}

ExitStatus Process::kill() {
  if (status_) return *status_;
  close_fd(stdin_);
  if (!ended()) {
    signal(SIGTERM);
    signal(SIGCONT);
    wait_end(Clock::now() + kGrace);
  }
  signal(SIGKILL);  // before the leader is reaped: until then its id is nobody else's
  wait_end(Clock::time_point::max());
  siginfo_t info{};
  {
    const std::lock_guard lock(live_groups().mutex);
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
    }
    live_groups().leaders.erase(pid_);
  }
  const bool exited = info.si_code == CLD_EXITED;
  status_ = ExitStatus{exited ? info.si_status : 0, exited ? 0 : info.si_status};
  kill_marked(mark_);
  // What it said last, as much as the pipe can hold.
  for (int block = 0; block < 4 && stderr_ >= 0; ++block) read_errors();
  for (int* fd : {&stdout_, &stderr_, &pidfd_}) close_fd(*fd);
  return *status_;
}

void kill_all_processes() {
  const std::lock_guard lock(live_groups().mutex);
  for (pid_t leader : live_groups().leaders) ::kill(-leader, SIGKILL);
}

std::vector<pid_t> Process::descendants() const {
  std::vector<pid_t> out = marked_processes(mark_);
  std::erase(out, pid_);
  return out;
}

}  // namespace sil
