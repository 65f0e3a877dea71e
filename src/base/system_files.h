// POSIX calls of system_env(): descriptors that close themselves, errors that say path, operation and reason.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace sil {

// Throws Error for a failed call: Exit::resources when the disk, the quota, memory or descriptors ran out, else
// Exit::io. "OPERATION 'PATH': REASON".
[[noreturn]] void throw_system(const char* operation, const std::string& path, int error = errno);
// As above, but what only shows that `path` cannot be had by this user (missing, no permission) is Exit::unreadable.
[[noreturn]] void throw_unreadable(const char* operation, const std::string& path, int error = errno);

// The path for a system call; one with a NUL byte inside would silently name another file, so it is refused.
const char* c_path(const std::string& path);

// Repeats a call that a signal interrupted.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

// open(2) with O_CLOEXEC; a failure is a closed descriptor and errno.
Descriptor open_file(const std::string& path, int flags, unsigned mode = 0666);
// All of it, or throws; `written` counts what reached the file even then.
void write_all(int fd, const char* data, size_t size, const std::string& path, uint64_t& written);

// Renames without replacing where the file system has no RENAME_NOREPLACE; false: `to` exists. Not for folders. A kill
// in between leaves both names on one complete file.
bool rename_by_link(const std::string& from, const std::string& to);

}  // namespace sil
