#include "formats/safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "sil/env.h"
#include "support/catch.h"

namespace sil {
namespace {

struct Bytes final : ByteSink {
  std::string text;
  void write(std::string_view bytes) override { text += bytes; }
};

// A file with `header` and `data`, without the checks of a writer.
std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  for (uint64_t length = header.size(), i = 0; i < 8; ++i, length >>= 8) out += static_cast<char>(length & 0xFF);
  return out + header + data;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& range) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + range + "}";
}

// The message of the refusal; fails the test when there is none.
std::string refusal(std::string_view bytes) {
  try {
    read_safetensors(bytes, {"w.safetensors", 0, 0});
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(std::string(error.what()).starts_with("w.safetensors: "));
    return error.what();
  }
  FAIL("accepted");
  return {};
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string out;
  for (T value : values) out.append(reinterpret_cast<const char*>(&value), sizeof value);
  return out;
}

std::string golden() {
  return system_env().read_all(SIL_SOURCE_DIR "/tests/golden/reference.safetensors");
}

using Catch::Matchers::Contains;

TEST_CASE("elements of F16 and BF16 are the floats they stand for") {
  std::string bytes;
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const auto bits = static_cast<uint16_t>(half);
    bytes.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  const std::vector<float> halves = floats({"h", Dtype::f16, {0x10000}, bytes});
  const std::vector<float> brains = floats({"b", Dtype::bf16, {0x10000}, bytes});
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const auto by_compiler = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(half)));
    const bool both_nan = std::isnan(by_compiler) && std::isnan(halves[half]);
    if (!both_nan && std::bit_cast<uint32_t>(by_compiler) != std::bit_cast<uint32_t>(halves[half])) FAIL(half);
    if (std::bit_cast<uint32_t>(brains[half]) != half << 16) FAIL(half);
  }
}

}  // namespace

TEST_CASE("tensors of the reference implementation are read") {
  const std::string bytes = golden();
  const Safetensors file = read_safetensors(bytes);
  REQUIRE(file.tensors.size() == 10);
  CHECK(file.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  const TensorView* zeta = file.find("zeta");
  REQUIRE(zeta != nullptr);
  CHECK(zeta->dtype == Dtype::f32);
  CHECK(zeta->shape == std::vector<int64_t>{2, 3});
  CHECK(floats(*zeta) == std::vector<float>{1.0F, -2.5F, 3.25F, 0.0F, 1e-30F, 65504.0F});
  CHECK(file.find("half")->bytes == raw<uint16_t>({0x3C00, 0xC000, 0x3800}));
  CHECK(file.find("double")->bytes == raw<double>({0.1}));
  CHECK(file.find("steps")->bytes == raw<int64_t>({-7}));
  CHECK(file.find("steps")->shape.empty());
  CHECK(file.find("counts")->bytes == raw<int32_t>({1, -2}));
  CHECK(file.find("bytes")->bytes == raw<uint8_t>({0, 127, 255}));
  CHECK(file.find("flags")->bytes == raw<uint8_t>({1, 0}));
  CHECK(file.find("empty")->shape == std::vector<int64_t>{0, 4});
  CHECK(file.find("quo\"te\n\xC3\xA9") != nullptr);
  CHECK(file.find("nothing") == nullptr);
}

TEST_CASE("the same tensors are written with the bytes of the reference implementation, in any order") {
  const std::string bytes = golden();
  Safetensors file = read_safetensors(bytes);
  for (int turn = 0; turn < 3; ++turn) {
    std::mt19937 random(static_cast<unsigned>(turn));
    std::shuffle(file.tensors.begin(), file.tensors.end(), random);
    Bytes out;
    write_safetensors(file.tensors, out);
    CHECK(out.text == bytes);
  }
}

TEST_CASE("a file without tensors is written and read") {
  Bytes out;
  write_safetensors({}, out);
  CHECK(out.text.size() % 8 == 0);
  CHECK(read_safetensors(out.text).tensors.empty());
}

TEST_CASE("tensors that lie about their size or share a name cannot be written") {
  Bytes out;
  const std::vector<TensorView> short_one = {{"a", Dtype::f32, {2}, "1234"}};
  CHECK_THROWS_AS(write_safetensors(short_one, out), Error);
  const std::vector<TensorView> twins = {{"a", Dtype::f32, {1}, "1234"}, {"a", Dtype::u8, {1}, "1"}};
  CHECK_THROWS_AS(write_safetensors(twins, out), Error);
}

TEST_CASE("bytes that are no safetensors file are refused") {
  CHECK_THAT(refusal(""), Contains("it is empty"));
  CHECK_THAT(refusal("1234567"), Contains("7 bytes"));
  CHECK_THAT(refusal(std::string("\0\0\0\0\0\0\0\x80", 8)), Contains("9223372036854775808 bytes, but only 0 follow"));
  CHECK_THAT(refusal(std::string("\x09\0\0\0\0\0\0\0{}", 10)), Contains("9 bytes, but only 2 follow"));
  CHECK_THAT(refusal(file_of("[]", "")), Contains("does not begin with {"));
  CHECK_THAT(refusal(file_of(" {}", "")), Contains("does not begin with {"));
  CHECK_THAT(refusal(file_of("{} x", "")), Contains("line 1, column 4"));
  CHECK_THAT(refusal(file_of("{\"a\":", "")), Contains("not valid JSON"));
  CHECK_THAT(refusal(std::string("PK\x03\x04\0\0\0\0\0\0", 10)), Contains("zip"));
  CHECK_THAT(refusal(std::string("\x80\x02}q\0.........", 14)), Contains("pickle"));
  CHECK_THAT(refusal(std::string("GGUF\x03\0\0\0\0\0\0\0", 12)), Contains("GGUF"));
  CHECK_THAT(refusal("version https://git-lfs.github.com/spec/v1\n"), Contains("Git LFS"));
}

TEST_CASE("headers that would exhaust memory or the stack are refused") {
  CHECK_THAT(refusal(file_of("{\"a\":" + std::string(100'000, '['), "")), Contains("nested deeper"));
  CHECK_THAT(refusal(file_of("{" + std::string(size_t{17} << 20, ' '), "")), Contains("at most 16777216"));
  std::string many = "{";
  for (int i = 0; i < 100'002; ++i) many += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":0";
  CHECK_THAT(refusal(file_of(many + "}", "")), Contains("100002 tensors; at most 100000"));
}

TEST_CASE("tensors with a bad entry are refused by name") {
  const auto one = [](const std::string& e) { return refusal(file_of("{" + e + "}", "12345678")); };
  CHECK_THAT(one(entry("w", "F8_E4M3", "[8]", "[0,8]")),
             Contains("\"w\" has the dtype \"F8_E4M3\"; those that are read: BOOL"));
  CHECK_THAT(one(entry("w", "f32", "[2]", "[0,8]")), Contains("dtype \"f32\""));
  CHECK_THAT(one(entry("w", "F32", "[3]", "[0,8]")), Contains("needs 12 bytes by dtype and shape, but has 8"));
  CHECK_THAT(one(entry("w", "F32", "[-2]", "[0,8]")), Contains("shape \"[-2]\""));
  CHECK_THAT(one(entry("w", "F32", "[2.0]", "[0,8]")), Contains("integers from 0"));
  CHECK_THAT(one(entry("w", "F32", "2", "[0,8]")), Contains("no list shape"));
  CHECK_THAT(one(entry("w", "F32", "[4294967296,4294967296]", "[0,8]")), Contains("too large"));
  CHECK_THAT(one(entry("w", "F32", "[4611686018427387905]", "[0,8]")), Contains("too large"));
  CHECK_THAT(one(entry("w", "F32", "[2]", "[8,0]")), Contains("[8, 0)"));
  CHECK_THAT(one(entry("w", "F32", "[2]", "[0,16]")), Contains("the data has 8 bytes"));
  CHECK_THAT(one(entry("w", "F32", "[2]", "[-8,0]")), Contains("data_offsets"));
  CHECK_THAT(one(entry("w", "F32", "[2]", "[0]")), Contains("1 data_offsets"));
  CHECK_THAT(one(R"("w":{"shape":[2],"data_offsets":[0,8]})"), Contains("no dtype"));
  CHECK_THAT(one(R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"), Contains("unknown key \"x\""));
  CHECK_THAT(one(R"("w":7)"), Contains("is an integer, not a map"));
  CHECK_THAT(one(R"("__metadata__":{"format":1})"), Contains("not a string"));
  CHECK_THAT(one(R"("__metadata__":[])"), Contains("not a map"));
}

TEST_CASE("tensors that overlap, leave holes or do not cover the file are refused") {
  const auto two = [](const std::string& a, const std::string& b) {
    return refusal(file_of("{" + entry("a", "U8", "[4]", a) + "," + entry("b", "U8", "[4]", b) + "}", "123456789"));
  };
  CHECK_THAT(two("[0,4]", "[3,7]"), Contains("\"b\" overlaps"));
  CHECK_THAT(two("[0,4]", "[0,4]"), Contains("overlaps"));
  CHECK_THAT(two("[0,4]", "[5,9]"), Contains("\"b\" follows a hole"));
  CHECK_THAT(two("[1,5]", "[5,9]"), Contains("\"a\" follows a hole"));
  CHECK_THAT(two("[0,4]", "[4,8]"), Contains("1 bytes follow the last tensor"));
  const std::string same = entry("a", "U8", "[4]", "[0,4]") + "," + entry("a", "U8", "[4]", "[4,8]");
  CHECK_THAT(refusal(file_of("{" + same + "}", "12345678")), Contains("there twice"));
}

TEST_CASE("a file that is one byte short or long is refused") {
  const std::string bytes = golden();
  refusal(bytes.substr(0, bytes.size() - 1));
  refusal(bytes + "x");
  for (size_t length = 0; length < bytes.size(); length += 13) refusal(bytes.substr(0, length));
}

TEST_CASE("whatever is done to a file, it is refused or its views lie within it") {
  const std::string good = golden();
  std::mt19937 random(7);
  const auto below = [&](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  constexpr std::string_view kAlphabet = "0123456789-,[]{}\":eE.\\ \x00\x80\xFF";
  int accepted = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string bytes = good;
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      const size_t at = turn % 10 == 0 ? below(bytes.size()) : 8 + below(0x278);
      const char c = kAlphabet[below(kAlphabet.size())];
      if (turn % 3 == 0) {
        bytes.insert(at, 1, c);
        bytes[0] = static_cast<char>(bytes[0] + 1);
      } else {
        bytes[at] = c;
      }
    }
    try {
      const Safetensors file = read_safetensors(bytes);
      ++accepted;
      for (const TensorView& tensor : file.tensors) {
        uint64_t size = byte_size(tensor.dtype);
        for (int64_t dimension : tensor.shape) size *= static_cast<uint64_t>(dimension);
        REQUIRE(size == tensor.bytes.size());
        REQUIRE(tensor.bytes.data() >= bytes.data());
        REQUIRE(tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size());
      }
    } catch (const Error& error) {
      REQUIRE(error.code() == Exit::unreadable);
    }
  }
  CHECK(accepted > 0);  // a changed name or metadata is still a good file
}

TEST_CASE("tensors of another model are refused, the first five by name") {
  const std::string bytes = golden();
  const Safetensors file = read_safetensors(bytes);
  CHECK_NOTHROW(expect_tensors(file, file.tensors));
  std::vector<TensorView> wanted = file.tensors;
  wanted[0].shape = {9};
  wanted.pop_back();
  for (const char* name : {"m1", "m2", "m3", "m4"}) wanted.push_back({name, Dtype::f32, {1}, {}});
  try {
    expect_tensors(file, wanted);
    FAIL("accepted");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK_THAT(message, Contains("\"steps\" is I64 [] instead of I64 [9]"));
    CHECK_THAT(message, Contains("\"m4\" is missing and 1 more"));
  }
  wanted = file.tensors;
  wanted.pop_back();
  CHECK_THROWS_WITH(expect_tensors(file, wanted), Contains("\"flags\" is not part of the model"));
}

TEST_CASE("NaN and infinity in weights are refused in every float type") {
  const auto refused = [](Dtype dtype, const std::string& bytes) {
    Safetensors file;
    file.tensors.push_back({"w", dtype, {static_cast<int64_t>(bytes.size() / byte_size(dtype))}, bytes});
    try {
      expect_finite(file);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(refused(Dtype::f32, raw<float>({1, -3.4e38F, 1e-45F})).empty());
  CHECK_THAT(refused(Dtype::f32, raw<float>({1, 2, -infinity})), Contains("element 2"));
  CHECK_THAT(refused(Dtype::f32, raw<float>({std::nanf("")})), Contains("\"w\" holds a NaN"));
  CHECK(refused(Dtype::f16, raw<uint16_t>({0x7BFF, 0xFBFF})).empty());  // +-65504
  CHECK_THAT(refused(Dtype::f16, raw<uint16_t>({0, 0xFC00})), Contains("element 1"));
  CHECK(refused(Dtype::bf16, raw<uint16_t>({0x7F7F})).empty());
  CHECK_THAT(refused(Dtype::bf16, raw<uint16_t>({0x7F80})), Contains("element 0"));
  CHECK(refused(Dtype::f64, raw<double>({1.7e308})).empty());
  CHECK_THAT(refused(Dtype::f64, raw<double>({std::nan("")})), Contains("element 0"));
  CHECK(refused(Dtype::i32, raw<int32_t>({0x7F800000})).empty());
}

}  // namespace sil
