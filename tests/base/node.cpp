#include "sil/node.h"

#include <cmath>

#include "support/catch.h"

using namespace sil;

namespace {

Json plain(std::string text) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = std::move(text);
  return scalar_value(node);
}

}  // namespace

// YAML 1.2.2, section 10.3.2, "Tag Resolution" of the core schema.
TEST_CASE("plain scalars follow the core schema") {
  for (const char* text : {"", "~", "null", "Null", "NULL"}) CHECK(plain(text).is_null());
  for (const char* text : {"true", "True", "TRUE"}) CHECK(plain(text) == Json(true));
  for (const char* text : {"false", "False", "FALSE"}) CHECK(plain(text) == Json(false));
  CHECK(plain("0") == Json(0));
  CHECK(plain("-19") == Json(-19));
  CHECK(plain("+12") == Json(12));
  CHECK(plain("0123") == Json(123));
  CHECK(plain("0o14") == Json(12));
  CHECK(plain("0xC3a") == Json(3130));
  CHECK(plain("9223372036854775807") == Json(int64_t{INT64_MAX}));
  CHECK(plain("-9223372036854775808") == Json(int64_t{INT64_MIN}));
  CHECK(plain("1.") == Json(1.0));
  CHECK(plain("-.5") == Json(-0.5));
  CHECK(plain("+12e03") == Json(12000.0));
  CHECK(plain("-2E+05") == Json(-200000.0));
  CHECK(plain("2.0e-5") == Json(2.0e-5));
  CHECK(plain(".inf") == Json(HUGE_VAL));
  CHECK(plain("+.Inf") == Json(HUGE_VAL));
  CHECK(plain("-.INF") == Json(-HUGE_VAL));
  CHECK(std::isnan(plain(".nan").as_double()));
}

TEST_CASE("everything else is a string, as written") {
  for (const char* text :
       {"no",    "yes", "on", "off",   "y",    "n",   "tRUE",  "nULL",     "1:30", "1_000",      "0b1",  "0x",
        "0xg",   "0o8", "0o", "-0x1",  "0x-1", "+",   "-",     ".",        "..",   "e5",         "1e",   "1e+",
        "1.2.3", "1 2", " 1", "1,000", "inf",  "nan", "-.nan", "Infinity", "12a",  "2024-01-01", "0x1p3"}) {
    INFO(text);
    REQUIRE(plain(text).is_string());
    CHECK(plain(text).as_string() == text);
  }
}

TEST_CASE("numbers out of range: large integers are floats, larger floats stay text, tiny ones are 0") {
  CHECK(plain("9223372036854775808") == Json(9223372036854775808.0));
  CHECK(plain("1000000000000000000000") == Json(1e21));
  CHECK(plain("0xfffffffffffffffff").is_string());
  CHECK(plain("1e999").is_string());
  CHECK(plain("1e-999") == Json(0.0));
}

TEST_CASE("quoted scalars are strings whatever they look like") {
  for (const char* text : {"", "1", "true", "~"}) {
    const Node node = Node::text(text, {"f", 1, 2}, Origin::file);
    CHECK(scalar_value(node) == Json(text));
    CHECK(node.place.column == 2);
  }
}

TEST_CASE("JSON survives the way through a node") {
  Json json =
      parse_json(R"({"s":"1","t":"","n":null,"i":-5,"f":0.25,"b":false,"l":[1,[],{}],"m":{"k":"v"},"big":1e300})");
  json.set("inf", -HUGE_VAL);
  const Node node = Node::from_json(json, {"o", 4, 0}, Origin::override_);
  CHECK(node.to_json() == json);
  REQUIRE(node.find("m"));
  CHECK(node.find("m")->find("k")->origin == Origin::override_);
  CHECK(node.find("m")->find("k")->place.line == 4);
  CHECK(node.find("l")->items.size() == 3);
}

TEST_CASE("find looks into maps only") {
  const Node scalar = Node::text("x", {}, Origin::file);
  CHECK(scalar.find("x") == nullptr);
  Node map = Node::from_json(parse_json(R"({"a":1})"), {}, Origin::file);
  CHECK(map.find("b") == nullptr);
  map.find("a")->scalar = "2";
  CHECK(map.to_json() == parse_json(R"({"a":2})"));
  CHECK(std::string(map.kind_name()) == "a map");
  CHECK(std::string(Node{}.kind_name()) == "nothing");
}
