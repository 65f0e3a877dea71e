// Between vfork and exec the child shares our memory while other threads go on: only system calls happen there, on data
// that was prepared before. fork() would copy the page tables of a process that may hold many gigabytes of weights.
#include "cage/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "sil/error.h"

namespace sil {
namespace {

constexpr char kOomScore[] = "1000";  // when memory runs out the child goes first
constexpr char kCannotRun[] = "cannot run the command: the system refused to execute it\n";

[[noreturn]] void refuse(const char* what, int error) {
  throw Error(Exit::unfit, std::string("cannot start a process: ") + what + ": " + std::strerror(error),
              "free file descriptors, processes or memory (see `ulimit -a`)");
}

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read, write;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) refuse("pipe", errno);
    read.reset(ends[0]);
    write.reset(ends[1]);
    lift(read);
    lift(write);
  }

  // Off 0, 1 and 2 (free when our own were closed), so that dup2 in the child can overwrite none of its sources.
  static void lift(Fd& fd) {
    if (fd.get() > 2) return;
    const int high = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
    if (high < 0) refuse("fcntl", errno);
    fd.reset(high);
  }
};

void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) refuse("fcntl", errno);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

struct ChildPlan {
  char* const* argv;
  char* const* environment;
  int in, out, err;
  pid_t parent;
  int most_files;
  sigset_t no_signals;
};

// Runs in the child, in memory shared with the parent: nothing but async-signal-safe calls, never returns.
[[noreturn]] void run_child(const ChildPlan& plan) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // it died before the line above
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);  // fails for SIGKILL, SIGSTOP and libc's own: fine
  }
  const int oom = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0) (void)!::write(oom, kOomScore, sizeof(kOomScore) - 1);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (::dup2(plan.in, 0) < 0 || ::dup2(plan.out, 1) < 0 || ::dup2(plan.err, 2) < 0) ::_exit(127);
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    for (int fd = 3; fd < plan.most_files; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);  // kernels before 5.11
  }
  ::sigprocmask(SIG_SETMASK, &plan.no_signals, nullptr);
  ::execve(plan.argv[0], plan.argv, plan.environment);
  (void)!::write(2, kCannotRun, sizeof(kCannotRun) - 1);
  ::_exit(127);
}

// A signal handler of ours must not run in the child while it shares our memory: all signals wait until exec.
pid_t start_child(ChildPlan& plan) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigemptyset(&plan.no_signals);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) run_child(plan);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) refuse("vfork", error);
  return pid;
}

// The thread that is the parent of all children in the eyes of PR_SET_PDEATHSIG. Never joined and never destroyed:
// children must outlive whichever thread asked for them, and static destructors have no say in that.
class Spawner {
 public:
  static Spawner& instance() {
    static Spawner* spawner = new Spawner;
    return *spawner;
  }

  pid_t start(ChildPlan& plan) {
    const std::lock_guard<std::mutex> turn(turn_);
    std::unique_lock<std::mutex> lock(mutex_);
    plan_ = &plan;
    wake_.notify_all();
    wake_.wait(lock, [&] { return plan_ == nullptr; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return pid_;
  }

 private:
  Spawner() {
    std::thread([this] { serve(); }).detach();
  }

  void serve() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the program's signals are for its other threads
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return plan_ != nullptr; });
      try {
        pid_ = start_child(*plan_);
      } catch (...) {
        failure_ = std::current_exception();
      }
      plan_ = nullptr;
      wake_.notify_all();
    }
  }

  std::mutex turn_;  // one caller at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  ChildPlan* plan_ = nullptr;
  pid_t pid_ = -1;
  std::exception_ptr failure_;
};

}  // namespace

Spawned spawn(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  Pipe in, out, err;
  set_nonblocking(in.write.get());
  set_nonblocking(out.read.get());
  set_nonblocking(err.read.get());
  const std::vector<char*> arguments = pointers(argv);
  const std::vector<char*> variables = pointers(environment);
  ChildPlan plan{};
  plan.argv = arguments.data();
  plan.environment = variables.data();
  plan.in = in.read.get();
  plan.out = out.write.get();
  plan.err = err.write.get();
  plan.parent = ::getpid();
  plan.most_files = static_cast<int>(::sysconf(_SC_OPEN_MAX));
  const pid_t pid = Spawner::instance().start(plan);
  return {pid, in.write.release(), out.read.release(), err.read.release()};
}

}  // namespace sil
