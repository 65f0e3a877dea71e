#include "sil/digest.h"

#include <vector>

#include "sil/error.h"
#include "support/catch.h"

using namespace sil;

namespace {

Exit code_of(const std::string& hex) {
  try {
    Digest::from_hex(hex);
    return Exit::ok;
  } catch (const Error& error) {
    return error.code();
  }
}

}  // namespace

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4") {
  CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1000000, 'a')).hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("pieces hash like the whole") {
  const std::string text(1000, 'x');
  Sha256 hash;
  for (size_t i = 0; i < text.size(); i += 7) hash.bytes(std::string_view(text).substr(i, 7));
  CHECK(hash.finish() == sha256(text));
}

// Expected digests by Python's hashlib over struct.pack("<Q", ...).
TEST_CASE("fields and arrays carry their length, little-endian") {
  CHECK(Sha256().field("ab").field("c").finish().hex() ==
        "43ee655579de01ca739b3f95c1c2d3f46d353b2c0df818064ea594506cdb2617");
  CHECK(Sha256().field("ab").field("c").finish() != Sha256().field("a").field("bc").finish());
  const std::vector<int32_t> values = {1, -2, 3};
  CHECK(Sha256().array(std::span<const int32_t>(values)).finish().hex() ==
        "7edf6837821c5e6506a681125808dcaede6f44a3bd4b25978b5dbff1cfc3965b");
  Digest inner = sha256("abc");
  CHECK(Sha256().digest(inner).finish() ==
        sha256({reinterpret_cast<const char*>(inner.bytes.data()), inner.bytes.size()}));
}

TEST_CASE("a finished or moved-from hash cannot be used again") {
  Sha256 hash;
  hash.finish();
  CHECK_THROWS_AS(hash.bytes("x"), Error);
  CHECK_THROWS_AS(hash.finish(), Error);
  Sha256 from;
  Sha256 to = std::move(from);
  CHECK(to.bytes("abc").finish() == sha256("abc"));
}

TEST_CASE("digests are written as 64 lower-case digits and read back; anything else is corrupt") {
  const Digest digest = sha256("abc");
  CHECK(Digest::from_hex(digest.hex()) == digest);
  CHECK(digest.head() == 0xba7816bf8f01cfea);
  CHECK(code_of("") == Exit::corrupt);
  CHECK(code_of(std::string(63, '0')) == Exit::corrupt);
  CHECK(code_of(std::string(65, '0')) == Exit::corrupt);
  CHECK(code_of(std::string(63, '0') + "A") == Exit::corrupt);
  CHECK(code_of(std::string(63, '0') + "g") == Exit::corrupt);
  CHECK(code_of(std::string(64, '0')) == Exit::ok);
}

TEST_CASE("uids are 16 lower-case digits") {
  CHECK(hex64(0) == "0000000000000000");
  CHECK(hex64(0x0123456789abcdef) == "0123456789abcdef");
  CHECK(hex64(UINT64_MAX) == "ffffffffffffffff");
  CHECK(parse_hex64("fedcba9876543210") == 0xfedcba9876543210);
  CHECK_THROWS_AS(parse_hex64("fedcba987654321"), Error);
  CHECK_THROWS_AS(parse_hex64("0xdcba9876543210"), Error);
  CHECK_THROWS_AS(parse_hex64("FEDCBA9876543210"), Error);
}
