// A run's directory: who may write it, its format version, its journal and objects.
//
//   SIL        "sil run format 1"; written first, never changed
//   lock       flock'd by the process that writes
//   journal    record/journal.h           rounds/   record/segment.h         objects/   record/objects.h
#pragma once

#include <memory>
#include <string>

#include "record/journal.h"
#include "record/objects.h"

namespace sil {

inline constexpr int kRunFormat = 1;

// Opened for writing: holds the lock while it lives.
class RunDirectory {
 public:
  // Creates the directory (parents too) or opens it. Error: Exit::in_use with the owner's pid from the lock file when
  // it is locked, Exit::newer for a later format, Exit::usage when `path` exists and is no run directory (not a
  // directory, or a non-empty one without SIL), Exit::corrupt for a damaged journal. A directory that a killed process
  // left half created (no journal record yet) is completed.
  RunDirectory(Env& env, std::string path);

  Env& env() const { return env_; }
  const std::string& path() const { return path_; }
  std::string at(const std::string& relative) const { return path_ + "/" + relative; }
  Journal& journal() { return *journal_; }
  ObjectStore& objects() { return objects_; }

 private:
  Env& env_;
  std::string path_;
  std::unique_ptr<FileLock> lock_;
  ObjectStore objects_;
  std::unique_ptr<Journal> journal_;
};

// The lock alone, of a directory that is there. Error(Exit::in_use) with the owner's pid.
std::unique_ptr<FileLock> lock_run(Env& env, const std::string& path);

// Reads a run directory without locking or changing it. Error: Exit::unreadable when `path` is none, Exit::newer,
// Exit::corrupt.
JournalContents read_run_journal(Env& env, const std::string& path);

}  // namespace sil
