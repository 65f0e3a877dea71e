#include "recipe/yaml.h"

#include "sil/error.h"
#include "support/catch.h"

using namespace sil;
using Catch::Contains;

namespace {

std::string refused(const std::string& text) {
  try {
    parse_yaml(text, "r.yaml");
  } catch (const Error& error) {
    return (error.code() == Exit::usage ? "" : "not exit 2: ") + std::string(error.what());
  }
  return "accepted";
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("scalars keep their text, their place and whether they were quoted") {
  const Node root = parse_yaml("a: 1\nb: [x, 'y']\nc:\n  d: \"z\"\n", "r.yaml");
  REQUIRE(root.members.size() == 3);
  CHECK(root.members[0].key == "a");
  CHECK(root.find("a")->scalar == "1");
  CHECK_FALSE(root.find("a")->quoted);
  CHECK(root.find("a")->place.text() == "r.yaml:1:4");
  CHECK(root.find("b")->items[0].place.text() == "r.yaml:2:5");
  CHECK(root.find("b")->items[1].quoted);
  CHECK(root.find("b")->items[1].place.text() == "r.yaml:2:9");  // of y, within the quotes
  CHECK(root.members[2].place.text() == "r.yaml:3:1");
  CHECK(root.find("c")->find("d")->place.text() == "r.yaml:4:7");
}

TEST_CASE("columns count characters, not bytes") {
  CHECK(parse_yaml("[é, ü]", "r.yaml").items[1].place.text() == "r.yaml:1:5");
}

TEST_CASE("a block scalar is text whose place is its first line") {
  const Node root = parse_yaml("a: |\n  one [\n  two {\nb: 2\n", "r.yaml");
  CHECK(root.find("a")->scalar == "one [\ntwo {\n");
  CHECK(root.find("a")->quoted);
  CHECK(root.find("a")->place.text() == "r.yaml:2:3");
}

TEST_CASE("plain scalars follow YAML 1.2, not 1.1") {
  const Json value =
      parse_yaml("{a: no, b: 1:30, c: 1e3, d: .5, e: ~, f: yes, g: 0o17, h: 'no', i: null}", "r").to_json();
  CHECK(value.at("a") == Json("no"));
  CHECK(value.at("b") == Json("1:30"));
  CHECK(value.at("c") == Json(1000.0));
  CHECK(value.at("d") == Json(0.5));
  CHECK(value.at("e").is_null());
  CHECK(value.at("f") == Json("yes"));
  CHECK(value.at("g") == Json(15));
  CHECK(value.at("h") == Json("no"));
  CHECK(value.at("i").is_null());
}

TEST_CASE("a UTF-8 byte order mark and CRLF change nothing") {
  const Node plain = parse_yaml("a: 1\nb:\n  c: x\n", "r");
  const Node dressed = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb:\r\n  c: x\r\n",
      "r");
  CHECK(dressed.to_json() == plain.to_json());
  CHECK(dressed.find("b")->find("c")->place.text() == plain.find("b")->find("c")->place.text());
}

TEST_CASE("bytes that are no text are refused where they stand") {
  CHECK_THAT(refused(std::string("a: 1\nb: \0x", 10)), Contains("r.yaml:2:4") && Contains("NUL"));
  CHECK_THAT(refused(std::string("\xFF\xFE"
                                 "a\0:\0",
                                 6)),
             Contains("r.yaml:1:1") && Contains("UTF-16"));
  CHECK_THAT(refused(std::string("\xFE\xFF\0a", 4)), Contains("UTF-16"));
  CHECK_THAT(refused(std::string("\0\0\xFE\xFF", 4)), Contains("UTF-32"));
  CHECK_THAT(refused("a: \xC0\xAF"), Contains("r.yaml:1:4") && Contains("UTF-8") && Contains("0xC0"));
  CHECK_THAT(refused("a: \xED\xA0\x80"), Contains("UTF-8"));
  CHECK_THAT(refused("a: \x1b[31m"), Contains("r.yaml:1:4") && Contains("control character 0x1B"));
}

TEST_CASE("tabs are refused as indentation and nowhere else") {
  CHECK_THAT(refused("a:\n\tb: 1\n"), Contains("r.yaml:2:1") && Contains("tab"));
  CHECK_THAT(refused("a:\n  \tb: 1\n"), Contains("r.yaml:2:3") && Contains("tab"));
  CHECK(refused("a:\tb\nc: 'x\ty'\n\t# comment\nd: |\n  x\n  \ty\ne: [1,\n\t2]\n") == "accepted");
}

TEST_CASE("an empty file says so") {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~"})
    CHECK_THAT(refused(text), Contains("r.yaml:1:1") && Contains("empty"));
}

TEST_CASE("anchors, aliases, merge keys and tags are refused, all at once") {
  const std::string all = refused("a: &x 1\nb: *x\n<<: {c: 1}\nd: !!str 5\ne: !!python/object:os.system ls\nf: ! x\n");
  CHECK_THAT(all, Contains("r.yaml:1:4: an anchor"));
  CHECK_THAT(all, Contains("r.yaml:2:4: an alias"));
  CHECK_THAT(all, Contains("r.yaml:3:1: the merge key <<"));
  CHECK_THAT(all, Contains("r.yaml:4:4: the tag"));
  CHECK_THAT(all, Contains("r.yaml:5:4: the tag") && Contains("python/object:os.system"));
  CHECK_THAT(all, Contains("r.yaml:6:4: the tag"));
  CHECK_THAT(refused("a: *a\n"), Contains("r.yaml:1:4: an alias"));
  CHECK_THAT(refused("a: &a [*a]\n"), Contains("alias"));
}

TEST_CASE("duplicate keys name both places") {
  const std::string text = refused("a: 1\nb: {c: 1, c: 2}\na: 3\n");
  CHECK_THAT(text, Contains("r.yaml:2:11: duplicate key 'c'") && Contains("line 2, column 5"));
  CHECK_THAT(text, Contains("r.yaml:3:1: duplicate key 'a'") && Contains("line 1, column 1"));
}

TEST_CASE("compound and missing keys are refused") {
  CHECK_THAT(refused("? [1, 2]\n: 3\n"), Contains("r.yaml:1:3") && Contains("key") && Contains("a list"));
  CHECK_THAT(refused("{{a: 1}: 2}"), Contains("a map"));
  CHECK_THAT(refused("? {a: {b: c}}\n: 3\nd: 4\n"), Contains("a map"));
  CHECK_THAT(refused("{: 2}"), Contains("key"));
}

TEST_CASE("a second document is refused") {
  CHECK_THAT(refused("a: 1\n---\nb: 2\n"), Contains("r.yaml:2:1: a second document"));
  CHECK(refused("---\na: 1\n...\n") == "accepted");
}

TEST_CASE("syntax errors have a place") {
  CHECK_THAT(refused("a: b: c\n"), Contains("r.yaml:1:5"));
  CHECK_THAT(refused("a: [1\n"), Contains("r.yaml:"));
  CHECK_THAT(refused("a: 'x\n"), Contains("r.yaml:1:4") && Contains("never closed"));
  CHECK_THAT(refused("a: \"x\\\"\n"), Contains("never closed"));
  CHECK_THAT(refused("a: 'it''s\n"), Contains("never closed"));
  CHECK(refused("a: 'it''s'\nb: \"x\\\\\"\nc: it's\n") == "accepted");
}

TEST_CASE("nesting stops at 64 before anything recurses") {
  for (const char* unit : {"[", "{", "- ", "? ", "a: [", "[a: {", "!!x [", "&a ["}) {
    CAPTURE(unit);
    CHECK_THAT(refused(repeated(unit, 100000)), Contains("r.yaml:") && !Contains("accepted"));
  }
  CHECK_THAT(refused(repeated("[", 100000)), Contains("deeper than 64"));
  CHECK_THAT(refused(repeated("- ", 100000)), Contains("deeper than 64"));
  CHECK_THAT(refused("a: |\n  x\nb: " + repeated("[", 65)), Contains("deeper than 64"));
  CHECK(refused(repeated("[", 64) + repeated("]", 64)) == "accepted");
  std::string ladder;
  for (int i = 0; i < 80; ++i) ladder += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  CHECK_THAT(refused(ladder), Contains("deeper than 64"));
}

TEST_CASE("brackets within text do not count") {
  const std::string many = repeated("[{", 100);
  CHECK(refused("a: \"" + many + "\"\n") == "accepted");
  CHECK(refused("a: '" + many + "'\n") == "accepted");
  CHECK(refused("a: x" + many + "\n") == "accepted");
  CHECK(refused("a: it's x " + many + "\nb: 1\n") == "accepted");
  CHECK(refused("a: 1 # " + many + "\n") == "accepted");
  CHECK(refused("a:\n  - b: |\n      " + many + "\n      " + many + "\n  - c\n") == "accepted");
  CHECK(refused("a: >-\n  " + many + "\n\n  " + many + "\n") == "accepted");
}

TEST_CASE("long scalars are fine, endless lists and texts are not") {
  CHECK(refused("a: " + std::string(1 << 20, 'x') + "\n") == "accepted");
  CHECK(refused("a: [" + std::string(1 << 20, 'x') + "]\n") == "accepted");
  CHECK_THAT(refused("a: [" + repeated("1,", 300000) + "]"), Contains("more than 200000"));
  CHECK_THAT(refused(repeated("\n", 300000) + "a: 1"), Contains("more than 200000"));
  CHECK_THAT(refused(std::string((4 << 20) + 1, ' ')), Contains("4 MiB"));
}

TEST_CASE("a flow value is one value") {
  const Place place{"override 'x'", 0, 0};
  auto value = [&](const char* text) { return parse_flow_value(text, place, Origin::override_).to_json(); };
  CHECK(value("16") == Json(16));
  CHECK(value("'16'") == Json("16"));
  CHECK(value("[1, 2]") == Json(Json::Array{1, 2}));
  CHECK(value("{beta: 0.1}").at("beta") == Json(0.1));
  CHECK(value("some words") == Json("some words"));
  CHECK(value("round % 2 == 0") == Json("round % 2 == 0"));
  CHECK(value("") == Json(""));
  CHECK(parse_flow_value("[1]", place, Origin::override_).items[0].place.text() == "override 'x'");
  for (const char* text : {"1, 2", "[1", "a]", "&x 1", "x]\n---\n[y", "'"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(value(text), Error);
  }
}
