// system_env(): files, locks and clocks of the operating system.
#include "sil/env.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>

#include "base/system_files.h"
#include "sil/error.h"

namespace sil {
namespace {

class SystemOutput final : public OutputFile {
 public:
  SystemOutput(Descriptor file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  void write(std::string_view data) override {
    refuse_after_failed_sync();
    write_all(file_.get(), data.data(), data.size(), path_, size_);
  }
  void sync() override {
    refuse_after_failed_sync();
    if (retried([&] { return ::fdatasync(file_.get()); }) == 0) return;
    // The kernel may have dropped the dirty pages and call the next fsync a success: never try again.
    const int error = errno;
    sync_failed_ = true;
    throw_system("cannot bring to disk", path_, error);
  }
  uint64_t size() const override { return size_; }

 private:
  void refuse_after_failed_sync() const {
    if (sync_failed_)
      throw Error(Exit::io, "'" + path_ + "' could not be brought to disk before; it is not written any more");
  }

  Descriptor file_;
  std::string path_;
  uint64_t size_;
  bool sync_failed_ = false;
};

class SystemInput final : public InputFile {
 public:
  SystemInput(Descriptor file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  uint64_t size() const override { return size_; }
  void read(uint64_t offset, char* out, size_t length) const override {
    if (offset > static_cast<uint64_t>(std::numeric_limits<off_t>::max()) - length) throw_short(offset, length);
    for (size_t done = 0; done < length;) {
      const ssize_t n =
          retried([&] { return ::pread(file_.get(), out + done, length - done, static_cast<off_t>(offset + done)); });
      if (n < 0) throw_system("cannot read", path_);
      if (n == 0) throw_short(offset, length);
      done += static_cast<size_t>(n);
    }
  }

 private:
  [[noreturn]] void throw_short(uint64_t offset, size_t length) const {
    throw Error(Exit::corrupt, "'" + path_ + "' is too short: " + std::to_string(length) +
                                   " bytes are wanted from byte " + std::to_string(offset) + " on");
  }

  Descriptor file_;
  std::string path_;
  uint64_t size_;
};

class SystemLock final : public FileLock {
 public:
  explicit SystemLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;  // closing it releases the lock
};

struct stat stat_of(int fd, const std::string& path) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) throw_system("cannot inspect", path);
  return about;
}

// False when there is nothing at `path`.
bool find_file(const std::string& path, struct stat& about) {
  if (::stat(c_path(path), &about) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw_system("cannot inspect", path);
}

class SystemEnv final : public Env {
 public:
  std::unique_ptr<OutputFile> create(const std::string& path, Create how) override {
    const int flags = O_WRONLY | O_CREAT | (how == Create::exclusive ? O_EXCL : O_APPEND);
    Descriptor file = open_file(path, flags);
    if (!file.open()) throw_system(how == Create::exclusive ? "cannot create" : "cannot open for appending", path);
    const auto size = static_cast<uint64_t>(stat_of(file.get(), path).st_size);
    return std::make_unique<SystemOutput>(std::move(file), path, size);
  }

  std::unique_ptr<InputFile> open(const std::string& path) override {
    // O_NONBLOCK: opening a FIFO must not wait for a writer. It does not matter to regular files.
    Descriptor file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file.open()) throw_unreadable("cannot open", path);
    const struct stat about = stat_of(file.get(), path);
    if (S_ISDIR(about.st_mode)) throw_unreadable("cannot read", path, EISDIR);
    if (!S_ISREG(about.st_mode))
      throw Error(Exit::unreadable, "'" + path + "' is not a regular file", "write its content to a file first");
    return std::make_unique<SystemInput>(std::move(file), path, static_cast<uint64_t>(about.st_size));
  }

  std::string read_all(const std::string& path) override {
    const std::unique_ptr<InputFile> file = open(path);
    std::string out(file->size(), '\0');
    file->read(0, out.data(), out.size());
    return out;
  }

  void truncate(const std::string& path, uint64_t size) override {
    if (retried([&] { return ::truncate(c_path(path), static_cast<off_t>(size)); }) != 0)
      throw_system("cannot truncate", path);
  }

  bool rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, c_path(from), AT_FDCWD, c_path(to), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return rename_by_link(from, to);
    throw_system("cannot rename to", to);
  }

  void rename_over(const std::string& from, const std::string& to) override {
    if (::rename(c_path(from), c_path(to)) != 0) throw_system("cannot rename to", to);
  }

  void remove(const std::string& path) override {
    if (::remove(c_path(path)) != 0 && errno != ENOENT) throw_system("cannot remove", path);
  }

  void remove_tree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(c_path(path), error);
    if (error) throw_system("cannot remove", path, error.value());
  }

  bool make_dir(const std::string& path) override {
    if (::mkdir(c_path(path), 0777) == 0) return true;
    const int error = errno;
    if (error == EEXIST && is_dir(path)) return false;
    throw_system("cannot create the folder", path, error);
  }

  void sync_dir(const std::string& path) override {
    const Descriptor dir = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!dir.open()) throw_system("cannot open the folder", path);
    if (retried([&] { return ::fsync(dir.get()); }) == 0) return;
    if (errno == EINVAL) return;  // a file system that has no such thing; its own way must do
    throw_system("cannot bring to disk", path);
  }

  bool exists(const std::string& path) override {
    struct stat about {};
    return find_file(path, about);
  }

  bool is_dir(const std::string& path) override {
    struct stat about {};
    return find_file(path, about) && S_ISDIR(about.st_mode);
  }

  uint64_t file_size(const std::string& path) override {
    struct stat about {};
    if (!find_file(path, about)) throw_unreadable("cannot inspect", path);
    return static_cast<uint64_t>(about.st_size);
  }

  std::vector<std::string> list(const std::string& dir) override {
    const auto close = [](DIR* d) { ::closedir(d); };
    const std::unique_ptr<DIR, decltype(close)> stream(::opendir(c_path(dir)), close);  // opens with O_CLOEXEC
    if (!stream) throw_unreadable("cannot list", dir);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) throw_system("cannot list", dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  void make_readonly(const std::string& path) override {
    struct stat about {};
    if (::stat(c_path(path), &about) != 0 || ::chmod(c_path(path), about.st_mode & 07555) != 0)
      throw_system("cannot make read-only", path);
  }

  void make_link(const std::string& target, const std::string& path) override {
    // Made beside and renamed, so that a reader always finds the old link or the new one.
    const std::string beside = path + ".new";
    if (::symlink(c_path(target), c_path(beside)) != 0) {
      if (errno != EEXIST) throw_system("cannot create the link", path);
      remove(beside);
      if (::symlink(c_path(target), c_path(beside)) != 0) throw_system("cannot create the link", path);
    }
    rename_over(beside, path);
  }

  std::unique_ptr<FileLock> lock(const std::string& path) override {
    Descriptor file = open_file(path, O_RDWR | O_CREAT);
    if (!file.open()) throw_system("cannot open the lock", path);
    if (retried([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK) return nullptr;
      throw_system("cannot lock", path);
    }
    // The pid is for messages only; who holds the lock is the kernel's business.
    const std::string owner = std::to_string(::getpid()) + "\n";
    uint64_t written = 0;
    if (::ftruncate(file.get(), 0) != 0) throw_system("cannot truncate", path);
    write_all(file.get(), owner.data(), owner.size(), path, written);
    return std::make_unique<SystemLock>(std::move(file));
  }

  double seconds() override {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  double cpu_seconds(CpuTime of) override {
    timespec used{};
    ::clock_gettime(of == CpuTime::thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
  }

  uint64_t memory_bytes() override {
    const auto machine =
        static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    std::ifstream file("/sys/fs/cgroup/memory.max");
    uint64_t limit = 0;
    return file >> limit ? std::min(machine, limit) : machine;  // "max": no limit
  }
  std::string utc_time() override {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
  }
};

}  // namespace

Env& system_env() {
  static SystemEnv env;
  return env;
}

}  // namespace sil
