// bf16 by its bits: the upper half of an IEEE 754 binary32, rounded to nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>

namespace sil::test {

inline uint16_t bf16_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rest = bits & 0xFFFF;
  const uint32_t kept = bits >> 16;
  const bool up = rest > 0x8000 || (rest == 0x8000 && kept % 2 == 1);
  return static_cast<uint16_t>(kept + (up ? 1 : 0));
}
inline float rounded_to_bf16(float value) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16_bits(value)) << 16);
}

}  // namespace sil::test
