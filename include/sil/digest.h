// SHA-256 digests: what names every stored object, frame, step and round.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sil {

struct Digest {
  std::array<uint8_t, 32> bytes{};

  std::string hex() const;                       // 64 lower-case digits
  static Digest from_hex(std::string_view hex);  // throws Error(Exit::corrupt)
  uint64_t head() const;                         // first 64 bits, big-endian
  auto operator<=>(const Digest&) const = default;
};

// Incremental SHA-256. Integers are hashed little-endian with fixed width; `field` also hashes the length, so that
// concatenations cannot collide.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& bytes(std::string_view data);
  Sha256& field(std::string_view data);
  Sha256& number(uint64_t value);
  template <class T>
  Sha256& array(std::span<const T> values) {
    number(values.size());
    return bytes({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  Sha256& digest(const Digest& value);
  Digest finish();  // once; the object is spent

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::string_view data);
std::string hex64(uint64_t value);            // 16 lower-case digits, how uids are written
uint64_t parse_hex64(std::string_view text);  // throws Error(Exit::corrupt)

}  // namespace sil
