// Content-addressed, read-only files: weights, optimizer states, checkpoints, recipes, inputs. objects/ab/cdef... is
// named by the SHA-256 of its bytes. Commit: exclusive temporary in tmp/ -> write and hash -> fsync -> rename without
// replacement -> fsync of the folder(s). An object counts once a journal record names it. Changes from one thread at a
// time; reading from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/digest.h"
#include "sil/engine.h"
#include "sil/env.h"

namespace sil {

class ObjectStore {
 public:
  ObjectStore(Env& env, std::string run_dir);

  // `write` streams the bytes. An object of the same bytes is kept as it is (its size is compared).
  Digest put(const std::function<void(ByteSink&)>& write);
  Digest put(std::string_view bytes);
  bool contains(const Digest& digest) const;
  // Missing, or bytes that do not hash to the name: Error(Exit::corrupt).
  std::string read(const Digest& digest) const;
  // Appends its bytes to a file, for whoever may change them. Returns the size; throws as read() does, `to` may then
  // hold some bytes.
  uint64_t copy(const Digest& digest, OutputFile& to) const;
  // Re-hashes without keeping the bytes; returns the size.
  uint64_t verify(const Digest& digest) const;
  std::string path(const Digest& digest) const;  // objects/ab/cdef..., relative to the run directory
  std::vector<Digest> list() const;              // sorted; files with other names are ignored
  uint64_t remove(const Digest& digest);         // bytes freed; missing is fine
  void clear_temporaries();                      // leftovers of a killed process

 private:
  std::string at(const std::string& relative) const { return run_dir_ + "/" + relative; }
  void make_folders();
  uint64_t stream(const Digest& digest, OutputFile* to) const;
  void publish(const std::string& temporary, const Digest& digest, uint64_t size);

  Env& env_;
  std::string run_dir_;
  uint64_t next_temporary_ = 0;
  bool has_folders_ = false;  // objects/ and tmp/ are there, durably
};

}  // namespace sil
