#include <bit>
#include <cmath>
#include <limits>

#include "sil/json.h"
#include "sil/rng.h"
#include "support/catch.h"

using namespace sil;

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string number(auto value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

}  // namespace

TEST_CASE("dump: one line, members in order; canonical: sorted by bytes at every level") {
  const Json json = parse_json(R"({"b": [1, 2.5, {"y": null, "x": true}], "a": "t", "B": {}, "ä": []})");
  CHECK(dump(json) == R"({"b":[1,2.5,{"y":null,"x":true}],"a":"t","B":{},"ä":[]})");
  CHECK(dump_canonical(json) == R"({"B":{},"a":"t","b":[1,2.5,{"x":true,"y":null}],"ä":[]})");
}

TEST_CASE("pretty: two spaces a level, flat lists on one line") {
  CHECK(dump_pretty(parse_json(R"({"a":[1,2],"b":{"c":[{"d":1},[]],"e":{}},"f":[]})")) == R"({
  "a": [1, 2],
  "b": {
    "c": [
      {
        "d": 1
      },
      []
    ],
    "e": {}
  },
  "f": []
})");
}

TEST_CASE("strings escape what JSON must and nothing else") {
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("a\"b\\c\b\f\n\r\t\x01\x1f/\x7f") == "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f\"");
  CHECK(quoted("ä€😀") == "\"ä€😀\"");
  CHECK(quoted(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("a byte that needs care is found at every offset of a word") {
  for (size_t length = 0; length < 20; ++length)
    for (size_t at = 0; at < length; ++at)
      for (const auto& [byte, escaped] : {std::pair{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\x1f', "\\u001f"}}) {
        std::string text(length, 'z'), expected(length, 'z');
        text[at] = byte;
        expected.replace(at, 1, escaped);
        REQUIRE(quoted(text) == "\"" + expected + "\"");
      }
}

// Unicode 15, section 3.9, table 3-8: one U+FFFD for each maximal part of an ill-formed sequence.
TEST_CASE("invalid UTF-8 becomes U+FFFD, part by part") {
  CHECK(quoted("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == "\"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\"");
  CHECK(quoted("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == "\"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\"");
  CHECK(quoted("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == "\"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB\"");
  CHECK(quoted("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == "\"\uFFFD\uFFFD\uFFFD\uFFFDA\"");
  CHECK(quoted("ab\xE2\x82") == "\"ab\uFFFD\"");
}

TEST_CASE("numbers are the shortest text that reads back") {
  CHECK(number(0.1) == "0.1");
  CHECK(number(0.1f) == "0.1");
  CHECK(number(1.0) == "1");
  CHECK(number(-0.0) == "-0");
  CHECK(number(1e22) == "1e+22");
  CHECK(number(5e-324) == "5e-324");
  CHECK(number(int64_t{INT64_MIN}) == "-9223372036854775808");
  CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(number(-std::numeric_limits<float>::infinity()) == "null");
}

TEST_CASE("every double and float reads back to the same bits") {
  RandomStream random(1, 0);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t word = uint64_t{random.word()} << 32 | random.word();
    const double wide = std::bit_cast<double>(word);
    if (std::isfinite(wide)) REQUIRE(std::bit_cast<uint64_t>(parse_json(number(wide)).as_double()) == word);
    const auto bits = static_cast<uint32_t>(word);
    const float narrow = std::bit_cast<float>(bits);
    if (std::isfinite(narrow))
      REQUIRE(std::bit_cast<uint32_t>(static_cast<float>(parse_json(number(narrow)).as_double())) == bits);
  }
  // Whole numbers around the end of int64, where a float must not look like an integer that is too large.
  for (double value : {0x1p62, 0x1p63, -0x1p63, 0x1.fffffffffffffp62, 123456789012345680000.0})
    CHECK(parse_json(number(value)).as_double() == value);
}

TEST_CASE("any value survives printing and reading") {
  const Json json = parse_json(R"({"s":"\u0000\"\\ä","n":[0,-1,1.5,-0.0,1e300],"b":[true,false,null],"o":{"":{}}})");
  CHECK(parse_json(dump(json)) == json);
  CHECK(parse_json(dump_pretty(json)) == json);
}
