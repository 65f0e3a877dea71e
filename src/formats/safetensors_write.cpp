#include <algorithm>
#include <set>

#include "formats/safetensors.h"
#include "sil/json.h"

namespace sil {
namespace {

constexpr size_t kAlignment = 8;

uint64_t size_of(const TensorView& tensor) {
  uint64_t size = byte_size(tensor.dtype);
  for (int64_t dimension : tensor.shape) size *= static_cast<uint64_t>(dimension);
  return size;
}

void append_entry(std::string& header, const TensorView& tensor, uint64_t begin) {
  append_json_string(header, tensor.name);
  header += ":{\"dtype\":\"" + std::string(name(tensor.dtype)) + "\",\"shape\":[";
  for (size_t i = 0; i < tensor.shape.size(); ++i) header += (i == 0 ? "" : ",") + std::to_string(tensor.shape[i]);
  header += "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(begin + size_of(tensor)) + "]}";
}

}  // namespace

void write_safetensors(std::span<const TensorView> tensors, ByteSink& out) {
  write_safetensors(tensors, out, [](const TensorView& tensor) { return tensor.bytes; });
}

void write_safetensors(std::span<const TensorView> tensors, ByteSink& out,
                       const std::function<std::string_view(const TensorView&)>& bytes) {
  std::vector<const TensorView*> order;
  for (const TensorView& tensor : tensors) {
    SIL_CHECK(tensor.name != "__metadata__");
    order.push_back(&tensor);
  }
  // Larger dtypes first, so that every tensor is aligned to its elements.
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return a->dtype != b->dtype ? a->dtype > b->dtype : a->name < b->name;
  });
  // Older readers of the field fail without the format.
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::set<std::string_view> names;
  uint64_t begin = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    SIL_CHECK(names.insert(order[i]->name).second);
    header += ',';
    append_entry(header, *order[i], begin);
    begin += size_of(*order[i]);
  }
  header += '}';
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, ' ');
  std::string prefix;
  for (uint64_t length = header.size(), i = 0; i < 8; ++i, length >>= 8) prefix += static_cast<char>(length & 0xFF);
  out.write(prefix);
  out.write(header);
  for (const TensorView* tensor : order) {
    const std::string_view data = bytes(*tensor);
    SIL_CHECK(data.size() == size_of(*tensor));
    out.write(data);
  }
}

}  // namespace sil
