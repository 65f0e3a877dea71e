#include "stores/stores.h"

#include <algorithm>
#include <map>
#include <set>

#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {
namespace {

using Places = std::vector<size_t>;

const Registry<DrawLaw>& draws() {
  static const Registry<DrawLaw> registry = [] {
    Registry<DrawLaw> made{"draw"};
    register_draws(made);
    register_mix(made);
    return made;
  }();
  return registry;
}

const Registry<EvictRule>& evictions() {
  static const Registry<EvictRule> registry = [] {
    Registry<EvictRule> made{"evict"};
    register_evictions(made);
    return made;
  }();
  return registry;
}

std::unique_ptr<DrawLaw> law(std::string name, Json::Object options = {}) {
  return make_plugin(draws(), std::move(name), std::move(options));
}

// So many records in each of rounds 1, 2, ...; ages count from the last round.
std::vector<StoreRecord> records(const std::vector<size_t>& per_round) {
  std::vector<StoreRecord> records;
  for (size_t round = 0; round < per_round.size(); ++round) {
    for (size_t i = 0; i < per_round[round]; ++i) {
      StoreRecord record;
      record.position = static_cast<int64_t>(records.size());
      record.id = 1000 + records.size();
      record.round = static_cast<int64_t>(round) + 1;
      record.age = static_cast<int64_t>(per_round.size() - 1 - round);
      records.push_back(record);
    }
  }
  return records;
}

bool distinct(const Places& places) {
  return std::set<size_t>(places.begin(), places.end()).size() == places.size();
}

int64_t from_round(const std::vector<StoreRecord>& records, const Places& places, int64_t round) {
  return std::count_if(places.begin(), places.end(), [&](size_t place) { return records[place].round == round; });
}

TEST_CASE("every law has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(draws()).empty());
  CHECK(draws().names() == std::vector<std::string>{"all", "mix", "recency", "uniform"});
  CHECK(faulty_entries(evictions()).empty());
  CHECK(evictions().names() == std::vector<std::string>{"age", "max"});
}

TEST_CASE("no law draws from an empty store, and one record is all there is") {
  for (const std::string& name : draws().names()) {
    INFO(name);
    CHECK(law(name)->draw({}, 0, 1).empty());
    CHECK(law(name)->draw({}, 3, 1).empty());
    CHECK(law(name)->draw(records({1}), 0, 1) == Places{0});
    CHECK(law(name)->draw(records({1}), 1, 1) == Places{0});
  }
}

TEST_CASE("the same key draws the same, another key something else") {
  const std::vector<StoreRecord> many = records({20, 20, 20});
  for (const char* name : {"uniform", "mix", "recency"}) {
    INFO(name);
    CHECK(law(name)->draw(many, 30, 5) == law(name)->draw(many, 30, 5));
    CHECK(law(name)->draw(many, 30, 5) != law(name)->draw(many, 30, 6));
  }
}

TEST_CASE("all gives the records oldest first, or the newest n") {
  const std::vector<StoreRecord> five = records({2, 3});
  CHECK(law("all")->draw(five, 0, 1) == Places{0, 1, 2, 3, 4});
  CHECK(law("all")->draw(five, 2, 1) == Places{3, 4});
  CHECK(law("all")->draw(five, 9, 1) == Places{0, 1, 2, 3, 4});
}

TEST_CASE("laws without replacement give each record once, and all of them when asked for more") {
  const std::vector<StoreRecord> many = records({7, 1, 9});
  for (const char* name : {"uniform", "recency"}) {
    INFO(name);
    for (int64_t n : {0, 17, 100}) {
      const Places places = law(name)->draw(many, n, 3);
      CHECK(places.size() == 17);
      CHECK(distinct(places));
    }
    const Places some = law(name)->draw(many, 6, 3);
    CHECK(some.size() == 6);
    CHECK(distinct(some));
  }
}

// Each ordered pair of 4 records has probability 1/12; 4 standard deviations of 12,000 draws are 121.
TEST_CASE("uniform draws every ordered pair as often as any") {
  std::map<Places, int> seen;
  for (uint64_t key = 0; key < 12000; ++key) ++seen[law("uniform")->draw(records({4}), 2, key)];
  CHECK(seen.size() == 12);
  for (const auto& [places, times] : seen) CHECK(std::abs(times - 1000) < 121);
}

// Ages 0, 1, 2 at decay 1/2 weigh 4, 2, 1. P(newest first) = 4/7; P(newest, then the middle one) = 4/7 * 2/3 = 8/21.
TEST_CASE("recency draws in proportion to decay to the age") {
  const std::vector<StoreRecord> three = records({1, 1, 1});
  const int draws = 8000;
  int first = 0, order = 0;
  for (uint64_t key = 0; key < draws; ++key) {
    const Places places = law("recency")->draw(three, 2, key);
    first += places[0] == 2;
    order += places == Places{2, 1};
  }
  CHECK(std::abs(first - draws * 4 / 7) < 178);  // 4 standard deviations
  CHECK(std::abs(order - draws * 8 / 21) < 174);
}

TEST_CASE("recency does not change the order of records when others are forgotten") {
  std::vector<StoreRecord> many = records({5, 5});
  const Places before = law("recency")->draw(many, 0, 9);
  const std::vector<StoreRecord> rest(many.begin() + 5, many.end());
  Places expected;
  for (size_t place : before)
    if (place >= 5) expected.push_back(place - 5);
  CHECK(law("recency")->draw(rest, 0, 9) == expected);
}

TEST_CASE("recency survives ages at which the weight is no longer a number above 0") {
  std::vector<StoreRecord> old = records({1, 1});
  old[0].age = 1000000;
  CHECK(law("recency")->draw(old, 0, 4) == Places{1, 0});
}

TEST_CASE("mix gives the newest round its share in every stretch") {
  const std::vector<StoreRecord> many = records({60, 30, 10});
  const Places places = law("mix")->draw(many, 20, 11);
  REQUIRE(places.size() == 20);
  CHECK(from_round(many, places, 3) == 10);
  for (size_t i = 0; i < 20; i += 2) CHECK(from_round(many, {places[i], places[i + 1]}, 3) == 1);
  CHECK(distinct(places));
}

TEST_CASE("mix repeats a part only once all of it was used") {
  const std::vector<StoreRecord> many = records({90, 10});
  const Places places = law("mix")->draw(many, 0, 11);
  REQUIRE(places.size() == 100);
  std::map<size_t, int> times;
  for (size_t place : places) ++times[place];
  for (size_t place = 90; place < 100; ++place) CHECK(times[place] == 5);
  CHECK(from_round(many, places, 1) == 50);
  CHECK(times.size() == 60);
}

TEST_CASE("mix rounds its share and takes all from one part where the other is empty") {
  const std::vector<StoreRecord> many = records({5, 5});
  CHECK(from_round(many, law("mix", {{"newest", 0.3}})->draw(many, 7, 1), 2) == 2);
  CHECK(from_round(many, law("mix", {{"newest", 0}})->draw(many, 7, 1), 2) == 0);
  CHECK(from_round(many, law("mix", {{"newest", 1}})->draw(many, 7, 1), 2) == 7);
  CHECK(law("mix")->draw(records({6}), 4, 1).size() == 4);
}

TEST_CASE("age forgets what is older") {
  const std::vector<StoreRecord> many = records({2, 1, 1});
  const auto age = make_plugin(evictions(), "age", {{"rounds", 1}});
  CHECK(age->evict(many) == Places{0, 1});
  CHECK(age->evict({}).empty());
  CHECK(make_plugin(evictions(), "age", {{"rounds", 2}})->evict(many).empty());
}

TEST_CASE("max forgets the oldest first") {
  const auto max = make_plugin(evictions(), "max", {{"records", 2}});
  CHECK(max->evict(records({3, 1})) == Places{0, 1});
  CHECK(max->evict(records({1, 1})).empty());
  CHECK(max->evict({}).empty());
}

}  // namespace
}  // namespace sil::test
