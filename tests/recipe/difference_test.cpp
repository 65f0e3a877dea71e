#include "recipe/difference.h"

#include "recipe/shelves.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;

namespace {

using Lines = std::vector<std::string>;

// Of the recorded quickstart, as a record is read back, to a changed one.
Lines differences(const std::string& from, const std::string& to) {
  const Json recorded = parse_json(dump(read(kQuickstart).resolved));
  return recipe_differences(recorded, read(with(kQuickstart, from, to)).resolved);
}

}  // namespace

TEST_CASE("a recipe read back from a record does not differ, whatever way its numbers are written") {
  CHECK(differences("rounds: 6", "rounds: 6").empty());
  CHECK(recipe_differences(parse_json(R"({"a": 1, "b": [0.5]})"), parse_json(R"({"b": [0.5], "a": 1.0})")).empty());
}

TEST_CASE("what may change between starts is no difference") {
  CHECK(differences("rounds: 6", "rounds: 9").empty());
  CHECK(differences("name: additions", "name: other").empty());
}

TEST_CASE("differences are named as overrides name options") {
  CHECK(differences("samples: 8", "samples: 4") == Lines{"generate.samples: 8 in the record, 4 now"});
  CHECK(differences("seed: 7", "seed: 8") == Lines{"seed: 7 in the record, 8 now"});
  CHECK(differences("verify: exact", "{verify: exact, per: group}").size() == 1);
}

TEST_CASE("steps that came, went or changed places are listed") {
  const Json recorded = parse_json(R"({"round": [{"a": {}, "as": "a"}, {"b": {}, "as": "b"}]})");
  const Json now = parse_json(R"({"round": [{"b": {}, "as": "b"}]})");
  CHECK(recipe_differences(recorded, now) == Lines{"round: the steps a b in the record, b now"});
}

TEST_CASE("what is there only once is a difference to nothing") {
  CHECK(recipe_differences(parse_json(R"({"a": 1})"), parse_json(R"({"b": {"c": "x"}})")) ==
        Lines{"a: 1 in the record, nothing now", "b: nothing in the record, {\"c\":\"x\"} now"});
}
