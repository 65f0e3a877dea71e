// A grader that runs outside any cage is named wherever the run speaks.
#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kStamp = "cage: none: the grader `python3 configs/graders/digits.py` runs unconfined";

size_t times(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a run with a grader of the user's own is stamped `cage: none` at both ends, in its report and in show") {
  const TestDirectory directory;
  const std::string run = directory.at("run");
  const ProgramResult ran =
      run_sil("run configs/program_verifier.yaml --rounds 1 generate.samples=4 --json --out " + run);
  REQUIRE(ran.code == 0);
  CHECK(times(ran.err, kStamp) == 2);
  CHECK(ran.err.find(kStamp) < ran.err.find("round 1"));
  CHECK(ran.err.rfind(kStamp) > ran.err.find("round 1:"));
  const Json report = parse_json(ran.out);
  CHECK(report.at("cage").as_string() == "none");
  CHECK(report.at("unconfined").as_array().at(0).as_string() == "python3 configs/graders/digits.py");
  CHECK_THAT(run_sil("show " + run).out, Contains(kStamp));
  const Json shown = parse_json(run_sil("show " + run + " --json").out);
  CHECK(shown.at("cage").as_string() == "none");
  CHECK(shown.at("unconfined").as_array().size() == 1);
}

TEST_CASE("a run whose verifiers are part of the program carries no stamp") {
  const TestDirectory directory;
  const std::string run = directory.at("run");
  const ProgramResult ran = run_sil("run configs/rft.yaml --rounds 1 --json --out " + run);
  REQUIRE(ran.code == 0);
  CHECK(times(ran.err, "cage") == 0);
  const Json shown = parse_json(run_sil("show " + run + " --json").out);
  CHECK(shown.at("cage").is_null());
  CHECK(shown.at("unconfined").as_array().empty());
}
