// Every count and length is hostile until it is compared with the bytes that are left, by subtraction, which cannot
// overflow. The tensors must follow each other as llama.cpp demands: in order, with nothing but padding between.
#include "formats/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <type_traits>

#include "base/code_point.h"
#include "formats/quoted.h"

namespace sil {
namespace {

static_assert(std::endian::native == std::endian::little);  // numbers are copied as they lie

constexpr std::string_view kMagic = "GGUF";
constexpr uint32_t kOldest = 2, kNewest = 3;
// The largest vocabularies have 262,144 tokens with a score, a type and two merges each. A value takes 40 bytes in
// memory and may take a single one in the file.
constexpr uint64_t kMostValues = uint64_t{1} << 21;
constexpr uint64_t kMostKeys = 65536;
constexpr uint64_t kMostTensors = 100'000;
constexpr uint64_t kLongestName = 65535;  // bytes, as the format says of keys
constexpr uint32_t kMostDimensions = 4;
constexpr uint64_t kLargestAlignment = uint64_t{1} << 20;

// Bytes that a value takes at least; of strings and arrays: their lengths.
uint64_t least_size(GgufValueType type) {
  constexpr uint8_t kSizes[kGgufValueTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kSizes[static_cast<size_t>(type)];
}

class Reader {
 public:
  Reader(std::string_view bytes, const Place& where) : bytes_(bytes), where_(where) {}

  Gguf read() {
    header();
    for (uint64_t i = 0; i < values_; ++i) metadata(i);
    align();
    for (uint64_t i = 0; i < tensors_; ++i) tensor(i);
    place_tensors();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "get the file again") const {
    throw Error(Exit::unreadable, "not a readable GGUF file: " + what, hint, where_);
  }
  [[noreturn]] void fail_here(const std::string& what) const { fail(part_ + " " + what); }

  uint64_t left() const { return bytes_.size() - at_; }
  std::string_view take(uint64_t length) {
    if (length > left())
      fail("it ends within " + part_ + ": " + std::to_string(length) + " bytes are wanted at byte " +
           std::to_string(at_) + ", and " + std::to_string(left()) + " are left");
    const std::string_view out = bytes_.substr(at_, length);
    at_ += length;
    return out;
  }
  template <class T>
  T number() {
    T out;
    std::memcpy(&out, take(sizeof out).data(), sizeof out);
    return out;
  }

  void header() {
    if (bytes_.empty()) fail("it is empty");
    if (!bytes_.starts_with(kMagic)) fail("it does not begin with GGUF", "name a .gguf file");
    part_ = "its header";
    at_ = kMagic.size();
    out_.version = number<uint32_t>();
    if ((out_.version & 0xFFFF) == 0 && out_.version != 0)
      fail("it is big-endian", "take the little-endian file of the same model");
    if (out_.version < kOldest || out_.version > kNewest)
      fail("it is of version " + std::to_string(out_.version) + "; versions " + std::to_string(kOldest) + " and " +
               std::to_string(kNewest) + " are read",
           "convert the model again with a current llama.cpp");
    tensors_ = number<uint64_t>();
    values_ = number<uint64_t>();
    if (tensors_ > kMostTensors)
      fail_here("says " + std::to_string(tensors_) + " tensors; at most " + std::to_string(kMostTensors) + " are read");
    if (values_ > kMostKeys)
      fail_here("says " + std::to_string(values_) + " entries of metadata; at most " + std::to_string(kMostKeys) +
                " are read");
  }

  // Of a list of `items`, `size` bytes each at least, before anything is allocated for it.
  void count(uint64_t items, uint64_t size) {
    if (items > left() / size)
      fail_here("says " + std::to_string(items) + " values, but only " + std::to_string(left()) + " bytes follow");
    counted_ += items;
    if (counted_ > kMostValues)
      fail_here("brings the metadata to " + std::to_string(counted_) + " values; at most " +
                std::to_string(kMostValues) + " are read");
  }

  std::string name() {
    const uint64_t length = number<uint64_t>();
    if (length == 0 || length > kLongestName)
      fail_here("has a name of " + std::to_string(length) + " bytes; allowed: 1 to " + std::to_string(kLongestName));
    const std::string_view text = take(length);
    if (!is_utf8(text)) fail_here("has a name that is not UTF-8: " + quoted_name(text));
    return std::string(text);
  }

  void metadata(uint64_t index) {
    part_ = "metadata " + std::to_string(index);
    std::string key = name();
    part_ = "metadata " + quoted_name(key);
    if (!keys_.insert(key).second) fail_here("is there twice");
    const GgufValueType type = value_type();
    Json value = type == GgufValueType::array ? list() : scalar(type);
    out_.metadata.as_object().emplace_back(std::move(key), std::move(value));
  }

  GgufValueType value_type() {
    const uint32_t type = number<uint32_t>();
    if (type >= kGgufValueTypes)
      fail_here("has the value type " + std::to_string(type) + "; allowed: 0 to " +
                std::to_string(kGgufValueTypes - 1));
    return GgufValueType{type};
  }

  Json list() {
    const GgufValueType type = value_type();
    if (type == GgufValueType::array) fail_here("is a list of lists, which is not read");
    const uint64_t length = number<uint64_t>();
    count(length, least_size(type));
    Json::Array out;
    out.reserve(length);
    for (uint64_t i = 0; i < length; ++i) out.push_back(scalar(type));
    return out;
  }

  template <class T>
  Json integer() {
    return static_cast<int64_t>(number<T>());
  }

  Json scalar(GgufValueType type) {
    switch (type) {
      case GgufValueType::u8:
        return integer<uint8_t>();
      case GgufValueType::i8:
        return integer<int8_t>();
      case GgufValueType::u16:
        return integer<uint16_t>();
      case GgufValueType::i16:
        return integer<int16_t>();
      case GgufValueType::u32:
        return integer<uint32_t>();
      case GgufValueType::i32:
        return integer<int32_t>();
      case GgufValueType::i64:
        return integer<int64_t>();
      case GgufValueType::u64:
        return wide_integer();
      case GgufValueType::f32:
        return static_cast<double>(number<float>());
      case GgufValueType::f64:
        return number<double>();
      case GgufValueType::boolean:
        return boolean();
      case GgufValueType::string:
        return take(number<uint64_t>());
      case GgufValueType::array:
        break;
    }
    SIL_CHECK(!"a list is no scalar");
    return {};
  }

  Json wide_integer() {
    const uint64_t value = number<uint64_t>();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      fail_here("is " + std::to_string(value) + "; integers up to 2^63 - 1 are read");
    return static_cast<int64_t>(value);
  }

  Json boolean() {
    const uint8_t value = number<uint8_t>();
    if (value > 1) fail_here("is the truth value " + std::to_string(value) + "; allowed: 0, 1");
    return value == 1;
  }

  void align() {
    const Json* alignment = out_.metadata.find("general.alignment");
    if (alignment == nullptr) return;
    const bool integer = alignment->is_int() && alignment->as_int() > 0;
    const uint64_t value = integer ? static_cast<uint64_t>(alignment->as_int()) : 0;
    if (!std::has_single_bit(value) || value > kLargestAlignment)
      fail("general.alignment is " + dump(*alignment).substr(0, 100) + "; allowed: powers of 2 up to " +
           std::to_string(kLargestAlignment));
    out_.alignment = value;
  }

  void tensor(uint64_t index) {
    part_ = "the description of tensor " + std::to_string(index);
    GgufTensor tensor;
    tensor.name = name();
    part_ = "tensor " + quoted_name(tensor.name);
    if (!names_.insert(tensor.name).second) fail_here("is there twice");
    const uint32_t dimensions = number<uint32_t>();
    if (dimensions > kMostDimensions)
      fail_here("has " + std::to_string(dimensions) + " dimensions; at most " + std::to_string(kMostDimensions));
    for (uint32_t i = 0; i < dimensions; ++i) {
      tensor.shape.push_back(wide_integer().as_int());
      if (tensor.shape.back() == 0) fail_here("has a dimension of 0");
    }
    const uint32_t type = number<uint32_t>();
    const GgmlTypeAbout* kind = ggml_type(type);
    if (kind == nullptr) fail_here("has the type " + std::to_string(type) + ", which ggml does not have");
    tensor.type = kind->type;
    places_.push_back({number<uint64_t>(), size_of(tensor, *kind)});
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    out_.tensors.push_back(std::move(tensor));
  }

  // While the shape is in the file's order, the dimension that is contiguous first.
  uint64_t size_of(const GgufTensor& tensor, const GgmlTypeAbout& kind) const {
    const uint64_t row = tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.front());
    if (row % kind.weights != 0)
      fail_here("has rows of " + std::to_string(row) + " weights; " + std::string(kind.name) + " has blocks of " +
                std::to_string(kind.weights));
    uint64_t size = row / kind.weights;
    bool overflow = __builtin_mul_overflow(size, kind.bytes, &size);
    for (size_t i = 1; i < tensor.shape.size(); ++i)
      overflow |= __builtin_mul_overflow(size, static_cast<uint64_t>(tensor.shape[i]), &size);
    if (overflow) fail_here("has a shape too large for any memory");
    return size;
  }

  uint64_t padding(uint64_t place) const { return (out_.alignment - place % out_.alignment) % out_.alignment; }

  void place_tensors() {
    // A vocabulary without tensors may end without the padding.
    at_ += std::min(padding(at_), left());
    const uint64_t data = at_;
    for (size_t i = 0; i < out_.tensors.size(); ++i) {
      part_ = "tensor " + quoted_name(out_.tensors[i].name);
      at_ += std::min(padding(at_ - data), left());
      if (places_[i].offset != at_ - data)
        fail_here("lies at byte " + std::to_string(places_[i].offset) + " of the data instead of " +
                  std::to_string(at_ - data) + ", where the one before it ends");
      out_.tensors[i].bytes = take(places_[i].size);
    }
    if (left() > padding(at_ - data))
      fail(std::to_string(left() - padding(at_ - data)) + " bytes follow the last tensor");
  }

  struct Range {
    uint64_t offset, size;
  };

  std::string_view bytes_;
  const Place& where_;
  uint64_t at_ = 0;
  std::string part_;  // of the file that is being read, for people
  uint64_t tensors_ = 0, values_ = 0, counted_ = 0;
  std::set<std::string> keys_, names_;
  std::vector<Range> places_;  // of the tensors, as the file says
  Gguf out_;
};

}  // namespace

const GgufTensor* Gguf::find(std::string_view tensor) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const GgufTensor& t) { return t.name == tensor; });
  return found == tensors.end() ? nullptr : &*found;
}

int64_t element_count(const GgufTensor& tensor) {
  int64_t out = 1;
  for (const int64_t dimension : tensor.shape) out *= dimension;
  return out;
}

void dequantise(const GgufTensor& tensor, std::span<float> out, const Place& where) {
  if (!is_dequantised(tensor.type))
    throw Error(Exit::unreadable,
                "tensor " + quoted_name(tensor.name) + " is of the type " + std::string(about(tensor.type).name) +
                    "; those that are read: " + dequantised_types(),
                "take another quantisation of the same model, as Q8_0", where);
  dequantise(tensor.type, tensor.bytes, out);
}

Gguf read_gguf(std::string_view bytes, const Place& where) {
  return Reader(bytes, where).read();
}

}  // namespace sil
