// safetensors, one file: 8 bytes little-endian header length, a JSON header padded with spaces to a multiple of 8, then
// the tensors without holes. Written bytes are those of the reference implementation for the same tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sil/engine.h"
#include "sil/env.h"
#include "sil/error.h"

namespace sil {

// Those that are read, in the order of the reference implementation: files hold the larger ones first.
enum class Dtype : uint8_t { boolean, u8, f16, bf16, i32, f32, f64, i64 };
std::string_view name(Dtype dtype);  // "BOOL", "U8", "F16" ...
size_t byte_size(Dtype dtype);       // of one element

struct TensorView {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;  // row-major; {} = one scalar
  std::string_view bytes;      // little-endian, not necessarily aligned
};

struct Safetensors {
  std::vector<TensorView> tensors;  // in the order of their bytes; views into the bytes given to the reader
  std::map<std::string, std::string> metadata;

  const TensorView* find(std::string_view tensor) const;  // nullptr when absent
};

// Throws Error(Exit::unreadable) at `where` for anything but a well-formed file. Whatever `bytes` holds, the views lie
// within it and every size equals its shape.
Safetensors read_safetensors(std::string_view bytes, const Place& where = {});

// A tensor whose bytes are still in its file.
struct StoredTensor {
  TensorView about;    // without bytes
  uint64_t begin = 0;  // of its bytes, in the file
  uint64_t size = 0;
};

struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// The same checks, of which none needs the data: only the header is read.
SafetensorsHeader read_safetensors_header(const InputFile& file, const Place& where);

// The same tensors in any order give the same bytes. Names must be distinct and sizes equal their shapes (SIL_CHECK).
void write_safetensors(std::span<const TensorView> tensors, ByteSink& out);
// The same, one tensor after the other: `bytes` is asked for each view's, whose own are empty, and what it returns is
// written before the next is asked for.
void write_safetensors(std::span<const TensorView> tensors, ByteSink& out,
                       const std::function<std::string_view(const TensorView&)>& bytes);

// Throws Error(Exit::unreadable) that lists the first five tensors that are missing, too many, or of another dtype or
// shape than `wanted` (whose bytes are not read).
void expect_tensors(const Safetensors& file, std::span<const TensorView> wanted, const Place& where = {});
// Throws Error(Exit::unreadable) that names the first tensor that holds a NaN or an infinity, and where.
void expect_finite(const Safetensors& file, const Place& where = {});

bool is_float(Dtype dtype);  // F32, F16 or BF16: what floats() reads
// A tensor's elements as fp32, exactly; the dtype must be one of is_float (SIL_CHECK).
std::vector<float> floats(const TensorView& tensor);

}  // namespace sil
