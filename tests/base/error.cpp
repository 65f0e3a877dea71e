#include "sil/error.h"

#include "support/catch.h"

using namespace sil;

TEST_CASE("a place shows as much as is known") {
  CHECK(Place{}.text().empty());
  CHECK(Place{"a.yaml", 0, 0}.text() == "a.yaml");
  CHECK(Place{"a.yaml", 3, 0}.text() == "a.yaml:3");
  CHECK(Place{"a.yaml", 3, 7}.text() == "a.yaml:3:7");
  CHECK(Place{"", 3, 7}.text() == "3:7");
}

TEST_CASE("a finding is place, message and hint; an error lists findings one a line") {
  const Error one(Exit::usage, "unknown key 'stop'", "did you mean 'steps'?", {"r.yaml", 2, 5});
  CHECK(std::string(one.what()) == "r.yaml:2:5: unknown key 'stop'; did you mean 'steps'?");
  CHECK(one.code() == Exit::usage);
  REQUIRE(one.findings().size() == 1);
  CHECK(one.findings()[0].hint == "did you mean 'steps'?");
  const Error two(Exit::usage, {{{}, "a", ""}, {{"f", 1, 1}, "b", "c"}});
  CHECK(std::string(two.what()) == "a\nf:1:1: b; c");
}

TEST_CASE("a broken check is an internal error with file and line") {
  try {
    SIL_CHECK(1 + 1 == 3);
    FAIL("did not throw");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::internal);
    CHECK(std::string(error.what()).find("1 + 1 == 3") != std::string::npos);
    CHECK(error.findings()[0].place.file == "error.cpp");
    CHECK(error.findings()[0].place.line > 0);
  }
}

TEST_CASE("nearest: the fewest edits win, and nothing is suggested beyond max(2, a third)") {
  const std::vector<std::string> known = {"temperature", "top_p", "top_k", "max_new_tokens"};
  CHECK(nearest("temprature", known) == "temperature");
  CHECK(nearest("top_k", known) == "top_k");
  CHECK(nearest("top_", known) == "top_p");         // a tie: the first
  CHECK(nearest("max_tokens", known).empty());      // 4 edits, 10 characters
  CHECK(nearest("kitten", {"sitting"}).empty());    // 3 edits, limit 2
  CHECK(nearest("sitting", {"kitten"}).empty());    // 3 edits, 7 / 3 = 2
  CHECK(nearest("saturdays", {"sunday"}).empty());  // 4 edits, limit 3
  CHECK(nearest("saturday", {"saturn"}).empty());   // 3 edits, limit 2
  CHECK(nearest("saturday", {"saturda"}) == "saturda");
  CHECK(nearest("", {}).empty());
  CHECK(nearest(std::string(1 << 20, 'x'), known).empty());
}
