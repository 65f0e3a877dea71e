#include "filters/shelf.h"
#include "support/catch.h"

namespace sil::test {
namespace {

Group lengths(const std::vector<size_t>& values, int64_t position = 0) {
  Group result = group(Scores(values.size(), 1.0), position);
  for (size_t i = 0; i < values.size(); ++i) result.rollouts[i].ids.assign(values[i], 7);
  return result;
}

size_t kept(const Pool& pool, size_t groups) {
  size_t n = 0;
  for (size_t g = 0; g < groups; ++g)
    for (const std::string& reason : pool.dropped(g)) n += reason.empty();
  return n;
}

TEST_CASE("length keeps its bounds") {
  Pool pool(one(lengths({1, 2, 5, 6, 0})));
  pool.keep(*rule("length", {{"min", 2}, {"max", 5}}));
  CHECK(pool.dropped() == Reasons{"too short", "", "", "too long", "too short"});
}

TEST_CASE("below the top is below the quantile minus below_top, across the pool") {
  std::vector<Group> groups = one(lengths({10, 8, 7}, 0));
  groups.push_back(lengths({9, 3}, 1));
  Pool pool(std::move(groups));
  pool.keep(*rule("length", {{"below_top", 2}, {"quantile", 1}}));
  CHECK(pool.dropped(0) == Reasons{"", "", "below top"});
  CHECK(pool.dropped(1) == Reasons{"", "below top"});
}

// By nearest rank, as numpy's method "inverted_cdf": of 3, 7, 8, 9, 10 the 0.8-quantile is 9 and the 0.81-quantile 10.
TEST_CASE("the quantile is by nearest rank") {
  Pool low(one(lengths({10, 8, 7, 9, 3})));
  low.keep(*rule("length", {{"below_top", 0}, {"quantile", 0.8}}));
  CHECK(low.dropped() == Reasons{"", "below top", "below top", "", "below top"});
  Pool high(one(lengths({10, 8, 7, 9, 3})));
  high.keep(*rule("length", {{"below_top", 0}, {"quantile", 0.81}}));
  CHECK(high.dropped() == Reasons{"", "below top", "below top", "below top", "below top"});
}

TEST_CASE("one runaway answer among a thousand does not empty the pool") {
  std::vector<size_t> values(1000, 20);
  values[17] = 500;
  values[18] = 12;
  Pool quantile(one(lengths(values)));
  quantile.keep(*rule("length", {{"below_top", 2}}));
  CHECK(kept(quantile, 1) == 999);
  CHECK(quantile.dropped()[18] == "below top");
  Pool longest(one(lengths(values)));
  longest.keep(*rule("length", {{"below_top", 2}, {"quantile", 1}}));
  CHECK(kept(longest, 1) == 1);
}

TEST_CASE("answers that are too long or already dropped do not count as top") {
  Pool pool(one(lengths({100, 10, 8, 7})));
  pool.drop(0, 1, "failed");
  pool.keep(*rule("length", {{"max", 50}, {"below_top", 0}, {"quantile", 1}}));
  CHECK(pool.dropped() == Reasons{"too long", "failed", "", "below top"});
}

TEST_CASE("a single answer is its own top, and an empty pool has none") {
  Pool single(one(lengths({4})));
  single.keep(*rule("length", {{"below_top", 0}}));
  CHECK(single.dropped() == Reasons{""});
  Pool none({});
  CHECK_NOTHROW(none.keep(*rule("length", {{"below_top", 0}})));
}

TEST_CASE("length without a bound, or with bounds that cross, is refused") {
  CHECK_THROWS_WITH(rule("length"), Catch::Contains("no bound is given"));
  CHECK_THROWS_WITH(rule("length", {{"min", 5}, {"max", 4}}), Catch::Contains("min 5 is above max 4"));
}

}  // namespace
}  // namespace sil::test
