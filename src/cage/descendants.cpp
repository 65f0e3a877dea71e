#include "cage/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace sil {
namespace {

std::string read_whole(const std::string& path) {
  std::string out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;  // gone, or not ours to read
  char block[4096];
  for (ssize_t n; (n = ::read(fd, block, sizeof block)) > 0;) out.append(block, static_cast<size_t>(n));
  ::close(fd);
  return out;
}

// A zombie's environment reads as empty, so this is also a test for life.
bool carries(pid_t pid, const std::string& entry) {
  std::string environment(1, '\0');
  environment += read_whole("/proc/" + std::to_string(pid) + "/environ");
  return environment.find(entry) != std::string::npos;
}

std::string entry_of(const std::string& mark) {
  std::string entry(1, '\0');
  entry += mark;
  entry += '\0';
  return entry;
}

// The handle pins the process: what was read from /proc and what is killed are the same one.
bool kill_if_marked(pid_t pid, const std::string& entry) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  const bool marked = carries(pid, entry);
  if (marked && handle >= 0) ::syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0);
  if (marked && handle < 0) ::kill(pid, SIGKILL);  // kernels before 5.3
  if (handle >= 0) ::close(handle);
  return marked;
}

template <class Visit>
void each_process(Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return;
  while (const dirent* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr == end && pid > 1 && pid != ::getpid()) visit(pid);
  }
}

}  // namespace

std::vector<pid_t> marked_processes(const std::string& mark) {
  const std::string entry = entry_of(mark);
  std::vector<pid_t> out;
  each_process([&](pid_t pid) {
    if (carries(pid, entry)) out.push_back(pid);
  });
  return out;
}

void kill_marked(const std::string& mark, int passes) {
  const std::string entry = entry_of(mark);
  for (bool found = true; found && passes > 0; --passes) {
    found = false;
    each_process([&](pid_t pid) { found |= kill_if_marked(pid, entry); });
    if (found) ::usleep(2000);  // a killed process shows its environment until it is gone
  }
}

}  // namespace sil
