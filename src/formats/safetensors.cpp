// Reading. The header is hostile until every range is proven: the ranges must tile the buffer exactly, which excludes
// overlaps, holes, trailing bytes and thereby files that are something else as well.
#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "formats/half.h"
#include "formats/quoted.h"
#include "sil/json.h"

namespace sil {
namespace {

struct DtypeAbout {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<DtypeAbout, 8> kDtypes = {
    {{"BOOL", 1}, {"U8", 1}, {"F16", 2}, {"BF16", 2}, {"I32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}}};

// The format allows 100 MB. Real models need some 100 bytes a tensor; what is far beyond exhausts memory when parsed.
constexpr uint64_t kLargestHeader = uint64_t{16} << 20;
constexpr size_t kMostTensors = 100'000;
constexpr int kHeaderDepth = 4;
constexpr size_t kPrefix = 8;

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = kPrefix; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Product of the shape's dimensions times the element size; false on overflow.
bool size_of(Dtype dtype, const std::vector<int64_t>& shape, uint64_t* size) {
  *size = byte_size(dtype);
  for (int64_t dimension : shape)
    if (__builtin_mul_overflow(*size, static_cast<uint64_t>(dimension), size)) return false;
  return true;
}

class Reader {
 public:
  // `start` holds the header whole, or as much of the file as tells its size.
  Reader(std::string_view start, uint64_t file_size, const Place& where)
      : start_(start), file_size_(file_size), where_(where) {}

  // Of the prefix and the header.
  uint64_t header_size() const {
    if (file_size_ == 0) fail("it is empty");
    refuse_other_formats();
    if (file_size_ < kPrefix) fail("it has " + std::to_string(file_size_) + " bytes; a header begins with 8");
    const uint64_t length = little_endian(start_);
    if (length > file_size_ - kPrefix)
      fail("its header is said to have " + std::to_string(length) + " bytes, but only " +
           std::to_string(file_size_ - kPrefix) + " follow");
    if (length > kLargestHeader)
      fail("its header has " + std::to_string(length) + " bytes; at most " + std::to_string(kLargestHeader) +
           " are read");
    if (length == 0 || start_[kPrefix] != '{') fail("its header does not begin with {");
    return kPrefix + length;
  }

  SafetensorsHeader read() {
    data_ = header_size();
    Json json;
    try {
      json = parse_json(start_.substr(kPrefix, data_ - kPrefix), {}, {kHeaderDepth, kLargestHeader});
    } catch (const Error& error) {
      const Finding& finding = error.findings().front();
      fail("line " + std::to_string(finding.place.line) + ", column " + std::to_string(finding.place.column) +
           " of its header: " + finding.message);
    }
    if (json.as_object().size() > kMostTensors + 1)
      fail("it has " + std::to_string(json.as_object().size()) + " tensors; at most " + std::to_string(kMostTensors) +
           " are read");
    for (const auto& [key, value] : json.as_object()) {
      if (key == "__metadata__") {
        metadata(value);
      } else {
        tensor(key, value);
      }
    }
    check_tiling();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "get the file again") const {
    throw Error(Exit::unreadable, "not a readable safetensors file: " + what, hint, where_);
  }
  [[noreturn]] void fail_tensor(std::string_view name, const std::string& what) const {
    fail("tensor " + quoted_name(name) + " " + what);
  }

  void refuse_other_formats() const {
    struct Magic {
      std::string_view bytes, format;
    };
    constexpr Magic kMagics[] = {{"PK\x03\x04", "a zip archive, perhaps of torch.save"},
                                 {"GGUF", "a GGUF file"},
                                 {"\x80\x02", "a pickle"},
                                 {"\x80\x03", "a pickle"},
                                 {"\x80\x04", "a pickle"},
                                 {"\x1F\x8B", "gzip data"},
                                 {"version https://git-lfs", "a Git LFS pointer"}};
    for (const Magic& magic : kMagics)
      if (start_.starts_with(magic.bytes) && !looks_like_header()) {
        fail("it is " + std::string(magic.format), "convert it to safetensors with the tool that made it");
      }
  }
  // A header length may begin with the bytes of a magic by chance; its JSON then still stands behind it.
  bool looks_like_header() const {
    return file_size_ > kPrefix && start_[kPrefix] == '{' && little_endian(start_) <= file_size_ - kPrefix;
  }

  void metadata(const Json& value) {
    if (!value.is_object()) fail(std::string("__metadata__ is ") + value.kind() + ", not a map");
    for (const auto& [key, text] : value.as_object()) {
      if (!text.is_string()) fail("__metadata__ " + quoted_name(key) + " is " + text.kind() + ", not a string");
      out_.metadata[key] = text.as_string();
    }
  }

  void tensor(const std::string& name, const Json& entry) {
    if (!entry.is_object()) fail_tensor(name, std::string("is ") + entry.kind() + ", not a map");
    for (const auto& member : entry.as_object())
      if (member.first != "dtype" && member.first != "shape" && member.first != "data_offsets")
        fail_tensor(name, "has the unknown key " + quoted_name(member.first));
    TensorView view{name, dtype_of(name, entry), numbers(name, entry, "shape"), {}};
    const std::vector<int64_t> range = numbers(name, entry, "data_offsets");
    if (range.size() != 2) fail_tensor(name, "has " + std::to_string(range.size()) + " data_offsets instead of 2");
    const auto begin = static_cast<uint64_t>(range[0]), end = static_cast<uint64_t>(range[1]);
    if (begin > end || end > file_size_ - data_)
      fail_tensor(name, "lies at [" + std::to_string(begin) + ", " + std::to_string(end) + "), but the data has " +
                            std::to_string(file_size_ - data_) + " bytes");
    uint64_t size = 0;
    if (!size_of(view.dtype, view.shape, &size)) fail_tensor(name, "has a shape too large for any memory");
    if (size != end - begin)
      fail_tensor(
          name, "needs " + std::to_string(size) + " bytes by dtype and shape, but has " + std::to_string(end - begin));
    out_.tensors.push_back({std::move(view), data_ + begin, size});
  }

  Dtype dtype_of(const std::string& name, const Json& entry) const {
    const Json* dtype = entry.find("dtype");
    if (dtype == nullptr || !dtype->is_string()) fail_tensor(name, "has no dtype");
    std::string known;
    for (size_t i = 0; i < kDtypes.size(); ++i) {
      if (kDtypes[i].name == dtype->as_string()) return static_cast<Dtype>(i);
      known += (i == 0 ? "" : " ") + std::string(kDtypes[i].name);
    }
    fail_tensor(name, "has the dtype " + quoted_name(dtype->as_string()) + "; those that are read: " + known);
  }

  std::vector<int64_t> numbers(const std::string& name, const Json& entry, std::string_view key) const {
    const Json* list = entry.find(key);
    if (list == nullptr || !list->is_array()) fail_tensor(name, "has no list " + std::string(key));
    std::vector<int64_t> out;
    for (const Json& number : list->as_array()) {
      if (!number.is_int() || number.as_int() < 0)
        fail_tensor(name, "has " + std::string(key) + " " + quoted_name(dump(*list)) + "; allowed: integers from 0");
      out.push_back(number.as_int());
    }
    return out;
  }

  void check_tiling() {
    std::sort(out_.tensors.begin(), out_.tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
      return std::pair(a.begin, a.size) < std::pair(b.begin, b.size);
    });
    uint64_t reached = data_;
    for (const StoredTensor& tensor : out_.tensors) {
      if (tensor.begin != reached)
        fail_tensor(tensor.about.name,
                    tensor.begin < reached ? "overlaps the tensor before it" : "follows a hole in the data");
      reached += tensor.size;
    }
    if (reached != file_size_) fail(std::to_string(file_size_ - reached) + " bytes follow the last tensor");
  }

  std::string_view start_;
  uint64_t file_size_;
  const Place& where_;
  uint64_t data_ = 0;  // where the data begin in the file
  SafetensorsHeader out_;
};

std::string shape_text(const TensorView& tensor) {
  std::string out(name(tensor.dtype));
  out += " [";
  for (size_t i = 0; i < tensor.shape.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return out + "]";
}

// Index of the first element whose exponent bits are all ones, or npos. Little-endian elements of `size` bytes.
size_t first_non_finite(std::string_view bytes, size_t size, unsigned char high, unsigned char low) {
  for (size_t at = 0; at < bytes.size(); at += size) {
    const auto last = static_cast<unsigned char>(bytes[at + size - 1]);
    const auto before = static_cast<unsigned char>(bytes[at + size - 2]);
    if ((last & high) == high && (before & low) == low) return at / size;
  }
  return std::string_view::npos;
}

size_t first_non_finite(const TensorView& tensor) {
  switch (tensor.dtype) {
    case Dtype::f16:
      return first_non_finite(tensor.bytes, 2, 0x7C, 0x00);
    case Dtype::bf16:
      return first_non_finite(tensor.bytes, 2, 0x7F, 0x80);
    case Dtype::f32:
      return first_non_finite(tensor.bytes, 4, 0x7F, 0x80);
    case Dtype::f64:
      return first_non_finite(tensor.bytes, 8, 0x7F, 0xF0);
    default:
      return std::string_view::npos;
  }
}

}  // namespace

std::string_view name(Dtype dtype) {
  return kDtypes[static_cast<size_t>(dtype)].name;
}
size_t byte_size(Dtype dtype) {
  return kDtypes[static_cast<size_t>(dtype)].bytes;
}

const TensorView* Safetensors::find(std::string_view tensor) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const TensorView& t) { return t.name == tensor; });
  return found == tensors.end() ? nullptr : &*found;
}

Safetensors read_safetensors(std::string_view bytes, const Place& where) {
  SafetensorsHeader header = Reader(bytes, bytes.size(), where).read();
  Safetensors out{{}, std::move(header.metadata)};
  for (StoredTensor& tensor : header.tensors) {
    out.tensors.push_back(std::move(tensor.about));
    out.tensors.back().bytes = bytes.substr(tensor.begin, tensor.size);
  }
  return out;
}

SafetensorsHeader read_safetensors_header(const InputFile& file, const Place& where) {
  constexpr uint64_t kTelling = 64;  // of a header's length and of other formats' magics
  std::string start(std::min(file.size(), kTelling), '\0');
  file.read(0, start.data(), start.size());
  start.resize(Reader(start, file.size(), where).header_size());
  file.read(0, start.data(), start.size());
  return Reader(start, file.size(), where).read();
}

void expect_tensors(const Safetensors& file, std::span<const TensorView> wanted, const Place& where) {
  constexpr size_t kShown = 5;
  std::vector<std::string> faults;
  std::map<std::string_view, const TensorView*> extra;
  for (const TensorView& tensor : file.tensors) extra[tensor.name] = &tensor;
  for (const TensorView& want : wanted) {
    const auto found = extra.find(want.name);
    if (found == extra.end()) {
      faults.push_back(quoted_name(want.name) + " is missing");
      continue;
    }
    const TensorView& tensor = *found->second;
    if (tensor.dtype != want.dtype || tensor.shape != want.shape)
      faults.push_back(quoted_name(want.name) + " is " + shape_text(tensor) + " instead of " + shape_text(want));
    extra.erase(found);
  }
  for (const auto& [tensor, view] : extra) faults.push_back(quoted_name(tensor) + " is not part of the model");
  if (faults.empty()) return;
  std::string message = "the tensors are not those of the model: ";
  for (size_t i = 0; i < std::min(kShown, faults.size()); ++i) message += (i == 0 ? "" : ", ") + faults[i];
  if (faults.size() > kShown) message += " and " + std::to_string(faults.size() - kShown) + " more";
  throw Error(Exit::unreadable, std::move(message), "the file belongs to a model of another kind or size", where);
}

void expect_finite(const Safetensors& file, const Place& where) {
  for (const TensorView& tensor : file.tensors) {
    const size_t at = first_non_finite(tensor);
    if (at == std::string_view::npos) continue;
    throw Error(Exit::unreadable,
                "tensor " + quoted_name(tensor.name) + " holds a NaN or an infinity at element " + std::to_string(at),
                "these weights diverged; take an earlier version", where);
  }
}

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

std::vector<float> floats(const TensorView& tensor) {
  SIL_CHECK(is_float(tensor.dtype) && tensor.bytes.size() % byte_size(tensor.dtype) == 0);
  std::vector<float> out(tensor.bytes.size() / byte_size(tensor.dtype));
  if (out.empty()) return out;
  if (tensor.dtype == Dtype::f32) {
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return out;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t half = 0;
    std::memcpy(&half, tensor.bytes.data() + i * sizeof half, sizeof half);
    out[i] = tensor.dtype == Dtype::bf16 ? from_bfloat16(half) : from_half(half);
  }
  return out;
}

}  // namespace sil
