#include "verifiers/list.h"

#include "support/catch.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;

// Gives the score that the completion names: "0.25", "abstain", or "pass 0.25" with a label of its own.
class Says final : public Verifier {
 public:
  explicit Says(NoOptions) {}
  std::string version() const override { return "7"; }
  void verify(std::span<const JudgeItem> items, const JudgeContext&, std::span<Verdict> verdicts) const override {
    for (size_t i = 0; i < items.size(); ++i) {
      const std::string& text = items[i].rollout->text;
      if (text == "abstain") {
        verdicts[i] = abstained(Outcome::timeout, "slept");
        continue;
      }
      const bool pass = text.starts_with("pass ");
      verdicts[i] = scored(std::stod(pass ? text.substr(5) : text));
      if (pass) verdicts[i].label = Label::pass;
      verdicts[i].cost_us = 10;
    }
  }
};

Registry<Verifier> shelf() {
  Registry<Verifier> registry("verifier");
  registry.add<Says, NoOptions>("says", "");
  register_regex(registry);
  register_score(registry);
  register_majority(registry);
  register_program(registry);
  return registry;
}

PluginSpec pattern(const std::string& regex, double weight = 1) {
  return spec_of("regex", options_of({{"pattern", regex}}), weight);
}

Verdict of_list(const std::vector<PluginSpec>& specs, const std::string& combine, const std::string& text,
                double pass_at = 0.5) {
  return judge(*make_verifier(specs, combine, pass_at, shelf()), group_of({text}, std::nullopt))[0];
}

void check(const Verdict& verdict, double score, Label label) {
  CHECK(verdict.score == Approx(score));
  CHECK(name(verdict.label) == name(label));
}

Exit code_of(const std::vector<PluginSpec>& specs, const std::string& combine) {
  try {
    make_verifier(specs, combine, 0.5, shelf());
  } catch (const Error& error) {
    return error.code();
  }
  return Exit::ok;
}

// On the text "0.6": says 0.6, regex 0 passes (1), regex x fails (0).
const std::vector<PluginSpec> kThree{spec_of("says", Json::object(), 0.5), pattern("0", 0.25), pattern("x", 2)};

TEST_CASE("sum, mean, product and min by hand") {
  check(of_list(kThree, "sum", "0.6"), 0.55, Label::pass);  // 0.5*0.6 + 0.25*1 + 2*0
  check(of_list(kThree, "mean", "0.6"), 0.2, Label::fail);  // 0.55 / 2.75
  check(of_list(kThree, "product", "0.6"), 0, Label::fail);
  check(of_list(kThree, "min", "0.6"), 0, Label::fail);
  const std::vector<PluginSpec> two{spec_of("says", Json::object(), 2), pattern("0", 3)};
  check(of_list(two, "product", "0.8"), 0.64, Label::pass);  // 0.8^2 * 1^3
  check(of_list(two, "min", "0.8"), 0.8, Label::pass);
  check(of_list(two, "mean", "0.8"), 0.92, Label::pass);  // (1.6 + 3) / 5
}

TEST_CASE("the label of a list is decided by pass_at") {
  check(of_list(kThree, "sum", "0.6", 0.55), 0.55, Label::pass);
  check(of_list(kThree, "sum", "0.6", 0.56), 0.55, Label::fail);
}

TEST_CASE("a guard lets the last part speak only when all before it passed") {
  const std::vector<PluginSpec> guarded{pattern("^pass"), spec_of("says")};
  check(of_list(guarded, "guard", "pass 0.3"), 0.3, Label::pass);  // the last part's own label
  check(of_list(guarded, "guard", "0.9"), 0, Label::fail);
}

TEST_CASE("a single verifier keeps its own label, with a weight too") {
  check(of_list({spec_of("says")}, "sum", "pass 0.1"), 0.1, Label::pass);
  check(of_list({spec_of("says", Json::object(), 2)}, "sum", "pass 0.1"), 0.2, Label::pass);
  CHECK(of_list({spec_of("says")}, "sum", "abstain").reason == "slept");
}

TEST_CASE("a list abstains if a part with a weight abstains, with that part's class and reason") {
  const Verdict verdict = of_list({pattern("a"), spec_of("says", Json::object(), 0.1)}, "sum", "abstain");
  CHECK(verdict.label == Label::abstain);
  CHECK(verdict.outcome == Outcome::timeout);
  CHECK(verdict.reason == "says: slept");
  CHECK(verdict.parts == std::vector<std::pair<std::string, double>>{{"regex", 1}});
}

TEST_CASE("a part with weight 0 is recorded and changes nothing") {
  check(of_list({pattern("a"), spec_of("says", Json::object(), 0)}, "sum", "abstain"), 1, Label::pass);
  const Verdict verdict = of_list({pattern("0"), spec_of("says", Json::object(), 0)}, "min", "0.1");
  check(verdict, 1, Label::pass);
  CHECK(verdict.parts == std::vector<std::pair<std::string, double>>{{"regex", 1}, {"says", 0.1}});
}

TEST_CASE("parts are named apart, reasons joined, costs added") {
  const Verdict verdict = of_list({pattern("x"), pattern("y"), spec_of("says")}, "sum", "0.1");
  CHECK(verdict.parts == std::vector<std::pair<std::string, double>>{{"regex", 0}, {"regex_2", 0}, {"says", 0.1}});
  CHECK(verdict.reason == "regex: does not match `x`; regex_2: does not match `y`");
  CHECK(verdict.cost_us >= 10);
}

TEST_CASE("a score that is no number abstains") {
  const Verdict verdict = of_list({spec_of("says", Json::object(), 0.5), pattern("-")}, "product", "-1");  // (-1)^0.5
  CHECK(verdict.label == Label::abstain);
}

TEST_CASE("the version names every part in order; groups and purity come from the parts") {
  CHECK(make_verifier({pattern("x"), spec_of("says")}, "sum", 0.5, shelf())->version() == "regex@1+says@7");
  CHECK_FALSE(make_verifier({pattern("x")}, "sum", 0.5, shelf())->needs_group());
  CHECK(make_verifier({pattern("x"), spec_of("majority")}, "sum", 0.5, shelf())->needs_group());
  CHECK(make_verifier({pattern("x")}, "sum", 0.5, shelf())->pure());
  const PluginSpec program = spec_of("program", options_of({{"command", "true"}}));
  CHECK_FALSE(make_verifier({pattern("x"), program}, "sum", 0.5, shelf())->pure());  // starts nothing
}

TEST_CASE("lists that mean nothing are usage errors") {
  CHECK(code_of({}, "sum") == Exit::usage);
  CHECK(code_of({spec_of("says", Json::object(), 0)}, "sum") == Exit::usage);
  CHECK(code_of({pattern("x"), spec_of("says", Json::object(), -1)}, "mean") == Exit::usage);
  CHECK(code_of({pattern("x"), spec_of("says", Json::object(), -1)}, "sum") == Exit::ok);
  CHECK(code_of({pattern("x")}, "median") == Exit::usage);
  CHECK(code_of({spec_of("nobody")}, "sum") == Exit::usage);
}

class Fields final : public Scope {
 public:
  explicit Fields(std::map<std::string, Value> values) : values_(std::move(values)) {}
  Value get(std::string_view field) const override {
    const auto found = values_.find(std::string(field));
    return found == values_.end() ? Value{} : found->second;
  }
  std::vector<std::string> fields() const override { return {"rate"}; }

 private:
  std::map<std::string, Value> values_;
};

Verdict of_score(const std::string& expression, Value rate, double pass_at = 0.5) {
  JudgeContext context;
  context.scope = [&](const JudgeItem&) {
    return std::make_shared<Fields>(std::map<std::string, Value>{{"rate", rate}});
  };
  PluginSpec spec = spec_of("score", options_of({{"expr", expression}}));
  spec.options.set("pass_at", 0.5);  // the default, as the recipe's reader resolves it
  const auto verifier = make_verifier({spec}, "sum", pass_at, shelf());
  return judge(*verifier, group_of({"x"}, std::nullopt), context)[0];
}

TEST_CASE("a part's own pass_at stands against the list's") {
  const PluginSpec own = spec_of("score", options_of({{"expr", "rate"}, {"pass_at", 0.9}}));
  JudgeContext context;
  context.scope = [&](const JudgeItem&) {
    return std::make_shared<Fields>(std::map<std::string, Value>{{"rate", 0.8}});
  };
  const auto verifier = make_verifier({own}, "sum", 0.5, shelf());
  check(judge(*verifier, group_of({"x"}, std::nullopt), context)[0], 0.8, Label::fail);
}

TEST_CASE("score outside a round is a usage error") {
  const auto verifier = make_verifier({spec_of("score", options_of({{"expr", "1"}}))}, "sum", 0.5, shelf());
  CHECK_THROWS_AS(judge(*verifier, group_of({"x"}, std::nullopt)), Error);
}

TEST_CASE("score is the value of its formula; nil abstains, NaN stops; the list's pass_at is its own") {
  check(of_score("1 - 2*math.abs(rate - 0.5)", 0.75), 0.5, Label::pass);
  check(of_score("rate", 0.25), 0.25, Label::fail);
  check(of_score("rate", 0.25, 0.2), 0.25, Label::pass);
  check(of_score("rate > 0.2", 0.25), 1, Label::pass);
  CHECK(of_score("rate", Value{}).label == Label::abstain);
  CHECK_THROWS_AS(of_score("rate / rate", 0.0), Error);
  CHECK(of_score("rate", Value{}).outcome != Outcome::infra);
  check(of_score("rate or 0.9", Value{}), 0.9, Label::pass);
}

}  // namespace
}  // namespace sil
