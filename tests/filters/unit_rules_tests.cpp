#include "filters/shelf.h"
#include "support/catch.h"

namespace sil::test {
namespace {

constexpr std::nullopt_t kAbstains = std::nullopt;

TEST_CASE("every filter has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(filters()).empty());
  CHECK(filters().names() == std::vector<std::string>{"all", "band", "dedupe", "length", "lua", "pass", "per_problem",
                                                      "threshold", "top_k", "varied"});
  CHECK(filters().find("threshold")->shorthand == "at");
  CHECK(filters().find("dedupe")->shorthand == "by");
}

TEST_CASE("all keeps failed and abstaining rollouts too") {
  Pool pool(one(group({1.0, 0.0, kAbstains})));
  pool.keep(*rule("all"));
  CHECK(pool.dropped() == Reasons{"", "", ""});
}

TEST_CASE("pass says whether a dropped rollout failed or abstained") {
  Pool pool(one(group({1.0, 0.0, kAbstains, 0.5})));
  pool.keep(*rule("pass"));
  CHECK(pool.dropped() == Reasons{"", "failed", "abstained", ""});
}

TEST_CASE("pass drops a rollout that nobody judged") {
  Group unjudged = group({1.0});
  unjudged.rollouts[0].verdicts.clear();
  Pool pool(one(unjudged));
  pool.keep(*rule("pass"));
  CHECK(pool.dropped() == Reasons{"abstained"});
}

TEST_CASE("pass reads the most recent verdict, or the one that by names") {
  Group judged = group({1.0});
  judged.rollouts[0].verdicts = {verdict(1, "exact"), verdict(0, "style")};
  Pool newest(one(judged));
  newest.keep(*rule("pass"));
  CHECK(newest.dropped() == Reasons{"failed"});
  Pool named(one(judged));
  named.context.by = "exact";
  named.keep(*rule("pass"));
  CHECK(named.dropped() == Reasons{""});
}

TEST_CASE("a rule leaves the reason of an earlier rule in place") {
  Pool pool(one(group({0.0, 1.0})));
  pool.drop(0, 0, "duplicate");
  for (const char* name : {"pass", "threshold", "varied", "band", "dedupe", "top_k", "per_problem"})
    pool.keep(*rule(name));
  CHECK(pool.dropped() == Reasons{"duplicate", ""});
}

TEST_CASE("threshold keeps a score equal to it") {
  Pool pool(one(group({0.3, 0.29, kAbstains, 1.0})));
  pool.keep(*rule("threshold", {{"at", 0.3}}));
  CHECK(pool.dropped() == Reasons{"", "below threshold", "abstained", ""});
}

TEST_CASE("rules do nothing to an empty group") {
  for (const std::string& name : filters().names()) {
    if (name == "lua" || name == "length") continue;  // need an option
    Pool pool(one(group({})));
    pool.keep(*rule(name));
    CHECK(pool.dropped().empty());
  }
  Pool pool(one(group({})));
  pool.keep(*rule("lua", {{"expr", "false"}}));
  pool.keep(*rule("length", {{"below_top", 1}}));
  CHECK(pool.dropped().empty());
}

TEST_CASE("lua keeps where its expression is true, and nil is not") {
  Pool pool(one(group({0.9, 0.2, kAbstains})));
  pool.keep(*rule("lua", {{"expr", "score and score > 0.5"}}));
  CHECK(pool.dropped() == Reasons{"", "not (score and score > 0.5)", "not (score and score > 0.5)"});
}

TEST_CASE("the reason of a long expression is cut at a character") {
  std::string expr = "text == '";
  while (expr.size() < 59) expr += "x";
  const std::string head = expr;
  expr += "\xC3\xA9' or\n text == 'y'";  // a two-byte character lies across the cut at 60
  Pool pool(one(group({1.0})));
  pool.keep(*rule("lua", {{"expr", expr}}));
  CHECK(pool.dropped() == Reasons{"not (" + head + "...)"});
}

}  // namespace
}  // namespace sil::test
