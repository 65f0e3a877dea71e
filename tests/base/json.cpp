#include "sil/json.h"

#include <cmath>

#include "base/wide_json.h"
#include "support/catch.h"

using namespace sil;

namespace {

// "LINE:COLUMN: message" of the refusal, "" when the text was accepted.
std::string refusal(std::string_view text, const Place& where = {}, const JsonLimits& limits = {}) {
  try {
    parse_json(text, where, limits);
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    return error.what();
  }
}

bool refused_at(std::string_view text, const std::string& place, const std::string& part = "") {
  const std::string message = refusal(text);
  INFO(message);
  const bool good = message.starts_with(place + ": ") && message.find(part) != std::string::npos;
  if (!good) WARN(message);
  return good;
}

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}

}  // namespace

TEST_CASE("values of every kind are read, members in their order") {
  const Json json = parse_json(R"( {"z": null, "a": [true, false, -7, 2.5, "x"], "m": {"k": {}}} )");
  REQUIRE(json.as_object().size() == 3);
  CHECK(json.as_object()[0].first == "z");
  CHECK(json.at("z").is_null());
  const Json::Array& list = json.at("a").as_array();
  CHECK(list[0].as_bool());
  CHECK_FALSE(list[1].as_bool());
  CHECK(list[2].as_int() == -7);
  CHECK(list[3].as_double() == 2.5);
  CHECK(list[4].as_string() == "x");
  CHECK(json.at("m").at("k").is_object());
}

TEST_CASE("scalars may stand alone") {
  CHECK(parse_json("5").as_int() == 5);
  CHECK(parse_json(" \"a\" ").as_string() == "a");
  CHECK(parse_json("null").is_null());
}

TEST_CASE("the whole range of 64-bit integers is exact, and nothing beyond it is read") {
  CHECK(parse_json("9223372036854775807").as_int() == INT64_MAX);
  CHECK(parse_json("-9223372036854775808").as_int() == INT64_MIN);
  CHECK(parse_json("9007199254740993").as_int() == 9007199254740993);  // 2^53 + 1, not a double
  CHECK(refused_at("9223372036854775808", "1:1", "beyond 64 bits"));
  CHECK(refused_at("-9223372036854775809", "1:1", "beyond 64 bits"));
  CHECK(refused_at("[1, 18446744073709551615]", "1:5", "18446744073709551615"));
  CHECK(refused_at("[1, 18446744073709551616 ]", "1:5", "18446744073709551616"));
}

TEST_CASE("wide integers become the nearest double where that is asked for, and nowhere else") {
  const Json wide =
      parse_wide_json("[1000000000000000019884624838656, 9223372036854775808, -9223372036854775809, 7]", {});
  CHECK(wide.as_array()[0] == Json(1e30));
  CHECK(wide.as_array()[1] == Json(0x1p63));
  CHECK(wide.as_array()[2] == Json(-0x1p63));
  CHECK(wide.as_array()[3] == Json(7));
  CHECK_THROWS_AS(parse_wide_json("[1e999]", {}), Error);
  CHECK_THROWS_AS(parse_wide_json("[" + std::string(400, '9') + "]", {}), Error);
}

TEST_CASE("floats are read to the nearest double; those beyond its range are refused") {
  CHECK(parse_json("1e3").as_double() == 1000);
  CHECK_FALSE(parse_json("1e3").is_int());
  CHECK(parse_json("1.7976931348623157e308").as_double() == 1.7976931348623157e308);
  CHECK(parse_json("5e-324").as_double() == 5e-324);
  CHECK(parse_json("1e-400").as_double() == 0);
  CHECK_FALSE(refusal("1e309").empty());
  CHECK_FALSE(refusal("-1e999").empty());
}

TEST_CASE("minus zero keeps its sign") {
  const Json json = parse_json("-0");
  CHECK(json.as_double() == 0);
  CHECK(std::signbit(json.as_double()));
  CHECK(dump(json) == "-0");
  CHECK(parse_json("0").as_int() == 0);
  CHECK(std::signbit(parse_json("-0.0").as_double()));
}

TEST_CASE("what is no JSON is refused with line and column of the fault") {
  CHECK(refused_at("", "1:1"));
  CHECK(refused_at("[1,]", "1:4"));
  CHECK(refused_at("{\"a\":1,}", "1:8"));
  CHECK(refused_at("[1 2]", "1:4"));
  CHECK(refused_at("{\n  \"a\": 1,\n  b: 2}", "3:3"));
  CHECK(refused_at("[1, true: 2]", "1:9"));
  CHECK(refused_at("{\n true: 2}", "2:2"));
  CHECK(refused_at("{\n false: 2}", "2:2"));
  CHECK(refused_at("[1 \"a\"]", "1:4"));
  CHECK(refused_at("[nul]", "1:5"));
  CHECK(refused_at("\"a", "1:3"));
  CHECK(refused_at("[1] x", "1:5"));
  CHECK(refused_at("[1] [2]", "1:5"));
  CHECK(refused_at("\"\xC3\xA4\xC3\xB6\" x", "1:6"));  // columns are characters
  for (const char* text :
       {"NaN",    "Infinity", "-Infinity", "01",      "+1",      "1.",  ".5",      "0x10",
        "1e",     "'a'",      "{a:1}",     "[1//\n]", "[1/**/]", "tru", "\"\\x\"", "\"\\u12\"",
        "\"\t\"", "\"\n\"",   "{1:2}",     "{\"a\"}", "[",       "{",   "]",       "{\"a\":1 \"b\":2}",
        "\\",     "-",        "[1,,2]"}) {
    INFO(text);
    CHECK_FALSE(refusal(text).empty());
  }
}

TEST_CASE("text after a NUL byte is not ignored") {
  using namespace std::string_view_literals;
  CHECK(refused_at("[1]\0[2]"sv, "1:4", "NUL"));
  CHECK(refused_at("\0"sv, "1:1", "NUL"));
  CHECK(parse_json("\"\\u0000\"").as_string() == "\0"sv);
}

TEST_CASE("strings are valid UTF-8, escapes included") {
  CHECK(parse_json(R"("\u00e4\ud83d\ude00\n\/")").as_string() == "\xC3\xA4\xF0\x9F\x98\x80\n/");
  for (const char* text : {"\"\xFF\"", "\"\xC3\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
                           R"("\ud800")", R"("\ud800x")", R"("\udc00")"}) {
    INFO(text);
    CHECK_FALSE(refusal(text).empty());
  }
}

TEST_CASE("a key that is there twice is refused where it is repeated") {
  CHECK(refused_at("{\"a\":1,\n \"a\":2}", "2:2", "\"a\""));
  CHECK(refused_at("{\"a\":1, \"\\u0061\":2}", "1:9", "twice"));
  CHECK(refused_at(R"({"q\"\\":1, "q\"\\":2})", "1:13", "twice"));
  CHECK(refusal(R"({"a":{"a":1},"b":{"a":1}})").empty());
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  CHECK(refusal(many + "\"last\":0}").empty());
  CHECK(refused_at(many + "\n\"k3\":0}", "2:1", "\"k3\""));
}

TEST_CASE("depth and size have limits") {
  CHECK(refusal(nested(64)).empty());
  CHECK(refused_at(nested(65), "1:65", "64 levels"));
  CHECK(refused_at("{\"a\":[{\"b\":" + nested(62) + "}]}", "1:73", "levels"));
  CHECK_FALSE(refusal(nested(1000000)).empty());
  CHECK(refusal("[[]]", {}, {.depth = 2}).empty());
  CHECK_FALSE(refusal("[[[]]]", {}, {.depth = 2}).empty());
  CHECK(refusal("[1,2]", {}, {.bytes = 5}).empty());
  CHECK_FALSE(refusal("[1,2 ]", {}, {.bytes = 5}).empty());
}

TEST_CASE("places count on from where the text stands") {
  CHECK(refusal("[1,]", {"rows.jsonl", 7, 0}).starts_with("rows.jsonl:7:4: "));
  CHECK(refusal("[1,]", {"rows.jsonl", 7, 11}).starts_with("rows.jsonl:7:14: "));
  CHECK(refusal("[1,\n]", {"rows.jsonl", 7, 11}).starts_with("rows.jsonl:8:1: "));
}

TEST_CASE("messages stay short and printable whatever the text") {
  const std::string message = refusal("\"" + std::string(1000000, 'x') + "\x01");
  CHECK(message.size() < 300);
  CHECK(message.find('\x01') == std::string::npos);
}

TEST_CASE("access to the wrong kind names both kinds") {
  try {
    Json(1).as_string();
    FAIL("did not throw");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "expected a string, found an integer");
  }
  CHECK_THROWS_AS(Json(1.5).as_int(), Error);
  CHECK(Json(3).as_double() == 3.0);
  CHECK_THROWS_AS(Json("x").at("k"), Error);
  CHECK_THROWS_AS(Json::object().at("k"), Error);
  CHECK(Json("x").find("k") == nullptr);
}

TEST_CASE("set and push make containers of null, replace and append") {
  Json map;
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", "x");
  CHECK(dump(map) == R"({"a":"x","b":2})");
  Json list;
  list.push(1);
  list.push(Json::object());
  CHECK(dump(list) == "[1,{}]");
  CHECK_THROWS_AS(list.set("a", 1), Error);
  CHECK_THROWS_AS(map.push(1), Error);
}
