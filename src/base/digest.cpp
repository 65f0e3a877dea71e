// OpenSSL's one-shot and EVP interfaces allocate and fetch the algorithm on every call, which costs more than hashing a
// short text; the low-level functions do neither. They are deprecated there, hence the define.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sil/digest.h"

#include <openssl/sha.h>

#include "sil/error.h"

namespace sil {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

[[noreturn]] void throw_not_hex(std::string_view text, size_t digits) {
  throw Error(Exit::corrupt, "'" + std::string(text.substr(0, 80)) + "' is not " + std::to_string(digits) +
                                 " lower-case hexadecimal digits");
}

}  // namespace

std::string Digest::hex() const {
  std::string out(64, '0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kHexDigits[bytes[i] >> 4];
    out[2 * i + 1] = kHexDigits[bytes[i] & 15];
  }
  return out;
}

Digest Digest::from_hex(std::string_view hex) {
  Digest out;
  if (hex.size() != 64) throw_not_hex(hex, 64);
  for (size_t i = 0; i < out.bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) throw_not_hex(hex, 64);
    out.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return out;
}

uint64_t Digest::head() const {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | bytes[i];
  return out;
}

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  SHA256_Init(&state_->context);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::bytes(std::string_view data) {
  SIL_CHECK(state_ != nullptr);
  SHA256_Update(&state_->context, data.data(), data.size());
  return *this;
}

Sha256& Sha256::field(std::string_view data) {
  return number(data.size()).bytes(data);
}

Sha256& Sha256::number(uint64_t value) {
  std::array<char, 8> little;
  for (size_t i = 0; i < 8; ++i) little[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return bytes({little.data(), little.size()});
}

Sha256& Sha256::digest(const Digest& value) {
  return bytes({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

Digest Sha256::finish() {
  SIL_CHECK(state_ != nullptr);
  Digest out;
  SHA256_Final(out.bytes.data(), &state_->context);
  state_.reset();
  return out;
}

Digest sha256(std::string_view data) {
  SHA256_CTX context;
  Digest out;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(out.bytes.data(), &context);
  return out;
}

std::string hex64(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) out[i] = kHexDigits[value & 15];
  return out;
}

uint64_t parse_hex64(std::string_view text) {
  if (text.size() != 16) throw_not_hex(text, 16);
  uint64_t out = 0;
  for (char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) throw_not_hex(text, 16);
    out = out << 4 | static_cast<uint64_t>(digit);
  }
  return out;
}

}  // namespace sil
