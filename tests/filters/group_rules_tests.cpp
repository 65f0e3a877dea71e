#include <limits>

#include "filters/shelf.h"
#include "support/catch.h"

namespace sil::test {
namespace {

constexpr std::nullopt_t kAbstains = std::nullopt;

TEST_CASE("top_k takes the highest scores, ties by sample number, abstaining last") {
  Pool pool(one(group({0.2, 0.9, kAbstains, 0.9, 0.5})));
  pool.keep(*rule("top_k", {{"n", 3}}));
  CHECK(pool.dropped() == Reasons{"not top 3", "", "not top 3", "", ""});
  pool.keep(*rule("top_k", {{"n", 1}}));
  CHECK(pool.dropped() == Reasons{"not top 3", "", "not top 3", "not top 1", "not top 1"});
}

TEST_CASE("top_k larger than the group keeps it") {
  Pool pool(one(group({0.0, kAbstains})));
  pool.keep(*rule("top_k", {{"n", 3}}));
  CHECK(pool.dropped() == Reasons{"", ""});
}

TEST_CASE("a score that is no number ranks as none") {
  Pool pool(one(group({std::numeric_limits<double>::quiet_NaN(), 0.1, kAbstains})));
  pool.keep(*rule("top_k", {{"n", 1}}));
  CHECK(pool.dropped() == Reasons{"not top 1", "", "not top 1"});
}

TEST_CASE("per_problem goes by score unless told to take the first") {
  Pool best(one(group({0.1, 0.8, 0.8, 0.9})));
  best.keep(*rule("per_problem", {{"n", 2}}));
  CHECK(best.dropped() == Reasons{"beyond 2 per problem", "", "beyond 2 per problem", ""});
  Pool first(one(group({0.1, 0.8, 0.8, 0.9})));
  first.keep(*rule("per_problem", {{"n", 2}, {"take", "first"}}));
  CHECK(first.dropped() == Reasons{"", "", "beyond 2 per problem", "beyond 2 per problem"});
}

TEST_CASE("per_problem counts only what earlier rules kept, each group for itself") {
  std::vector<Group> groups = one(group({0.0, 1.0, 1.0}, 0));
  groups.push_back(group({1.0}, 1));
  Pool pool(std::move(groups));
  pool.keep(*rule("pass"));
  pool.keep(*rule("per_problem", {{"take", "first"}}));
  CHECK(pool.dropped(0) == Reasons{"failed", "", "beyond 1 per problem"});
  CHECK(pool.dropped(1) == Reasons{""});
}

TEST_CASE("among members with one sample number the lower member goes first") {
  Group members = group({1.0, 1.0});
  members.rollouts[0].sample = members.rollouts[1].sample = 0;
  members.rollouts[0].member = 1;
  Pool pool(one(members));
  pool.keep(*rule("top_k"));
  CHECK(pool.dropped() == Reasons{"not top 1", ""});
}

TEST_CASE("varied drops a group whose scores are all the same") {
  std::vector<Group> groups;
  groups.push_back(group({1.0, 1.0, 1.0}, 0));
  groups.push_back(group({1.0, 0.0}, 1));
  groups.push_back(group({1.0, kAbstains}, 2));
  groups.push_back(group({0.5}, 3));
  groups.push_back(group({kAbstains, kAbstains}, 4));
  Pool pool(std::move(groups));
  pool.keep(*rule("varied"));
  CHECK(pool.dropped(0) == Reasons(3, "same scores"));
  CHECK(pool.dropped(1) == Reasons{"", ""});
  CHECK(pool.dropped(2) == Reasons(2, "same scores"));
  CHECK(pool.dropped(3) == Reasons{"same scores"});
  CHECK(pool.dropped(4) == Reasons(2, "no scores"));
}

TEST_CASE("varied looks at the group before earlier rules dropped from it") {
  Pool pool(one(group({1.0, 0.0})));
  pool.keep(*rule("pass"));
  pool.keep(*rule("varied"));
  CHECK(pool.dropped() == Reasons{"", "failed"});
}

TEST_CASE("varied does not count what an earlier filter of the pool dropped") {
  Group filtered = group({1.0, 0.0, 1.0});
  filtered.rollouts[1].kept = false;
  Pool pool(one(filtered));
  pool.drop(0, 1, "failed");
  pool.keep(*rule("varied"));
  CHECK(pool.dropped() == Reasons{"same scores", "failed", "same scores"});
}

TEST_CASE("band keeps pass rates from low to high, both included, abstentions left out") {
  const Scores third = {1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, kAbstains};  // 3 of 10
  std::vector<Group> groups;
  groups.push_back(group(third, 0));
  groups.push_back(group({1.0, 0.0, 0.0, 0.0}, 1));
  groups.push_back(group({1.0, 1.0, 1.0, 1.0, 0.0}, 2));
  groups.push_back(group({1.0}, 3));
  groups.push_back(group({kAbstains}, 4));
  Pool pool(std::move(groups));
  pool.keep(*rule("band", {{"low", 0.3}, {"high", 0.8}}));
  CHECK(pool.dropped(0) == Reasons(11, ""));
  CHECK(pool.dropped(1) == Reasons(4, "below band"));
  CHECK(pool.dropped(2) == Reasons(5, ""));
  CHECK(pool.dropped(3) == Reasons{"above band"});
  CHECK(pool.dropped(4) == Reasons{"no labels"});
}

TEST_CASE("band refuses a range that nothing lies in") {
  CHECK_THROWS_WITH(rule("band", {{"low", 0.8}, {"high", 0.3}}), Catch::Contains("low 0.8 is above high 0.3"));
}

}  // namespace
}  // namespace sil::test
