#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats/ggml.h"
#include "formats/half.h"
#include "sil/error.h"

namespace sil {
namespace {

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// As ggml's reference does it: a scale that takes the largest magnitude to 127, quotients rounded half away from zero.
void append_q8_0(std::string& out, std::span<const float> block) {
  float largest = 0;
  for (const float value : block) largest = std::max(largest, std::fabs(value));
  const float scale = largest / 127;
  const float inverse = scale == 0 ? 0 : 1 / scale;
  append(out, to_half(scale));
  for (const float value : block) {
    const float quant = std::round(value * inverse);
    // Beyond where the inverse is infinite; the scale is 0 there as an fp16.
    append(out, std::fabs(quant) <= 127 ? static_cast<int8_t>(quant) : int8_t{0});
  }
}

}  // namespace

bool is_quantised(GgmlType type) {
  return type == GgmlType::f32 || type == GgmlType::f16 || type == GgmlType::bf16 || type == GgmlType::q8_0;
}

void quantise(GgmlType type, std::span<const float> values, std::string& out) {
  const GgmlTypeAbout& kind = about(type);
  SIL_CHECK(is_quantised(type) && values.size() % kind.weights == 0);
  switch (type) {
    case GgmlType::f32:
      out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
      break;
    case GgmlType::f16:
      for (const float value : values) append(out, to_half(value));
      break;
    case GgmlType::bf16:
      for (const float value : values) append(out, to_bfloat16(value));
      break;
    default:
      for (size_t i = 0; i < values.size(); i += kind.weights) append_q8_0(out, values.subspan(i, kind.weights));
  }
}

}  // namespace sil
