#include "formats/gguf.h"

#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "sil/env.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

std::string golden() {
  return system_env().read_all(SIL_SOURCE_DIR "/tests/golden/gguf/reference.gguf");
}

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string text(const std::string& value) {
  return raw<uint64_t>(value.size()) + value;
}

std::string begin(uint64_t tensors, uint64_t values) {
  return "GGUF" + raw<uint32_t>(3) + raw(tensors) + raw(values);
}

// A metadata entry: its key, the number of its type, its value as stored.
std::string entry(const std::string& key, uint32_t type, const std::string& value) {
  return text(key) + raw(type) + value;
}

std::string list(uint32_t type, uint64_t length, const std::string& items) {
  return raw(type) + raw(length) + items;
}

std::string tensor(const std::string& name, const std::vector<uint64_t>& shape, uint32_t type, uint64_t offset) {
  std::string out = text(name) + raw(static_cast<uint32_t>(shape.size()));
  for (const uint64_t dimension : shape) out += raw(dimension);
  return out + raw(type) + raw(offset);
}

std::string aligned(std::string bytes) {
  bytes.resize((bytes.size() + 31) / 32 * 32);
  return bytes;
}

// The message of the refusal; fails the test when there is none.
std::string refusal(std::string_view bytes) {
  try {
    read_gguf(bytes, {"m.gguf", 0, 0});
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(error.findings().size() == 1);
    CHECK(std::string(error.what()).starts_with("m.gguf: "));
    return error.what();
  }
  FAIL("accepted");
  return {};
}

constexpr uint32_t kU8 = 0, kU32 = 4, kBool = 7, kString = 8, kArray = 9, kU64 = 10;

}  // namespace

TEST_CASE("every type of value that the reference writes is read") {
  const std::string bytes = golden();
  const Gguf file = read_gguf(bytes);
  CHECK(file.version == 3);
  CHECK(file.alignment == 64);
  const auto value = [&](const std::string& key) { return file.metadata.at(key); };
  CHECK(value("general.architecture") == Json("llama"));
  CHECK(value("test.u8") == Json(255));
  CHECK(value("test.i8") == Json(-128));
  CHECK(value("test.u16") == Json(65535));
  CHECK(value("test.i16") == Json(-32768));
  CHECK(value("test.u32") == Json(int64_t{4294967295}));
  CHECK(value("test.i32") == Json(int64_t{-2147483648}));
  CHECK(value("test.u64") == Json(std::numeric_limits<int64_t>::max()));
  CHECK(value("test.i64") == Json(std::numeric_limits<int64_t>::min()));
  CHECK(value("test.f32") == Json(static_cast<double>(0.1F)));
  CHECK(value("test.f64") == Json(0.1));
  CHECK(value("test.yes") == Json(true));
  CHECK(value("test.no") == Json(false));
  CHECK(value("test.text") == Json(std::string("caf\xC3\xA9\n\0.", 8)));
  CHECK(value("test.texts") == Json(Json::Array{"a", "", "\xC3\xA9"}));
  CHECK(value("test.bytes") == Json(Json::Array{"\xFF\xFE", "plain"}));
  CHECK(value("test.numbers") == Json(Json::Array{1, -2, 3}));
  CHECK(value("test.floats") == Json(Json::Array{0.5, -2.0}));
  CHECK(value("test.flags") == Json(Json::Array{true, false}));
}

TEST_CASE("tensors of the reference are read, rows first") {
  const std::string bytes = golden();
  const Gguf file = read_gguf(bytes);
  REQUIRE(file.tensors.size() == 3);
  const GgufTensor* matrix = file.find("matrix");
  REQUIRE(matrix != nullptr);
  CHECK(matrix->type == GgmlType::f32);
  CHECK(matrix->shape == std::vector<int64_t>{2, 3});
  CHECK(matrix->bytes == raw(1.0F) + raw(-2.5F) + raw(3.25F) + raw(0.0F) + raw(1e-30F) + raw(65504.0F));
  CHECK(file.find("half")->bytes == raw<uint16_t>(0x3C00) + raw<uint16_t>(0xC000) + raw<uint16_t>(0x3800));
  CHECK(file.find("blocks")->type == GgmlType::q8_0);
  CHECK(file.find("blocks")->shape == std::vector<int64_t>{2, 64});
  CHECK(file.find("blocks")->bytes.size() == 4 * 34);
  CHECK(file.find("nothing") == nullptr);
}

TEST_CASE("the same entries and tensors are written with the bytes of the reference") {
  const std::string wanted = golden();
  const Gguf file = read_gguf(wanted);
  using enum GgufValueType;
  const std::map<std::string, std::pair<GgufValueType, GgufValueType>> types = {
      {"general.architecture", {string, string}},
      {"general.alignment", {u32, string}},
      {"test.u8", {u8, string}},
      {"test.i8", {i8, string}},
      {"test.u16", {u16, string}},
      {"test.i16", {i16, string}},
      {"test.u32", {u32, string}},
      {"test.i32", {i32, string}},
      {"test.u64", {u64, string}},
      {"test.i64", {i64, string}},
      {"test.f32", {f32, string}},
      {"test.f64", {f64, string}},
      {"test.yes", {boolean, string}},
      {"test.no", {boolean, string}},
      {"test.text", {string, string}},
      {"test.texts", {array, string}},
      {"test.bytes", {array, string}},
      {"test.numbers", {array, i32}},
      {"test.floats", {array, f32}},
      {"test.flags", {array, boolean}}};
  std::vector<GgufEntry> entries;
  for (const auto& [key, value] : file.metadata.as_object())
    entries.push_back({key, types.at(key).first, value, types.at(key).second});
  StringSink sink;
  write_gguf(entries, file.tensors, sink, [](const GgufTensor& t) { return t.bytes; });
  CHECK(sink.take() == wanted);
}

TEST_CASE("what no GGUF file can hold is not written") {
  StringSink sink;
  const auto write = [&](std::vector<GgufEntry> entries, std::vector<GgufTensor> tensors) {
    write_gguf(entries, tensors, sink, [](const GgufTensor& t) { return t.bytes; });
  };
  CHECK_THROWS_AS(write({{"k", GgufValueType::u8, 256}}, {}), Error);
  CHECK_THROWS_AS(write({{"k", GgufValueType::u64, -1}}, {}), Error);
  CHECK_THROWS_AS(write({{"k", GgufValueType::u8, 1}, {"k", GgufValueType::u8, 1}}, {}), Error);
  CHECK_THROWS_AS(write({}, {{"w", GgmlType::f32, {2}, "1234"}}), Error);
  CHECK_THROWS_AS(write({}, {{"w", GgmlType::q8_0, {2, 16}, std::string_view()}}), Error);
}

TEST_CASE("a vocabulary without tensors is read, with or without the padding of its end") {
  const std::string file = begin(0, 1) + entry("k", kU8, "\x07");
  CHECK(read_gguf(file).metadata.at("k") == Json(7));
  CHECK(read_gguf(aligned(file)).tensors.empty());
  CHECK(read_gguf(begin(0, 0)).metadata == Json::object());
}

TEST_CASE("version 2 is read as version 3, others are refused with what is read") {
  std::string file = begin(0, 0);
  file[4] = 2;
  CHECK(read_gguf(file).version == 2);
  file[4] = 1;
  CHECK_THAT(refusal(file), Contains("version 1; versions 2 and 3"));
  file[4] = 4;
  CHECK_THAT(refusal(file), Contains("version 4"));
  CHECK_THAT(refusal(std::string("GGUF\0\0\0\3", 8)), Contains("big-endian"));
}

TEST_CASE("bytes that are no GGUF file are refused") {
  CHECK_THAT(refusal(""), Contains("it is empty"));
  CHECK_THAT(refusal("GGU"), Contains("does not begin with GGUF"));
  CHECK_THAT(refusal("PK\x03\x04 and so on"), Contains("does not begin with GGUF"));
  CHECK_THAT(refusal("GGUF\x03"), Contains("ends within its header"));
}

TEST_CASE("counts and lengths beyond the file are refused before anything is allocated for them") {
  constexpr uint64_t kHuge = ~uint64_t{0};
  CHECK_THAT(refusal(begin(0, kHuge)), Contains("18446744073709551615 entries of metadata; at most 65536"));
  CHECK_THAT(refusal(begin(kHuge, 0)), Contains("18446744073709551615 tensors; at most 100000"));
  CHECK_THAT(refusal(begin(0, 1)), Contains("ends within metadata 0"));
  CHECK_THAT(refusal(begin(1, 0)), Contains("ends within the description of tensor 0"));
  CHECK_THAT(refusal(begin(0, 1) + raw(kHuge) + "0123456789"), Contains("a name of 18446744073709551615 bytes"));
  CHECK_THAT(refusal(begin(0, 1) + entry("k", kString, raw(kHuge))), Contains("ends within metadata \"k\""));
  CHECK_THAT(refusal(begin(0, 1) + entry("k", kArray, list(kU64, kHuge / 8 + 1, "12345678"))), Contains("values, but"));
  CHECK_THAT(refusal(begin(0, 1) + entry("k", kArray, list(kString, 2, text("a")))), Contains("2 values, but only 9"));
  const std::string many(size_t{3} << 20, '\0');
  CHECK_THAT(refusal(begin(0, 1) + entry("k", kArray, list(kU8, many.size(), many))), Contains("at most 2097152"));
}

TEST_CASE("metadata that the format does not have is refused by its key") {
  const auto one = [](const std::string& e) { return refusal(begin(0, 1) + e); };
  CHECK_THAT(one(entry("k", 13, "0123456789")), Contains("metadata \"k\" has the value type 13; allowed: 0 to 12"));
  CHECK_THAT(one(entry("k", kBool, "\x02")), Contains("truth value 2"));
  CHECK_THAT(one(entry("k", kU64, raw(uint64_t{1} << 63))), Contains("is 9223372036854775808; integers up to"));
  CHECK_THAT(one(entry("k", kArray, list(kArray, 1, list(kU8, 1, "a")))), Contains("list of lists"));
  CHECK_THAT(one(entry("", kU8, "123456")), Contains("a name of 0 bytes"));
  CHECK_THAT(one(entry("\xFFk", kU8, "a")), Contains("not UTF-8"));
  CHECK_THAT(refusal(begin(0, 2) + entry("k", kU8, "a") + entry("k", kU8, "b")), Contains("\"k\" is there twice"));
  for (const uint32_t alignment : {0U, 3U, 1U << 21})
    CHECK_THAT(one(entry("general.alignment", kU32, raw(alignment))), Contains("general.alignment is"));
  CHECK_THAT(one(entry("general.alignment", kString, text("32"))), Contains("powers of 2"));
}

TEST_CASE("tensors that the format does not have are refused by name") {
  const auto one = [](const std::string& t) { return refusal(aligned(begin(1, 0) + t) + std::string(128, '\0')); };
  constexpr uint32_t kF32 = 0, kQ4_0 = 2;
  CHECK_THAT(one(tensor("w", {8}, 4, 0)), Contains("\"w\" has the type 4, which ggml does not have"));
  CHECK_THAT(one(tensor("w", {1, 1, 1, 1, 8}, kF32, 0)), Contains("5 dimensions"));
  CHECK_THAT(one(tensor("w", {8, 0}, kF32, 0)), Contains("a dimension of 0"));
  CHECK_THAT(one(tensor("w", {40}, kQ4_0, 0)), Contains("rows of 40 weights; Q4_0 has blocks of 32"));
  CHECK_THAT(one(tensor("w", {uint64_t{1} << 32, uint64_t{1} << 32}, kF32, 0)), Contains("too large"));
  CHECK_THAT(one(tensor("w", {uint64_t{1} << 62}, kF32, 0)), Contains("too large"));
  CHECK_THAT(one(tensor("w", {uint64_t{1} << 63}, kF32, 0)), Contains("integers up to"));
  CHECK_THAT(one(tensor("w", {64}, kF32, 0)), Contains("ends within tensor \"w\""));
  CHECK_THAT(one(tensor("w", {8}, kF32, 32)), Contains("lies at byte 32 of the data instead of 0"));
  CHECK_THAT(one(tensor("w", {8}, kF32, ~uint64_t{0})), Contains("lies at byte 18446744073709551615"));
  CHECK_THAT(one(tensor("w", {8}, kF32, 0)), Contains("96 bytes follow the last tensor"));
  const std::string twins = tensor("w", {8}, kF32, 0) + tensor("w", {8}, kF32, 32);
  CHECK_THAT(refusal(aligned(begin(2, 0) + twins) + std::string(64, '\0')), Contains("\"w\" is there twice"));
  const std::string overlap = tensor("v", {9}, kF32, 0) + tensor("w", {8}, kF32, 32);
  CHECK_THAT(refusal(aligned(begin(2, 0) + overlap) + std::string(96, '\0')), Contains("32 of the data instead of 64"));
}

TEST_CASE("a type that is not dequantised is still described") {
  const std::string bytes = aligned(begin(1, 0) + tensor("w", {256, 3}, 16, 0)) + std::string(3 * 66, 'x');
  const Gguf file = read_gguf(bytes);
  CHECK(about(file.tensors.front().type).name == "IQ2_XXS");
  CHECK(file.tensors.front().bytes == std::string(3 * 66, 'x'));
}

TEST_CASE("a file that is cut anywhere before its padding is refused") {
  const std::string bytes = golden();
  const size_t end = read_gguf(bytes).tensors.back().bytes.end() - std::string_view(bytes).begin();
  for (size_t length = 0; length < end; ++length) refusal(std::string_view(bytes).substr(0, length));
  CHECK_NOTHROW(read_gguf(std::string_view(bytes).substr(0, end)));
}

TEST_CASE("whatever is done to a GGUF file, it is refused or its views lie within it") {
  const std::string good = golden();
  std::mt19937 random(11);
  const auto below = [&](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  constexpr std::string_view kAlphabet("\x00\x01\x02\x07\x08\x09\x20\x7F\x80\xFF", 10);
  int accepted = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string bytes = good;
    for (size_t changes = 1 + below(3); changes > 0; --changes)
      bytes[8 + below(bytes.size() - 8)] = kAlphabet[below(kAlphabet.size())];
    try {
      const Gguf file = read_gguf(bytes);
      ++accepted;
      for (const GgufTensor& t : file.tensors) {
        REQUIRE(t.bytes.data() >= bytes.data());
        REQUIRE(t.bytes.data() + t.bytes.size() <= bytes.data() + bytes.size());
      }
    } catch (const Error& error) {
      REQUIRE(error.code() == Exit::unreadable);
    }
  }
  CHECK(accepted > 0);  // a changed value or weight is still a good file
}

}  // namespace sil
