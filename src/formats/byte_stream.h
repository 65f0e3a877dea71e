// The bytes of a file, decompressed when its content says so (gzip or zstd, by magic; names do not matter).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "sil/digest.h"
#include "sil/env.h"

namespace sil {

// Bounds on what a compressed file may become. A file that is really data of the field grows 3 to 30 times.
struct ExpansionLimits {
  uint64_t bytes = uint64_t{16} << 30;       // decompressed, in all
  uint64_t free_bytes = uint64_t{64} << 20;  // up to here the ratio does not matter
  uint64_t ratio = 400;                      // decompressed to stored, beyond that
};

class ByteStream {
 public:
  // Throws Error(Exit::unreadable) unless `path` is a regular file (through links) that can be read.
  explicit ByteStream(const std::string& path, const ExpansionLimits& limits = {}, Env& env = system_env());
  ~ByteStream();
  ByteStream(ByteStream&&) noexcept;

  // Fills a part of `out`, at least a byte; 0 at the end. Throws Error(Exit::unreadable) on data that is cut, damaged,
  // compressed twice or beyond the limits; a file that shrinks meanwhile: Exit::corrupt.
  size_t read(std::span<char> out);
  // Of the file as stored. Only after read() gave 0.
  Digest digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sil
