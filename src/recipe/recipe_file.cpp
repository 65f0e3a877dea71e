#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "recipe/recipe.h"
#include "recipe/yaml_scan.h"

namespace sil {
namespace {

[[noreturn]] void refuse(const std::string& path, std::string message, std::string hint) {
  throw Error(Exit::usage, std::move(message), std::move(hint), {path, 0, 0});
}

class Descriptor {
 public:
  // Without O_NONBLOCK the open of a FIFO would wait for a writer.
  explicit Descriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "no regular file";
}

}  // namespace

std::string read_recipe_file(const std::string& path) {
  if (path.find('\0') != std::string::npos) refuse("", "the recipe's path holds a NUL byte", "check the command line");
  const Descriptor file(path);
  if (file.get() < 0)
    refuse(path, "the recipe cannot be opened: " + std::string(std::strerror(errno)), "check the path");
  struct stat about {};
  if (::fstat(file.get(), &about) != 0)
    refuse(path, "the recipe cannot be read: " + std::string(std::strerror(errno)), {});
  if (!S_ISREG(about.st_mode))
    refuse(path, "a recipe is a file; this is " + std::string(kind_of(about.st_mode)), "give the path of a YAML file");
  std::string text;
  std::string block(size_t{64} << 10, '\0');
  while (text.size() <= kYamlBytes) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path, "the recipe cannot be read: " + std::string(std::strerror(errno)), {});
    if (got == 0) return text;
    text.append(block, 0, static_cast<size_t>(got));
  }
  refuse(path, "the file is larger than 4 MiB; no recipe is", "put data into a file of its own");
}

}  // namespace sil
