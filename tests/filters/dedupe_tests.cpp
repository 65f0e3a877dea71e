#include <set>

#include "filters/hash_set.h"
#include "filters/shelf.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

// The answer is what stands behind the last '='.
class EqualsTask final : public Task, public AnswerExtractor {
 public:
  int64_t size() const override { return 1; }
  Problem at(int64_t) const override { return {}; }
  TaskCheck check(const Problem&, std::string_view) const override { return {}; }
  const AnswerExtractor& extractor() const override { return *this; }
  std::string alphabet() const override { return {}; }
  bool procedural() const override { return true; }
  bool distinct() const override { return true; }
  Digest digest() const override { return {}; }
  std::optional<std::string> extract(std::string_view completion, std::string*) const override {
    const size_t at = completion.rfind('=');
    if (at == std::string_view::npos) return std::nullopt;
    return std::string(completion.substr(at + 1));
  }
};

std::vector<Group> two(Group first, Group second) {
  std::vector<Group> groups = one(std::move(first));
  groups.push_back(std::move(second));
  return groups;
}

TEST_CASE("dedupe keeps the first of equal texts of a problem") {
  Pool pool(two(texts({"a", "b", "a", "a"}, 0), texts({"a"}, 1)));
  pool.keep(*rule("dedupe"));
  CHECK(pool.dropped(0) == Reasons{"", "", "duplicate", "duplicate"});
  CHECK(pool.dropped(1) == Reasons{""});
}

TEST_CASE("dedupe across problems keeps the first of the whole pool") {
  Pool pool(two(texts({"a", "b", "a"}, 0), texts({"b", "c"}, 1)));
  pool.keep(*rule("dedupe", {{"across", "problems"}}));
  CHECK(pool.dropped(0) == Reasons{"", "", "duplicate"});
  CHECK(pool.dropped(1) == Reasons{"duplicate", ""});
}

TEST_CASE("a rollout that an earlier rule dropped makes no duplicate") {
  for (const char* across : {"samples", "problems"}) {
    Pool pool(one(texts({"a", "a", "a"})));
    pool.drop(0, 0, "failed");
    pool.keep(*rule("dedupe", {{"across", across}}));
    CHECK(pool.dropped() == Reasons{"failed", "", "duplicate"});
  }
}

TEST_CASE("dedupe by answer compares what the task extracts; no answer equals nothing") {
  const EqualsTask task;
  Pool pool(one(texts({"2+2=4", "1+3=4", "none", "none", "2+3=5"})));
  pool.context.task = [&](const Problem&) { return &task; };
  pool.keep(*rule("dedupe", {{"by", "answer"}}));
  CHECK(pool.dropped() == Reasons{"", "duplicate", "", "", ""});
}

TEST_CASE("dedupe by answer without a task says so") {
  Pool pool(one(texts({"2+2=4"})));
  CHECK_THROWS_WITH(pool.keep(*rule("dedupe", {{"by", "answer"}})), Catch::Contains("0000000000000100 has no task"));
}

TEST_CASE("dedupe by a Lua key tells text from numbers and booleans") {
  Pool pool(one(texts({"A", "a", "b"})));
  pool.keep(*rule("dedupe", {{"by", "string.lower(text)"}}));
  CHECK(pool.dropped() == Reasons{"", "duplicate", ""});
  Pool kinds(one(texts({"1", "1", "2", "3"})));
  kinds.keep(*rule("dedupe", {{"by", "text == '3' and 1 or text"}}));
  CHECK(kinds.dropped() == Reasons{"", "duplicate", "", ""});
}

TEST_CASE("an empty pool has no duplicates") {
  Pool pool({});
  pool.keep(*rule("dedupe", {{"across", "problems"}}));
  Pool hollow(two(texts({}, 0), texts({"a"}, 1)));
  hollow.keep(*rule("dedupe", {{"across", "problems"}}));
  CHECK(hollow.dropped(1) == Reasons{""});
}

TEST_CASE("pool-wide dedupe agrees with a set of all texts") {
  RandomStream random(1, 2);
  std::vector<Group> groups;
  for (int64_t g = 0; g < 300; ++g) {
    std::vector<std::string> values(random.below(9));
    for (std::string& value : values) value = std::to_string(random.below(700));
    groups.push_back(texts(values, 3 * g));
  }
  Pool pool(groups);
  pool.keep(*rule("dedupe", {{"across", "problems"}}));
  std::set<std::string> seen;
  size_t wrong = 0;
  for (size_t g = 0; g < groups.size(); ++g)
    for (size_t i = 0; i < groups[g].rollouts.size(); ++i)
      wrong += pool.dropped(g)[i].empty() != seen.insert(groups[g].rollouts[i].text).second;
  CHECK(wrong == 0);
  CHECK(seen.size() > 500);
}

TEST_CASE("a hash set agrees with a tree set while it grows") {
  HashSet set;
  std::set<uint64_t> tree;
  RandomStream random(3, 4);
  size_t wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t hash = (random.below(9000) + 2) * 0x9E3779B97F4A7C15u;
    wrong += set.insert(hash) != tree.insert(hash).second;
  }
  CHECK(wrong == 0);
  CHECK(set.size() == tree.size());
  CHECK(set.insert(0));
  CHECK_FALSE(set.insert(0));
}

}  // namespace
}  // namespace sil::test
