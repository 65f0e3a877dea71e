#include "base/system_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "sil/error.h"

namespace sil {
namespace {

std::string what_failed(const char* operation, const std::string& path, int error) {
  return std::string(operation) + " '" + path + "': " + std::generic_category().message(error);
}

}  // namespace

void throw_system(const char* operation, const std::string& path, int error) {
  const std::string message = what_failed(operation, path, error);
  switch (error) {
    case ENOSPC:
      throw Error(Exit::resources, message, "free some space; the same command then continues");
    case EDQUOT:
      throw Error(Exit::resources, message,
                  "your disk quota is used up; the same command continues once there is room");
    case EMFILE:
    case ENFILE:
      throw Error(Exit::resources, message, "too many files are open; raise the limit (ulimit -n)");
    case ENOMEM:
      throw Error(Exit::resources, message, "use fewer threads, or a machine with more memory");
    case EACCES:
    case EPERM:
    case EROFS:
      throw Error(Exit::io, message, "choose a place where you may write");
    case ELOOP:
    case ENAMETOOLONG:
      throw Error(Exit::io, message, "choose another path");
    default:
      throw Error(Exit::io, message, "check the path and the disk");
  }
}

void throw_unreadable(const char* operation, const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
    case ENXIO:
      throw Error(Exit::unreadable, what_failed(operation, path, error));
    default:
      throw_system(operation, path, error);
  }
}

const char* c_path(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    throw Error(Exit::usage, "the path '" + std::string(path.c_str()) + "...' has a NUL byte in it");
  return path.c_str();
}

Descriptor::~Descriptor() {
  // On Linux the descriptor is gone even after EINTR; a second close could hit another thread's file.
  if (fd_ >= 0) ::close(fd_);
}

Descriptor open_file(const std::string& path, int flags, unsigned mode) {
  return Descriptor(retried([&] { return ::open(c_path(path), flags | O_CLOEXEC, mode); }));
}

void write_all(int fd, const char* data, size_t size, const std::string& path, uint64_t& written) {
  while (size > 0) {
    constexpr size_t kMost = size_t{1} << 30;  // Linux writes at most 2 GiB a call
    const ssize_t n = retried([&] { return ::write(fd, data, std::min(size, kMost)); });
    if (n < 0) throw_system("cannot write", path);
    if (n == 0) throw_system("cannot write", path, EIO);
    data += n;
    size -= static_cast<size_t>(n);
    written += static_cast<uint64_t>(n);
  }
}

bool rename_by_link(const std::string& from, const std::string& to) {
  if (::link(c_path(from), c_path(to)) != 0) {
    if (errno == EEXIST) return false;
    throw_system("cannot rename without replacing to", to);
  }
  if (::unlink(c_path(from)) != 0) throw_system("cannot remove", from);
  return true;
}

}  // namespace sil
