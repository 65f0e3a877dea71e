// What every plug-in of a shelf must bear, whatever it does: a member that abstains, a group of one, an empty group, an
// empty pool. The registries are walked, so that a new plug-in is held to it without a line, unless it needs an option.
#include <cmath>
#include <map>

#include "app/builtins.h"
#include "support/catch.h"
#include "support/plugin.h"
#include "support/pool.h"

namespace sil::test {
namespace {

constexpr std::nullopt_t kAbstains = std::nullopt;

const Registries& shelves() {
  static const Builtins builtins;
  return builtins.registries;
}

// What plug-ins need that do not work without an option.
Json::Object least_options(const std::string& kind, const std::string& name) {
  static const std::map<std::string, Json::Object> needed = {
      {"filter/lua", {{"expr", "score and score > 0.5"}}},
      {"filter/length", {{"max", 2}, {"below_top", 1}}},
      {"credit/lua", {{"expr", "score or 0"}}},
      {"verifier/contains", {{"text", "4"}}},
      {"verifier/regex", {{"pattern", "^[0-9]+$"}}},
      {"verifier/score", {{"expr", "text == '4' and 1 or 0"}}},
      {"verifier/program", {{"command", "python3 " SIL_SOURCE_DIR "/configs/graders/digits.py"}}},
      {"gate/at_least", {{"at_least", "incumbent"}}},
      {"evict/age", {{"rounds", 2}}},
      {"evict/max", {{"records", 2}}},
      {"control/mastery", {{"metric", "evaluate.pass@1"}}},
      {"control/schedule", {{"values", Json(Json::Array{0.7, 0.5})}}},
  };
  const auto it = needed.find(kind + "/" + name);
  return it == needed.end() ? Json::Object{} : it->second;
}

template <class Interface>
std::unique_ptr<Interface> made(const Registry<Interface>& shelf, const std::string& name) {
  INFO(shelf.kind() << " " << name << ": when it needs an option, add it to least_options of this file");
  return make_plugin(shelf, name, least_options(std::string(shelf.kind()), name));
}

class Whole final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view text, std::string*) const override { return std::string(text); }
};

class FourTask final : public Task {
 public:
  int64_t size() const override { return 1; }
  Problem at(int64_t) const override { return {}; }
  TaskCheck check(const Problem&, std::string_view text) const override { return {text == "4", "not 4"}; }
  const AnswerExtractor& extractor() const override { return whole_; }
  std::string alphabet() const override { return {}; }
  bool procedural() const override { return true; }
  bool distinct() const override { return true; }
  Digest digest() const override { return {}; }

 private:
  Whole whole_;
};

const Task* four(const Problem&) {
  static const FourTask task;
  return &task;
}

TEST_CASE("every keep rule gives each dropped rollout one reason and leaves dropped ones dropped") {
  for (const std::string& name : shelves().filters.names()) {
    INFO(name);
    Pool pool({group({1.0, kAbstains, 0.0, 0.25}, 0), group({0.5}, 1), group({kAbstains}, 2), group({}, 3)});
    pool.context.task = four;
    pool.drop(0, 3, "before");
    pool.keep(*made(shelves().filters, name));
    CHECK(pool.dropped(0).size() == 4);
    CHECK(pool.dropped(0)[3] == "before");
    CHECK(pool.dropped(3).empty());
    Pool empty({});
    CHECK_NOTHROW(empty.keep(*made(shelves().filters, name)));
  }
}

TEST_CASE("no keep rule takes an abstention for a failure") {
  for (const std::string& name : shelves().filters.names()) {
    INFO(name);
    Pool pool(one(group({1.0, kAbstains, 0.0})));
    pool.context.task = four;
    pool.keep(*made(shelves().filters, name));
    if (name == "lua" || name == "length") continue;  // their reasons are the expression's and the length's
    CHECK(pool.dropped()[1] != "failed");
    CHECK(pool.dropped()[1] != "below threshold");
  }
}

TEST_CASE("every credit is finite, and an abstention moves nobody else's") {
  for (const std::string& name : shelves().credits.names()) {
    INFO(name);
    Pool with({group({1.0, kAbstains, 0.0, 0.5}, 0), group({1.0}, 1), group({kAbstains}, 2), group({}, 3)});
    Pool without({group({1.0, 0.0, 0.5}, 0), group({1.0}, 1), group({}, 3)});
    with.weigh(*made(shelves().credits, name));
    without.weigh(*made(shelves().credits, name));
    const std::vector<double> a = with.weights(0), b = without.weights(0);
    CHECK(std::vector<double>{a[0], a[2], a[3]} == b);
    CHECK(with.weights(1) == without.weights(1));
    for (size_t g = 0; g < 4; ++g)
      for (double weight : with.weights(g)) CHECK(std::isfinite(weight));
    Pool empty({});
    CHECK_NOTHROW(empty.weigh(*made(shelves().credits, name)));
  }
}

TEST_CASE("every shape accounts for every kept rollout: in an example or with a reason") {
  for (const std::string& name : shelves().shapes.names()) {
    INFO(name);
    Pool pool({group({1.0, kAbstains, 0.0}, 0), group({1.0}, 1), group({kAbstains}, 2), group({}, 3)});
    const std::vector<Example> examples = pool.shape(*made(shelves().shapes, name));
    std::string used;
    for (const Example& example : examples)
      for (const ExampleSequence& sequence : example.sequences)
        for (const Segment& segment : sequence.segments) used += segment.rollout + " ";
    for (size_t g = 0; g < 4; ++g)
      for (size_t r = 0; r < pool.group(g).rollouts.size(); ++r) {
        const std::string id = rollout_id("3", pool.group(g), pool.group(g).rollouts[r]);
        CHECK((used.find(id) != std::string::npos) == pool.fates[g][r].empty());
      }
    Pool empty({});
    CHECK(empty.shape(*made(shelves().shapes, name)).empty());
  }
}

TEST_CASE("every verifier judges no items, a group of one and an answer that is not there") {
  for (const std::string& name : shelves().verifiers.names()) {
    INFO(name);
    const auto verifier = made(shelves().verifiers, name);
    JudgeContext context;
    context.task = four;
    context.scope = [](const JudgeItem& item) {
      return std::make_shared<RolloutScope>(item.rollout->text, std::nullopt);
    };
    CHECK_NOTHROW(verifier->verify({}, context, {}));
    Group single = texts({"4"});
    auto problem = std::make_shared<Problem>(*single.problem);
    problem->answer = "4";
    single.problem = problem;
    const JudgeItem item{&single, &single.rollouts[0]};
    Verdict verdict;
    verifier->verify({&item, 1}, context, {&verdict, 1});
    CHECK(verdict.label == Label::pass);
    CHECK(verdict.outcome == Outcome::pass);
    CHECK(verdict.score == 1);
    CHECK_FALSE(verifier->version().empty());
    auto unknown = std::make_shared<Problem>(*single.problem);
    unknown->answer = std::nullopt;  // nothing to compare with: that is no failure of the completion
    single.problem = unknown;
    verifier->verify({&item, 1}, context, {&verdict, 1});
    CHECK(verdict.label != Label::fail);
  }
}

TEST_CASE("every gate decides without a problem, with one, and says why") {
  for (const std::string& name : shelves().gates.names()) {
    INFO(name);
    const auto gate = made(shelves().gates, name);
    const Figures none;
    Figures one;
    one.per_problem[7] = 1;
    for (const Figures* figures : std::initializer_list<const Figures*>{&none, &one}) {
      GateInput input{figures, figures, 0.5, 0.5, 3};
      const Decision decision = gate->decide(input);
      CHECK(decision.accept);  // as good as the incumbent
      CHECK_FALSE(decision.reason.empty());
      CHECK(gate->decide(input).reason == decision.reason);
    }
    CHECK_NOTHROW(gate->decide({nullptr, &none, 0.5, 0, 3}));
  }
}

TEST_CASE("every draw law and every eviction gives positions that are there, also of one record and of none") {
  std::vector<StoreRecord> records;
  for (int64_t i = 0; i < 6; ++i) records.push_back({static_cast<uint64_t>(i), 1 + i / 2, 2 - i / 2, i});
  for (size_t size : {size_t{0}, size_t{1}, size_t{6}}) {
    const std::vector<StoreRecord> some(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(size));
    for (const std::string& name : shelves().draws.names())
      for (int64_t n : {0, 1, 4, 9}) {
        INFO(name << " draws " << n << " of " << size);
        const std::vector<size_t> drawn = made(shelves().draws, name)->draw(some, n, 11);
        CHECK(drawn.empty() == some.empty());
        CHECK((n == 0 || drawn.size() <= static_cast<size_t>(n)));
        for (size_t position : drawn) CHECK(position < size);
      }
    for (const std::string& name : shelves().evictions.names()) {
      INFO(name << " evicts of " << size);
      for (size_t position : made(shelves().evictions, name)->evict(some)) CHECK(position < size);
    }
  }
}

TEST_CASE("every control gives no value or one that is there before anything was measured") {
  for (const std::string& name : shelves().controls.names()) {
    INFO(name);
    const auto control = made(shelves().controls, name);
    const std::vector<RoundMetrics> nothing;
    ControlInput input{1, &nothing, std::nullopt, Json(0.7)};
    const std::optional<Json> value = control->value(input);
    if (value) CHECK(value->is_number());
  }
}

}  // namespace
}  // namespace sil::test
