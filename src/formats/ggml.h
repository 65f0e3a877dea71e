// The element types of ggml, in which GGUF files hold tensors: blocks of weights that share scales.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sil {

// Those that are read, by their numbers in ggml.h. A value of this type may hold any number that ggml_type() knows.
enum class GgmlType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  bf16 = 30
};

struct GgmlTypeAbout {
  GgmlType type;
  std::string_view name;  // "F32", "Q4_1" ...
  uint64_t weights;       // of one block
  uint64_t bytes;         // of one block
};

// nullptr where ggml has no such type, or has it no longer.
const GgmlTypeAbout* ggml_type(uint32_t number);
const GgmlTypeAbout& about(GgmlType type);

bool is_dequantised(GgmlType type);  // those that GgmlType names
std::string dequantised_types();     // their names, for people: "F32 F16 ..."
// Whole blocks to as many weights as they hold, bit for bit as the Python package gguf has it; the type must be one of
// is_dequantised and the sizes fit (SIL_CHECK).
void dequantise(GgmlType type, std::string_view blocks, std::span<float> out);

bool is_quantised(GgmlType type);  // F32, F16, BF16, Q8_0: those that are written
// Appends finite values as whole blocks, bit for bit as the Python package gguf has it; the type must be one of
// is_quantised and the sizes fit (SIL_CHECK).
void quantise(GgmlType type, std::span<const float> values, std::string& out);

}  // namespace sil
