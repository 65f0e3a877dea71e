#include <cstring>
#include <limits>
#include <set>

#include "formats/gguf.h"

namespace sil {
namespace {

constexpr uint32_t kVersion = 3;

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  append(out, uint64_t{text.size()});
  out += text;
}

template <class T>
void append_integer(std::string& out, const Json& value) {
  const int64_t wide = value.as_int();
  const auto narrow = static_cast<T>(wide);
  SIL_CHECK(static_cast<int64_t>(narrow) == wide && (wide >= 0 || std::numeric_limits<T>::is_signed));
  append(out, narrow);
}

void append_scalar(std::string& out, GgufValueType type, const Json& value) {
  switch (type) {
    case GgufValueType::u8:
      return append_integer<uint8_t>(out, value);
    case GgufValueType::i8:
      return append_integer<int8_t>(out, value);
    case GgufValueType::u16:
      return append_integer<uint16_t>(out, value);
    case GgufValueType::i16:
      return append_integer<int16_t>(out, value);
    case GgufValueType::u32:
      return append_integer<uint32_t>(out, value);
    case GgufValueType::i32:
      return append_integer<int32_t>(out, value);
    case GgufValueType::u64:
      return append_integer<uint64_t>(out, value);
    case GgufValueType::i64:
      return append_integer<int64_t>(out, value);
    case GgufValueType::f32:
      return append(out, static_cast<float>(value.as_double()));
    case GgufValueType::f64:
      return append(out, value.as_double());
    case GgufValueType::boolean:
      return append(out, static_cast<uint8_t>(value.as_bool()));
    case GgufValueType::string:
      return append_text(out, value.as_string());
    case GgufValueType::array:
      break;
  }
  SIL_CHECK(!"a list is no scalar");
}

void append_entry(std::string& out, const GgufEntry& entry) {
  append_text(out, entry.key);
  append(out, entry.type);
  if (entry.type != GgufValueType::array) return append_scalar(out, entry.type, entry.value);
  append(out, entry.items);
  append(out, uint64_t{entry.value.as_array().size()});
  for (const Json& item : entry.value.as_array()) append_scalar(out, entry.items, item);
}

uint64_t size_of(const GgufTensor& tensor) {
  const GgmlTypeAbout& kind = about(tensor.type);
  const auto count = static_cast<uint64_t>(element_count(tensor));
  SIL_CHECK((tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.back())) % kind.weights == 0);
  return count / kind.weights * kind.bytes;
}

void append_description(std::string& out, const GgufTensor& tensor, uint64_t offset) {
  append_text(out, tensor.name);
  append(out, static_cast<uint32_t>(tensor.shape.size()));
  for (size_t i = tensor.shape.size(); i-- > 0;) append(out, static_cast<uint64_t>(tensor.shape[i]));
  append(out, tensor.type);
  append(out, offset);
}

}  // namespace

void write_gguf(std::span<const GgufEntry> metadata, std::span<const GgufTensor> tensors, ByteSink& out,
                const std::function<std::string_view(const GgufTensor&)>& bytes) {
  uint64_t alignment = Gguf().alignment;
  std::set<std::string_view> names;
  std::string head = "GGUF";
  append(head, kVersion);
  append(head, uint64_t{tensors.size()});
  append(head, uint64_t{metadata.size()});
  for (const GgufEntry& entry : metadata) {
    SIL_CHECK(names.insert(entry.key).second);
    if (entry.key == "general.alignment") alignment = static_cast<uint64_t>(entry.value.as_int());
    append_entry(head, entry);
  }
  const auto padded = [&](uint64_t size) { return (size + alignment - 1) / alignment * alignment; };
  names.clear();
  uint64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    SIL_CHECK(names.insert(tensor.name).second);
    append_description(head, tensor, offset);
    offset += padded(size_of(tensor));
  }
  head.resize(padded(head.size()));
  out.write(head);
  for (const GgufTensor& tensor : tensors) {
    const std::string_view data = bytes(tensor);
    SIL_CHECK(data.size() == size_of(tensor));
    out.write(data);
    out.write(std::string(padded(data.size()) - data.size(), '\0'));
  }
}

}  // namespace sil
