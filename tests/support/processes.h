// For tests of what starts processes: who is alive, what is open.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

namespace sil::testing {

// A number of seconds to sleep that no other process on the machine sleeps: finds its sleeper in /proc.
inline std::string unique_seconds() {
  static int count = 0;
  return "3000." + std::to_string(::getpid()) + "0" + std::to_string(++count);
}

inline std::string read_proc(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Living processes with `marker` in their command line, this one not counted.
inline int count_alive(const std::string& marker) {
  int out = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  while (const dirent* entry = ::readdir(proc.get())) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) continue;
    out += read_proc("/proc/" + name + "/cmdline").find(marker) != std::string::npos;
  }
  return out;
}

// Whether that count becomes `wanted` within two seconds.
inline bool becomes(const std::string& marker, int wanted) {
  for (int i = 0; i < 200; ++i) {
    if (count_alive(marker) == wanted) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// The interpreter itself, past launchers that cost more than the tests: words for a shell.
inline const std::string& python3() {
  static const std::string path = [] {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("python3 -S -c 'import sys; print(sys.executable)'", "r"),
                                                     ::pclose);
    char line[4096] = {};
    std::string out = pipe && std::fgets(line, sizeof line, pipe.get()) ? line : "python3\n";
    out.pop_back();
    return out;
  }();
  return path;
}

// The same with the project's Python library at hand, leaving no .pyc files.
inline std::string with_library() {
  return "PYTHONPATH=" SIL_SOURCE_DIR "/python PYTHONDONTWRITEBYTECODE=1 exec " + python3() + " ";
}

class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text)
      : path_("/tmp/sil_grader_" + std::to_string(::getpid()) + "_" + next()) {
    std::ofstream(path_) << text;
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  static std::string next() {
    static int count = 0;
    return std::to_string(++count) + ".py";
  }
  std::string path_;
};

inline int open_files() {
  int out = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> self(::opendir("/proc/self/fd"), ::closedir);
  while (::readdir(self.get())) ++out;
  return out;
}

}  // namespace sil::testing
