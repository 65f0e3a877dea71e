#include "sil/records.h"

#include "support/catch.h"

using namespace sil;

namespace {

Group group_of(uint64_t uid, uint32_t occurrence = 0) {
  Problem problem;
  problem.uid = uid;
  Group group;
  group.problem = std::make_shared<const Problem>(std::move(problem));
  group.occurrence = occurrence;
  return group;
}

}  // namespace

TEST_CASE("enumerators are called as in files") {
  CHECK(name(Split::dev) == "dev");
  CHECK(name(Label::abstain) == "abstain");
  CHECK(name(Outcome::output_limit) == "output_limit");
  CHECK(name(Outcome::infra) == "infra");
  CHECK(name(Finish::length) == "length");
  CHECK_THROWS_AS(name(static_cast<Label>(9)), Error);
}

// By Python: hashlib.sha256(len|"2+2="|1|len|"4") and (len|"2+2="|0), integers as struct "<Q", first 8 bytes.
TEST_CASE("a problem's uid is over prompt and answer, and no answer is not an empty one") {
  CHECK(problem_uid("2+2=", "4") == 0xe77bc4b5c940dd37);
  CHECK(problem_uid("2+2=", std::nullopt) == 0x83f11984317154f2);
  CHECK(problem_uid("2+2=", "") != problem_uid("2+2=", std::nullopt));
  CHECK(problem_uid("2+2", "=4") != problem_uid("2+2=", "4"));
}

TEST_CASE("ids: occurrence and member only when they are not zero") {
  Rollout rollout;
  rollout.step = "tries";
  rollout.sample = 7;
  CHECK(rollout_id("3", group_of(0xab), rollout) == "3/tries/00000000000000ab/7");
  rollout.member = 2;
  CHECK(rollout_id("3.1", group_of(0xab, 4), rollout) == "3.1/tries/00000000000000ab.4/7@2");
  CHECK(group_id("after", "evaluate", group_of(UINT64_MAX)) == "after/evaluate/ffffffffffffffff");
  CHECK(group_id("0", "demonstrate", group_of(1, 12)) == "0/demonstrate/0000000000000001.12");
}
