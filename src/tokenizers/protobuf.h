// The fields of a protobuf message, one after the other (protobuf.dev, "Encoding"). No recursion: a nested message is
// bytes, to be read by another reader.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace sil::tokenizers {

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}

  // Moves to the next field; false at the end, and for bytes that are no message: then failed() is true.
  bool next();
  bool failed() const { return failed_; }

  uint64_t field() const { return field_; }
  uint64_t number() const { return number_; }  // of a varint or a fixed-size field
  float as_float() const { return std::bit_cast<float>(static_cast<uint32_t>(number_)); }
  std::string_view bytes() const { return bytes_; }  // of a field with a length, else empty

 private:
  bool take_varint(uint64_t& value);
  bool take_fixed(size_t size);

  std::string_view rest_;
  uint64_t field_ = 0, number_ = 0;
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace sil::tokenizers
