#include "formats/ggml.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "formats/gguf.h"
#include "formats/half.h"
#include "sil/env.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("every half is the float that it stands for, and comes back") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = from_half(half);
    const auto by_compiler = static_cast<float>(std::bit_cast<_Float16>(half));
    if (std::isnan(by_compiler)) {
      if (!std::isnan(value) || !std::isnan(from_half(to_half(value)))) FAIL(bits);
      continue;
    }
    if (std::bit_cast<uint32_t>(value) != std::bit_cast<uint32_t>(by_compiler)) FAIL(bits);
    if (to_half(value) != half) FAIL(bits);
  }
}

TEST_CASE("floats are rounded to 16 bits as the compiler does it") {
  // Between any two neighbouring halves, and beside the middle, where rounding is decided.
  for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const float low = from_half(static_cast<uint16_t>(bits)), high = from_half(static_cast<uint16_t>(bits + 1));
    const float middle = std::isinf(high) ? 65520.0F : (low + high) / 2;
    for (const float value : {middle, std::nextafterf(middle, 0), std::nextafterf(middle, HUGE_VALF), -middle}) {
      const auto wanted = std::bit_cast<uint16_t>(static_cast<_Float16>(value));
      if (to_half(value) != wanted) FAIL(value);
    }
  }
  CHECK(to_half(1e-30F) == 0);
  CHECK(to_half(-3e38F) == 0xFC00);
  CHECK(to_bfloat16(1.0F) == 0x3F80);
  CHECK(to_bfloat16(std::bit_cast<float>(0x3F808000U)) == 0x3F80);  // ties to even
  CHECK(to_bfloat16(std::bit_cast<float>(0x3F818000U)) == 0x3F82);
  CHECK(to_bfloat16(std::bit_cast<float>(0x3F808001U)) == 0x3F81);
  CHECK(to_bfloat16(std::numeric_limits<float>::max()) == 0x7F80);
  CHECK(std::isnan(from_bfloat16(to_bfloat16(std::bit_cast<float>(0x7F800001U)))));
}

TEST_CASE("blocks of every type are dequantised bit for bit as the reference does it") {
  const std::string bytes = system_env().read_all(SIL_SOURCE_DIR "/tests/golden/gguf/dequantised.gguf");
  const Gguf file = read_gguf(bytes);
  int types = 0;
  for (const GgufTensor& tensor : file.tensors) {
    if (tensor.name.ends_with(".f32")) continue;
    INFO(tensor.name);
    const GgufTensor* wanted = file.find(tensor.name + ".f32");
    REQUIRE(wanted != nullptr);
    REQUIRE(tensor.name == about(tensor.type).name);
    std::vector<float> values(static_cast<size_t>(element_count(tensor)));
    dequantise(tensor, values, {});
    REQUIRE(values.size() * sizeof(float) == wanted->bytes.size());
    size_t different = 0;
    for (size_t i = 0; i < values.size(); ++i)
      different += std::memcmp(&values[i], wanted->bytes.data() + i * sizeof(float), sizeof(float)) != 0;
    CHECK(different == 0);
    ++types;
  }
  CHECK(types == 13);
}

TEST_CASE("floats are quantised bit for bit as the reference does it") {
  const std::string bytes = system_env().read_all(SIL_SOURCE_DIR "/tests/golden/gguf/quantised.gguf");
  const Gguf file = read_gguf(bytes);
  int compared = 0;
  for (const GgufTensor& wanted : file.tensors) {
    const size_t dot = wanted.name.find('.');
    if (dot == std::string::npos) continue;
    INFO(wanted.name);
    const GgufTensor* source = file.find(wanted.name.substr(0, dot));
    REQUIRE(source != nullptr);
    std::vector<float> values(static_cast<size_t>(element_count(*source)));
    dequantise(*source, values, {});
    std::string out;
    quantise(wanted.type, values, out);
    CHECK(out == wanted.bytes);
    out.clear();
    quantise(GgmlType::f32, values, out);
    CHECK(out == source->bytes);
    ++compared;
  }
  CHECK(compared == 9);
  CHECK_FALSE(is_quantised(GgmlType::q4_0));
}

TEST_CASE("a block whose scale is no 16-bit float is zeros of any sign") {
  std::string out;
  quantise(GgmlType::q8_0, std::vector<float>(32, 1e-42F), out);
  std::vector<float> values(32, 1.0F);
  dequantise(GgmlType::q8_0, out, values);
  CHECK(values == std::vector<float>(32, 0.0F));
}

TEST_CASE("a tensor of another type is refused with its name and those that are read") {
  const std::string block(66, 'x');
  std::vector<float> out(256);
  const GgufTensor tensor{"blk.0.attn_q.weight", GgmlType{16}, {1, 256}, block};
  CHECK_THROWS_WITH(dequantise(tensor, out, {"m.gguf", 0, 0}),
                    Contains("m.gguf: tensor \"blk.0.attn_q.weight\" is of the type IQ2_XXS") &&
                        Contains("F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K"));
  CHECK(ggml_type(4) == nullptr);  // Q4_2, gone since 2023
}

TEST_CASE("blocks that do not fit their weights are a bug of the caller") {
  std::vector<float> out(32);
  CHECK_THROWS_AS(dequantise(GgmlType::q4_0, std::string(17, 'x'), out), Error);
  CHECK_THROWS_AS(dequantise(GgmlType::q4_0, std::string(36, 'x'), out), Error);
}

}  // namespace
}  // namespace sil
