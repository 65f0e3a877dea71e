// Everything outside the process goes through Env: files, clock, entropy. Production calls the system directly; tests
// inject faults, crash points and power loss (record/simulated_env.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sil {

// An open file. Writes append; every failure throws Error: Exit::resources for ENOSPC/EDQUOT, else Exit::io.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual void write(std::string_view data) = 0;  // all of it, or throws
  virtual void sync() = 0;                        // fdatasync; a failure is final, the file must not be written again
  virtual uint64_t size() const = 0;              // bytes from the beginning of the file
};

// Read-only bytes of a whole file; valid while the object lives.
class InputFile {
 public:
  virtual ~InputFile() = default;
  virtual uint64_t size() const = 0;
  virtual void read(uint64_t offset, char* out,
                    size_t length) const = 0;  // thread-safe; short file throws Exit::corrupt
};

// Holds an exclusive lock while it lives; the system releases it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Whose time on the processors.
enum class CpuTime { thread, process };  // the calling thread's | all threads'

enum class Create { exclusive, append };  // fail when it exists | open or create, position at the end

class Env {
 public:
  virtual ~Env() = default;

  virtual std::unique_ptr<OutputFile> create(const std::string& path, Create how) = 0;
  virtual std::unique_ptr<InputFile> open(const std::string& path) = 0;  // missing: Error(Exit::unreadable)
  virtual std::string read_all(const std::string& path) = 0;
  virtual void truncate(const std::string& path, uint64_t size) = 0;
  virtual bool rename_new(const std::string& from, const std::string& to) = 0;  // false: `to` exists, nothing changed
  virtual void rename_over(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& path) = 0;  // missing is fine
  virtual void remove_tree(const std::string& path) = 0;
  virtual bool make_dir(const std::string& path) = 0;  // false: existed
  virtual void sync_dir(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual bool is_dir(const std::string& path) = 0;
  virtual uint64_t file_size(const std::string& path) = 0;
  virtual std::vector<std::string> list(const std::string& dir) = 0;  // names, sorted
  virtual void make_readonly(const std::string& path) = 0;
  virtual void make_link(const std::string& target, const std::string& path) = 0;  // symbolic, replaces
  virtual std::unique_ptr<FileLock> lock(const std::string& path) = 0;             // nullptr: held by another process

  virtual double seconds() = 0;                // monotonic
  virtual double cpu_seconds(CpuTime of) = 0;  // user and system, in no digest
  virtual uint64_t memory_bytes() = 0;         // that processes may use: of the machine, or of its control group
  virtual std::string utc_time() = 0;          // ISO 8601, for people only, in no digest
};

Env& system_env();

}  // namespace sil
