// Where the floats lie that operations read and write. On a device no other code can reach them: what is not an
// operation of the back end (kernels.h) goes through this.
#pragma once

#include <cstdint>

namespace sil::nn {

// Thread-safe.
class Memory {
 public:
  virtual ~Memory() = default;

  // Zeros, on a cache line. Throws std::bad_alloc where there are no more.
  virtual float* take(int64_t floats) const = 0;
  virtual void give(float* at, int64_t floats) const = 0;  // back, what was taken
  // Floats that an arena takes at once.
  virtual int64_t block() const = 0;

  virtual void zero(float* at, int64_t floats) const = 0;
  virtual void copy(const float* from, int64_t floats, float* to) const = 0;    // within it
  virtual void read(const float* from, int64_t floats, float* host) const = 0;  // out of it
  virtual void write(const float* host, int64_t floats, float* to) const = 0;   // into it
};

// The program's own: pages of a large range come into being when they are first used.
const Memory& host_memory();

}  // namespace sil::nn
