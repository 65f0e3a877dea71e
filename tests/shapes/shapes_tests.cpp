#include "shapes/shapes.h"

#include "support/catch.h"
#include "support/plugin.h"
#include "support/pool.h"

namespace sil::test {
namespace {

constexpr std::nullopt_t kAbstains = std::nullopt;
using Fates = std::vector<std::string>;

const Registry<Shape>& shapes() {
  static const Registry<Shape> registry = [] {
    Registry<Shape> made{"shape"};
    register_target(made);
    register_pair(made);
    return made;
  }();
  return registry;
}

std::unique_ptr<Shape> shape(std::string name, Json::Object options = {}) {
  return make_plugin(shapes(), std::move(name), std::move(options));
}

std::string id(int sample) {
  return "3/generate/0000000000000100/" + std::to_string(sample);
}
std::string pair_id(int chosen, int rejected) {
  return id(chosen) + ">" + id(rejected);
}

std::vector<std::string> ids(const std::vector<Example>& examples) {
  std::vector<std::string> ids;
  for (const Example& example : examples) ids.push_back(example.id);
  return ids;
}

// Rollout i of a test group has i + 1 tokens 10 + i; its context is (1, 2).
void check_sequence(const ExampleSequence& sequence, std::vector<TokenId> completion, double weight) {
  std::vector<TokenId> expected = {1, 2};
  expected.insert(expected.end(), completion.begin(), completion.end());
  CHECK(sequence.ids == expected);
  double trained = 0;
  for (const Segment& segment : sequence.segments) {
    if (segment.rollout.empty()) CHECK(segment.weight == 0);
    if (segment.weight == 0) continue;
    CHECK(segment.begin == 2);
    CHECK(segment.end == static_cast<int32_t>(expected.size()));
    trained = segment.weight;
  }
  CHECK(trained == weight);
}

TEST_CASE("every shape has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(shapes()).empty());
  CHECK(shapes().names() == std::vector<std::string>{"pair", "target"});
}

TEST_CASE("target makes one example of every kept rollout, with its weight") {
  Group weighed = group({1.0, 0.0, kAbstains});
  weighed.rollouts[0].weight = 0.5;
  weighed.rollouts[2].weight = -2;
  Pool pool(one(weighed));
  pool.drop(0, 1, "failed");
  const std::vector<Example> examples = pool.shape(*shape("target"));
  REQUIRE(ids(examples) == std::vector<std::string>{id(0), id(2)});
  REQUIRE(examples[0].sequences.size() == 1);
  check_sequence(examples[0].sequences[0], {10}, 0.5);
  check_sequence(examples[1].sequences[0], {12, 12, 12}, -2);
  CHECK(examples[0].group == examples[1].group);
  CHECK(pool.fates[0] == Fates{"", "", ""});
}

TEST_CASE("examples of different groups differ in their group") {
  std::vector<Group> groups = one(group({1.0}, 0));
  groups.push_back(group({1.0}, 1));
  Pool pool(groups);
  const std::vector<Example> examples = pool.shape(*shape("target"));
  REQUIRE(examples.size() == 2);
  CHECK(examples[0].group != examples[1].group);
}

TEST_CASE("a rollout without tokens makes no example and says so") {
  Group hollow = group({1.0, 0.0});
  hollow.rollouts[0].ids.clear();
  Pool target(one(hollow));
  CHECK(ids(target.shape(*shape("target"))) == std::vector<std::string>{id(1)});
  CHECK(target.fates[0] == Fates{"no tokens", ""});
  Pool pair(one(hollow));
  CHECK(pair.shape(*shape("pair")).empty());
  CHECK(pair.fates[0] == Fates{"no tokens", "no partner"});
}

TEST_CASE("pair chooses the best over the worst with weight 1") {
  Group judged = group({0.25, 0.75, 0.0, 1.0});
  for (Rollout& rollout : judged.rollouts) rollout.weight = 0;  // a credit of 0 must not untrain a pair
  Pool pool(one(judged));
  const std::vector<Example> examples = pool.shape(*shape("pair"));
  REQUIRE(ids(examples) == std::vector<std::string>{pair_id(3, 2)});
  REQUIRE(examples[0].sequences.size() == 2);
  check_sequence(examples[0].sequences[0], {13, 13, 13, 13}, 1);
  check_sequence(examples[0].sequences[1], {12, 12, 12}, 1);
  CHECK(pool.fates[0] == Fates{"beyond max pairs", "beyond max pairs", "", ""});
}

TEST_CASE("further pairs go inwards, each rollout in one at most") {
  Pool pool(one(group({0.25, 0.75, 0.0, 1.0, 0.5})));
  CHECK(ids(pool.shape(*shape("pair", {{"max", 8}}))) == std::vector<std::string>{pair_id(3, 2), pair_id(1, 0)});
  CHECK(pool.fates[0] == Fates{"", "", "", "", "no partner"});
}

TEST_CASE("equal scores are a tie, and ties of the ends go by sample number") {
  Pool flat(one(group({1.0, 1.0, 1.0})));
  CHECK(flat.shape(*shape("pair", {{"max", 8}})).empty());
  CHECK(flat.fates[0] == Fates{"tie", "tie", "tie"});
  Pool ends(one(group({0.0, 1.0, 1.0, 1.0, 0.0})));
  CHECK(ids(ends.shape(*shape("pair", {{"max", 8}}))) == std::vector<std::string>{pair_id(1, 4), pair_id(2, 0)});
}

TEST_CASE("a gap of scores that equals the smallest makes a pair, a smaller one says so") {
  Pool wide(one(group({0.75, 0.25})));
  CHECK(wide.shape(*shape("pair", {{"gap", 0.5}})).size() == 1);
  Pool narrow(one(group({0.75, 0.26})));
  CHECK(narrow.shape(*shape("pair", {{"gap", 0.5}})).empty());
  CHECK(narrow.fates[0] == Fates{"gap too small", "gap too small"});
}

TEST_CASE("pairs leave abstaining and dropped rollouts out") {
  Pool pool(one(group({kAbstains, 1.0, 0.0, 0.5})));
  pool.drop(0, 2, "too long");
  CHECK(ids(pool.shape(*shape("pair"))) == std::vector<std::string>{pair_id(1, 3)});
  CHECK(pool.fates[0] == Fates{"abstained", "", "", ""});
}

TEST_CASE("a group of one has no partner, an empty group makes nothing") {
  Pool single(one(group({1.0})));
  CHECK(single.shape(*shape("pair")).empty());
  CHECK(single.fates[0] == Fates{"no partner"});
  for (const char* name : {"pair", "target"}) {
    Pool hollow(one(group({})));
    CHECK(hollow.shape(*shape(name)).empty());
    Pool none({});
    CHECK(none.shape(*shape(name)).empty());
  }
}

}  // namespace
}  // namespace sil::test
