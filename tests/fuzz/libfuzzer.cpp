// One libFuzzer program a target; SIL_FUZZ_TARGET names its function.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sil::fuzz::SIL_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
