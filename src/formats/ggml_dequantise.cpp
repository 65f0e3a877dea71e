// Blocks to fp32, with the roundings of the Python package gguf 0.19.0 (gguf.quants), which are those of ggml: a
// product with a scale is rounded before anything is added to it. Layouts of blocks: ggml-common.h of ggml.
#include <array>
#include <cstring>

#include "formats/ggml.h"
#include "formats/half.h"
#include "sil/error.h"

namespace sil {
namespace {

using Byte = unsigned char;

float half_at(const Byte* place) {
  uint16_t bits = 0;
  std::memcpy(&bits, place, sizeof bits);
  return from_half(bits);
}

void f32(const Byte* block, float* out) {
  std::memcpy(out, block, sizeof *out);
}

void f16(const Byte* block, float* out) {
  *out = half_at(block);
}

void bf16(const Byte* block, float* out) {
  uint16_t bits = 0;
  std::memcpy(&bits, block, sizeof bits);
  *out = from_bfloat16(bits);
}

// Of 4 bits: the lower halves of 16 bytes are weights 0 to 15, the upper ones 16 to 31.

void q4_0(const Byte* block, float* out) {
  const float scale = half_at(block);
  const Byte* quants = block + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 0xF) - 8);
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) - 8);
  }
}

void q4_1(const Byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  const Byte* quants = block + 4;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(quants[i] & 0xF) + least;
    out[i + 16] = scale * static_cast<float>(quants[i] >> 4) + least;
  }
}

// The fifth bits stand together in 32 bits, one a weight.

int fifth(uint32_t bits, int i) {
  return static_cast<int>(bits >> i & 1) << 4;
}

void q5_0(const Byte* block, float* out) {
  const float scale = half_at(block);
  uint32_t high = 0;
  std::memcpy(&high, block + 2, sizeof high);
  const Byte* quants = block + 6;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(((quants[i] & 0xF) | fifth(high, i)) - 16);
    out[i + 16] = scale * static_cast<float>(((quants[i] >> 4) | fifth(high, i + 16)) - 16);
  }
}

void q5_1(const Byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  uint32_t high = 0;
  std::memcpy(&high, block + 4, sizeof high);
  const Byte* quants = block + 8;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 0xF) | fifth(high, i)) + least;
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) | fifth(high, i + 16)) + least;
  }
}

void q8_0(const Byte* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<int8_t>(block[2 + i])) * scale;
}

// Superblocks of 256 weights, whose scales are quantised in their turn.

// Two bits a weight: of the 32 bytes of each half, bits 0 and 1 are its first 32 weights, 2 and 3 the next, and so on.
int two_bits(const Byte* quants, int weight) {
  return quants[weight / 128 * 32 + weight % 32] >> (weight % 128 / 32 * 2) & 3;
}

void q2_k(const Byte* block, float* out) {
  const Byte *scales = block, *quants = block + 16;
  const float scale = half_at(block + 80), least = half_at(block + 82);
  for (int part = 0; part < 16; ++part) {
    const float of_part = scale * static_cast<float>(scales[part] & 0xF);
    const float under = least * static_cast<float>(scales[part] >> 4);
    for (int i = part * 16; i < part * 16 + 16; ++i) out[i] = of_part * static_cast<float>(two_bits(quants, i)) - under;
  }
}

void q3_k(const Byte* block, float* out) {
  const Byte *high = block, *quants = block + 32, *scales = block + 96;
  const float scale = half_at(block + 108);
  for (int part = 0; part < 16; ++part) {
    const int low_bits = part < 8 ? scales[part] & 0xF : scales[part - 8] >> 4;
    const int high_bits = scales[8 + part % 4] >> (part / 4 * 2) & 3;
    const float of_part = scale * static_cast<float>((low_bits | high_bits << 4) - 32);
    for (int i = part * 16; i < part * 16 + 16; ++i) {
      const int third = high[i % 32] >> (i / 32) & 1;  // set: nothing is taken off
      out[i] = of_part * static_cast<float>(two_bits(quants, i) - (third == 0 ? 4 : 0));
    }
  }
}

// Eight scales and eight minima of six bits in twelve bytes, of Q4_K and Q5_K.
struct ScaleMinimum {
  int scale, minimum;
};

ScaleMinimum scale_minimum(const Byte* packed, int part) {
  if (part < 4) return {packed[part] & 63, packed[part + 4] & 63};
  const int last = packed[part + 4];
  return {(last & 0xF) | (packed[part - 4] >> 2 & 0x30), last >> 4 | (packed[part] >> 2 & 0x30)};
}

void q4_k(const Byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  for (int part = 0; part < 8; ++part) {
    const ScaleMinimum six = scale_minimum(block + 4, part);
    const float of_part = scale * static_cast<float>(six.scale);
    const float under = least * static_cast<float>(six.minimum);
    const Byte* quants = block + 16 + part / 2 * 32;
    for (int i = 0; i < 32; ++i)
      out[part * 32 + i] = of_part * static_cast<float>(quants[i] >> (part % 2 * 4) & 0xF) - under;
  }
}

void q5_k(const Byte* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  const Byte* high = block + 16;
  for (int part = 0; part < 8; ++part) {
    const ScaleMinimum six = scale_minimum(block + 4, part);
    const float of_part = scale * static_cast<float>(six.scale);
    const float under = least * static_cast<float>(six.minimum);
    const Byte* quants = block + 48 + part / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int quant = (quants[i] >> (part % 2 * 4) & 0xF) | (high[i] >> part & 1) << 4;
      out[part * 32 + i] = of_part * static_cast<float>(quant) - under;
    }
  }
}

void q6_k(const Byte* block, float* out) {
  const Byte *low = block, *high = block + 128, *scales = block + 192;
  const float scale = half_at(block + 208);
  for (int part = 0; part < 16; ++part) {
    const float of_part = scale * static_cast<float>(static_cast<int8_t>(scales[part]));
    for (int i = part * 16; i < part * 16 + 16; ++i) {
      const int four = low[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 0xF;
      out[i] = of_part * static_cast<float>((four | two_bits(high, i) << 4) - 32);
    }
  }
}

// All blocks of a tensor, by a function that the compiler sees through.
template <auto read, size_t weights, size_t bytes>
void each(std::string_view blocks, float* out) {
  const auto* block = reinterpret_cast<const Byte*>(blocks.data());
  for (size_t i = 0; i < blocks.size() / bytes; ++i) read(block + i * bytes, out + i * weights);
}

struct Dequantiser {
  GgmlType type;
  void (*read)(std::string_view blocks, float* out);
};
constexpr std::array kDequantisers = {
    Dequantiser{GgmlType::f32, each<f32, 1, 4>},       Dequantiser{GgmlType::f16, each<f16, 1, 2>},
    Dequantiser{GgmlType::bf16, each<bf16, 1, 2>},     Dequantiser{GgmlType::q4_0, each<q4_0, 32, 18>},
    Dequantiser{GgmlType::q4_1, each<q4_1, 32, 20>},   Dequantiser{GgmlType::q5_0, each<q5_0, 32, 22>},
    Dequantiser{GgmlType::q5_1, each<q5_1, 32, 24>},   Dequantiser{GgmlType::q8_0, each<q8_0, 32, 34>},
    Dequantiser{GgmlType::q2_k, each<q2_k, 256, 84>},  Dequantiser{GgmlType::q3_k, each<q3_k, 256, 110>},
    Dequantiser{GgmlType::q4_k, each<q4_k, 256, 144>}, Dequantiser{GgmlType::q5_k, each<q5_k, 256, 176>},
    Dequantiser{GgmlType::q6_k, each<q6_k, 256, 210>},
};

const Dequantiser* dequantiser(GgmlType type) {
  for (const Dequantiser& known : kDequantisers)
    if (known.type == type) return &known;
  return nullptr;
}

}  // namespace

bool is_dequantised(GgmlType type) {
  return dequantiser(type) != nullptr;
}

std::string dequantised_types() {
  std::string out;
  for (const Dequantiser& known : kDequantisers) out += (out.empty() ? "" : " ") + std::string(about(known.type).name);
  return out;
}

void dequantise(GgmlType type, std::string_view blocks, std::span<float> out) {
  const Dequantiser* known = dequantiser(type);
  SIL_CHECK(known != nullptr);
  const GgmlTypeAbout& kind = about(type);
  SIL_CHECK(blocks.size() % kind.bytes == 0 && blocks.size() / kind.bytes * kind.weights == out.size());
  known->read(blocks, out.data());
}

}  // namespace sil
