#include "support/catch.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;

std::unique_ptr<Verifier> majority(Json options = Json::object()) {
  Registry<Verifier> registry("verifier");
  register_majority(registry);
  return registry.make(spec_of("majority", std::move(options)));
}

std::vector<Verdict> vote(const std::vector<std::string>& texts, Json options = Json::object(),
                          const std::vector<uint32_t>& members = {}) {
  return judge(*majority(std::move(options)), group_of(texts, std::nullopt, members), with_task());
}

double part(const Verdict& verdict, const std::string& name) {
  for (const auto& [key, value] : verdict.parts)
    if (key == name) return value;
  return -1;
}

TEST_CASE("the most common answer passes, whatever the text around it") {
  const auto verdicts = vote({"2+2=4", "so x=4", "=5", "= 4", "=3"});
  CHECK(labels(verdicts) == "pass pass fail pass fail");
  CHECK(part(verdicts[0], "margin") == Approx(0.4));  // (3 - 1) / 5
  CHECK(part(verdicts[2], "share") == Approx(0.6));
  CHECK(verdicts[2].reason == "`5` is not the majority's `4`");
}

TEST_CASE("a rollout without an answer has no vote, fails, and counts as a voter") {
  const auto verdicts = vote({"=4", "=4", "none", "="});
  CHECK(labels(verdicts) == "pass pass fail fail");
  CHECK(verdicts[2].reason == "no equals sign");
  CHECK(part(verdicts[0], "margin") == Approx(0.5));  // 2 of 4
}

TEST_CASE("a tie abstains") {
  const auto verdicts = vote({"=4", "=5", "=4", "=5", "=6"});
  CHECK(labels(verdicts) == "abstain abstain abstain abstain abstain");
  CHECK(part(verdicts[0], "margin") == 0);
  CHECK(verdicts[0].outcome != Outcome::infra);  // nothing broke: it must not stop a run
}

TEST_CASE("nobody with an answer abstains") {
  CHECK(labels(vote({"a", "b"})) == "abstain abstain");
}

TEST_CASE("a group of one agrees with itself") {
  CHECK(labels(vote({"=4"})) == "pass");
  CHECK(labels(vote({"=4"}, options_of({{"quorum", 2}}))) == "abstain");
}

TEST_CASE("a quorum is a count from 1 on and a share below") {
  const std::vector<std::string> three_of_five{"=4", "=4", "=4", "=5", "=6"};
  CHECK(labels(vote(three_of_five, options_of({{"quorum", 3}}))) == "pass pass pass fail fail");
  CHECK(labels(vote(three_of_five, options_of({{"quorum", 4}}))) == "abstain abstain abstain abstain abstain");
  CHECK(labels(vote(three_of_five, options_of({{"quorum", 0.6}}))) == "pass pass pass fail fail");
  CHECK(labels(vote(three_of_five, options_of({{"quorum", 0.61}}))) == "abstain abstain abstain abstain abstain");
}

TEST_CASE("members have one vote each: the answer most of their rollouts give") {
  // Member 0: 4 4 5 -> 4; member 1: 5 -> 5; member 2: 4 -> 4. By rollouts 4 would have 3 of 5, by members 2 of 3.
  const std::vector<std::string> texts{"=4", "=4", "=5", "=5", "=4"};
  const auto verdicts = vote(texts, options_of({{"across", "members"}}), {0, 0, 0, 1, 2});
  CHECK(labels(verdicts) == "pass pass fail fail pass");
  CHECK(part(verdicts[0], "margin") == Approx(1.0 / 3));
}

TEST_CASE("a member that is torn has no vote") {
  CHECK(labels(vote({"=4", "=5", "=5"}, options_of({{"across", "members"}}), {0, 0, 1})) == "fail pass pass");
}

TEST_CASE("groups are counted apart, and no group gives no verdict") {
  const Group first = group_of({"=1", "=1", "=2"}, std::nullopt), second = group_of({"=2", "=2", "=1"}, std::nullopt);
  std::vector<JudgeItem> items = items_of(first);
  for (const JudgeItem& item : items_of(second)) items.push_back(item);
  std::vector<Verdict> verdicts(items.size());
  majority()->verify(items, with_task(), verdicts);
  CHECK(labels(verdicts) == "pass pass fail pass pass fail");
  CHECK(vote({}).empty());
}

TEST_CASE("majority asks for whole groups; a quorum between counts is refused") {
  CHECK(majority()->needs_group());
  try {
    majority(options_of({{"quorum", 2.5}}));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
  }
}

}  // namespace
}  // namespace sil
