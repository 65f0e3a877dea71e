#include "tokenizers/protobuf.h"

namespace sil::tokenizers {

bool ProtobufReader::take_varint(uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtobufReader::take_fixed(size_t size) {
  if (rest_.size() < size) return false;
  for (size_t i = size; i-- > 0;) number_ = number_ << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(size);
  return true;
}

bool ProtobufReader::next() {
  if (rest_.empty() || failed_) return false;
  enum WireType { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };
  uint64_t tag = 0, length = 0;
  number_ = 0;
  bytes_ = {};
  bool read = take_varint(tag) && tag >> 3 != 0;
  field_ = tag >> 3;
  switch (tag & 7) {
    case kVarint:
      read = read && take_varint(number_);
      break;
    case kFixed64:
      read = read && take_fixed(8);
      break;
    case kFixed32:
      read = read && take_fixed(4);
      break;
    case kLength:
      read = read && take_varint(length) && length <= rest_.size();
      if (!read) break;
      bytes_ = rest_.substr(0, length);
      rest_.remove_prefix(length);
      break;
    default:
      read = false;
  }
  failed_ = !read;
  return read;
}

}  // namespace sil::tokenizers
