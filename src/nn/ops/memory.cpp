#include "nn/ops/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sil::nn {
namespace {

// An arena of so much will never be full; nobody has that much memory, so the system must not be asked to promise it.
constexpr int64_t kBlock = int64_t{16} << 30;

class HostMemory final : public Memory {
 public:
  float* take(int64_t floats) const override {
    if (floats >= kBlock) return mapped(bytes_of(floats));
    const size_t bytes = (bytes_of(floats) + 63) / 64 * 64;
    void* const at = std::aligned_alloc(64, bytes);
    if (at == nullptr) throw std::bad_alloc();
    std::memset(at, 0, bytes);
    return static_cast<float*>(at);
  }
  void give(float* at, int64_t floats) const override {
    if (floats >= kBlock)
      ::munmap(at, bytes_of(floats));
    else
      std::free(at);
  }
  int64_t block() const override { return kBlock; }

  void zero(float* at, int64_t floats) const override { std::fill_n(at, floats, 0.0F); }
  void copy(const float* from, int64_t floats, float* to) const override { std::copy_n(from, floats, to); }
  void read(const float* from, int64_t floats, float* host) const override { copy(from, floats, host); }
  void write(const float* host, int64_t floats, float* to) const override { copy(host, floats, to); }

 private:
  static size_t bytes_of(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
  static float* mapped(size_t bytes) {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    return static_cast<float*>(at);
  }
};

}  // namespace

const Memory& host_memory() {
  static const HostMemory memory;
  return memory;
}

}  // namespace sil::nn
