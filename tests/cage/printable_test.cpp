#include "cage/printable.h"

#include "support/catch.h"

namespace sil {
namespace {

TEST_CASE("control characters, C1 and invalid bytes cannot reach a terminal") {
  CHECK(printable("a\x1b[2Jb\x7f\xC2\x9B"
                  "c\xFF",
                  100) == "a [2Jb  c\xEF\xBF\xBD");
  CHECK(printable("one\ntwo\n", 100) == "one two");
  CHECK(printable("one\ntwo\n", 100, true) == "one\ntwo");
}

TEST_CASE("a long text is cut between characters") {
  CHECK(printable("\xC3\xA4\xC3\xB6\xC3\xBC", 5) == "\xC3\xA4\xC3\xB6\xE2\x80\xA6");
  CHECK(printable("\xC3\xA4\xC3\xB6", 4) == "\xC3\xA4\xC3\xB6");
}

}  // namespace
}  // namespace sil
