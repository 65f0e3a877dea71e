// GGUF, versions 2 and 3, little-endian: llama.cpp's one-file format of models and vocabularies. Magic, counts,
// metadata of typed values, descriptions of the tensors, then their data, each aligned (docs/gguf.md of ggml).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/ggml.h"
#include "sil/engine.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// Types of metadata, by their numbers in the file.
enum class GgufValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
inline constexpr uint32_t kGgufValueTypes = 13;

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::f32;
  std::vector<int64_t> shape;  // row-major as elsewhere here, so the file's order reversed; {} = one scalar
  std::string_view bytes;      // whole blocks, not necessarily aligned
};

struct Gguf {
  uint32_t version = 0;
  // A map in the file's order. Integers of all widths are integers, both float types doubles, which may be infinite or
  // NaN. String values are the file's bytes as they are, UTF-8 or not: tokens of some vocabularies are not, and
  // whoever reads a string knows what it must be. Keys are UTF-8.
  Json metadata = Json::object();
  uint64_t alignment = 32;          // of the tensors' places
  std::vector<GgufTensor> tensors;  // in the order of their bytes; views into the bytes given to the reader

  const GgufTensor* find(std::string_view tensor) const;  // nullptr when absent
};

// Throws Error(Exit::unreadable) at `where` for anything but a well-formed file. Whatever `bytes` holds, the views lie
// within it, every size equals its shape, and what is allocated is bounded: by the size of `bytes` and 2^21 values.
Gguf read_gguf(std::string_view bytes, const Place& where = {});

// Product of the shape.
int64_t element_count(const GgufTensor& tensor);
// The tensor in fp32, into `out` of element_count(tensor) (SIL_CHECK). Throws Error(Exit::unreadable) at `where` that
// names its type and those that are read.
void dequantise(const GgufTensor& tensor, std::span<float> out, const Place& where);

// One value of metadata to be written.
struct GgufEntry {
  std::string key;
  GgufValueType type = GgufValueType::string;
  Json value;                                   // of that type and within its range (SIL_CHECK)
  GgufValueType items = GgufValueType::string;  // of a list
};

// Writes version 3, the bytes of the Python package gguf for the same entries and tensors in the same order; aligned by
// 32, or by the entry general.alignment. `bytes` is asked for each tensor's, in order, and what it returns is not kept.
// Names must be distinct and sizes equal their shapes (SIL_CHECK).
void write_gguf(std::span<const GgufEntry> metadata, std::span<const GgufTensor> tensors, ByteSink& out,
                const std::function<std::string_view(const GgufTensor&)>& bytes);

}  // namespace sil
