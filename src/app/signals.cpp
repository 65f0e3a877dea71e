#include "app/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <string_view>
#include <thread>

#include "cage/process.h"

namespace sil {
namespace {

// Never destroyed: the waiting thread outlives main().
std::stop_source& stop_source() {
  static auto* source = new std::stop_source;
  return *source;
}

std::mutex interruption_mutex;
std::stop_source* interruption = nullptr;  // of the Interruption that lives

// False where none lives, or where it has been asked to stop already.
bool interrupted_answer() {
  const std::lock_guard lock(interruption_mutex);
  return interruption != nullptr && interruption->request_stop();
}

std::atomic<bool> somebody_listens = false;
std::atomic<bool> wants_status = false;

void wait_for_signals(sigset_t signals) {
  for (;;) {
    int number = 0;
    if (::sigwait(&signals, &number) != 0) continue;
    if (number == SIGUSR1) {
      wants_status.store(true);
      continue;
    }
    if (interrupted_answer()) continue;
    if (!somebody_listens.load() || stop_source().stop_requested()) {
      kill_all_processes();
      ::_exit(128 + number);
    }
    constexpr std::string_view kMessage =
        "\nstopping: what is finished is kept, the same command continues; once more ends it now\n";
    (void)!::write(STDERR_FILENO, kMessage.data(), kMessage.size());
    stop_source().request_stop();
  }
}

}  // namespace

void watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  stop_source();
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(wait_for_signals, signals).detach();
}

std::stop_token stop_on_signal() {
  somebody_listens.store(true);
  return stop_source().get_token();
}

Interruption::Interruption() {
  const std::lock_guard lock(interruption_mutex);
  interruption = &source_;
}

Interruption::~Interruption() {
  const std::lock_guard lock(interruption_mutex);
  interruption = nullptr;
}

bool status_asked() {
  return wants_status.exchange(false);
}

}  // namespace sil
