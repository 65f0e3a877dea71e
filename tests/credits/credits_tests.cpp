#include "credits/credits.h"

#include <cmath>
#include <limits>

#include "support/catch.h"
#include "support/plugin.h"
#include "support/pool.h"

namespace sil::test {
namespace {

constexpr std::nullopt_t kAbstains = std::nullopt;

const Registry<Credit>& credits() {
  static const Registry<Credit> registry = [] {
    Registry<Credit> made{"credit"};
    register_rollout_credits(made);
    register_group_credits(made);
    register_batch_zscore(made);
    return made;
  }();
  return registry;
}

std::unique_ptr<Credit> credit(std::string name, Json::Object options = {}) {
  return make_plugin(credits(), std::move(name), std::move(options));
}

std::vector<double> weights(const Credit& credit, Scores scores) {
  Pool pool(one(group(scores)));
  pool.weigh(credit);
  return pool.weights();
}

void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("weight " << i);
    CHECK(got[i] == Approx(expected[i]).epsilon(1e-12).margin(1e-12));
  }
}

TEST_CASE("every credit has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(credits()).empty());
  CHECK(credits().names() == std::vector<std::string>{"batch_zscore", "constant", "group_centered", "group_zscore",
                                                      "leave_one_out", "lua", "reward"});
}

TEST_CASE("constant weighs every kept rollout alike, abstaining ones too") {
  check_close(weights(*credit("constant", {{"value", -0.5}}), {1.0, 0.0, kAbstains}), {-0.5, -0.5, -0.5});
}

TEST_CASE("reward is the score, and 0 where there is none") {
  check_close(weights(*credit("reward"), {0.25, -1.0, kAbstains}), {0.25, -1, 0});
}

TEST_CASE("lua weighs by its expression, nil is 0") {
  check_close(weights(*credit("lua", {{"expr", "2 * score - 1"}}), {0.75, 0.0, kAbstains}), {0.5, -1, 0});
}

TEST_CASE("an expression that gives no finite weight stops by name") {
  for (const char* expr : {"1 / score", "0 / score"})
    CHECK_THROWS_WITH(weights(*credit("lua", {{"expr", expr}}), {0.0}), Catch::Contains(expr));
}

// r = (1, 0, 0, 0): mean 1/4, sample variance (9/16 + 3/16) / 3 = 1/4.
TEST_CASE("credits of one success in four") {
  const Scores scores = {1.0, 0.0, 0.0, 0.0};
  check_close(weights(*credit("group_centered"), scores), {0.75, -0.25, -0.25, -0.25});
  check_close(weights(*credit("group_zscore", {{"epsilon", 0}}), scores), {1.5, -0.5, -0.5, -0.5});
  check_close(weights(*credit("leave_one_out"), scores), {1, -1.0 / 3, -1.0 / 3, -1.0 / 3});
  check_close(weights(*credit("batch_zscore", {{"epsilon", 0}}), scores), {1.5, -0.5, -0.5, -0.5});
}

TEST_CASE("group_zscore adds 1e-4 to the deviation by default, as TRL does") {
  check_close(weights(*credit("group_zscore"), {1.0, 0.0, 0.0, 0.0}),
              {0.75 / 0.5001, -0.25 / 0.5001, -0.25 / 0.5001, -0.25 / 0.5001});
}

TEST_CASE("an abstaining member leaves the statistics and weighs 0") {
  const Scores scores = {1.0, kAbstains, 0.0, kAbstains};
  check_close(weights(*credit("group_centered"), scores), {0.5, 0, -0.5, 0});
  check_close(weights(*credit("leave_one_out"), scores), {1, 0, -1, 0});
  const double z = 0.5 / std::sqrt(0.5);
  check_close(weights(*credit("group_zscore", {{"epsilon", 0}}), scores), {z, 0, -z, 0});
  check_close(weights(*credit("batch_zscore", {{"epsilon", 0}}), scores), {z, 0, -z, 0});
}

TEST_CASE("a group of one, a flat group and an empty group teach nothing") {
  for (const char* name : {"group_centered", "group_zscore", "leave_one_out", "batch_zscore"}) {
    INFO(name);
    CHECK(weights(*credit(name), {1.0}) == std::vector<double>{0});
    // 0.1 + 0.1 + 0.1 over 3 is not 0.1 in double precision; the weights are 0 all the same.
    CHECK(weights(*credit(name), {0.1, 0.1, 0.1}) == std::vector<double>{0, 0, 0});
    CHECK(weights(*credit(name), {kAbstains}) == std::vector<double>{0});
    CHECK(weights(*credit(name), {}).empty());
  }
}

TEST_CASE("statistics may count all members or only the kept ones") {
  for (const auto& [statistics, expected] : {std::pair{Statistics::all, 1.0 / 3}, std::pair{Statistics::kept, 0.0}}) {
    Pool pool(one(group({1.0, 1.0, 0.0})));
    pool.drop(0, 2, "failed");
    pool.weigh(*credit("group_centered"), statistics);
    CHECK(pool.weights()[0] == Approx(expected));
    CHECK(pool.weights()[1] == Approx(expected));
    CHECK(pool.weights()[2] == 1);  // dropped: untouched
  }
}

TEST_CASE("credits read the verdict that by names") {
  Group judged = group({1.0, 0.0});
  for (Rollout& rollout : judged.rollouts) rollout.verdicts.push_back(verdict(0.25, "style"));
  Pool pool(one(judged));
  pool.context.by = "verify";
  pool.weigh(*credit("group_centered"));
  check_close(pool.weights(), {0.5, -0.5});
}

// (1,0,0,0) and (1,1,0,1): mean 1/2, sample variance 8/4/7 = 2/7.
TEST_CASE("batch_zscore whitens over the pool") {
  std::vector<Group> groups = one(group({1.0, 0.0, 0.0, 0.0}, 0));
  groups.push_back(group({1.0, 1.0, 0.0, 1.0}, 1));
  Pool pool(groups);
  pool.weigh(*credit("batch_zscore", {{"epsilon", 0}}));
  const double z = 0.9354143466934853;  // 0.5 / sqrt(2/7) = sqrt(7/8)
  check_close(pool.weights(0), {z, -z, -z, -z});
  check_close(pool.weights(1), {z, z, -z, z});
}

// Centred on its group each: (.75,-.25,-.25,-.25) and (.25,.25,-.75,.25), sample variance 1.5/7 = 3/14.
TEST_CASE("batch_zscore takes the group's mean off first when asked") {
  std::vector<Group> groups = one(group({1.0, 0.0, 0.0, 0.0}, 0));
  groups.push_back(group({1.0, 1.0, 0.0, 1.0}, 1));
  Pool pool(groups);
  pool.weigh(*credit("batch_zscore", {{"epsilon", 0}, {"baseline", "group"}}));
  const double far = 1.6201851746019651, near = 0.5400617248673217;  // 3 and 1 times sqrt(14/3)/4
  check_close(pool.weights(0), {far, -near, -near, -near});
  check_close(pool.weights(1), {near, near, -far, near});
}

TEST_CASE("an infinite score stops instead of poisoning a group") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const char* name : {"reward", "group_centered", "group_zscore", "leave_one_out", "batch_zscore"})
    CHECK_THROWS_WITH(weights(*credit(name), {1.0, infinity}), Catch::Contains("0000000000000100/1 has the score inf"));
}

}  // namespace
}  // namespace sil::test
