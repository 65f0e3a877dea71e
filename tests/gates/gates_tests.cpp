#include "gates/gates.h"

#include <limits>

#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {
namespace {

const Registry<Gate>& gates() {
  static const Registry<Gate> registry = [] {
    Registry<Gate> made{"gate"};
    register_always(made);
    register_at_least(made);
    return made;
  }();
  return registry;
}

std::unique_ptr<Gate> at_least(Json::Object options = {}) {
  return make_plugin(gates(), "at_least", std::move(options));
}

Figures figures(const std::vector<double>& scores) {
  Figures figures;
  for (size_t i = 0; i < scores.size(); ++i) figures.per_problem[100 + i] = scores[i];
  return figures;
}

double mean_of(const Figures& figures) {
  double sum = 0;
  for (const auto& [uid, score] : figures.per_problem) sum += score;
  return figures.per_problem.empty() ? 0 : sum / static_cast<double>(figures.per_problem.size());
}

Decision decide(const Gate& gate, const std::vector<double>& incumbent, const std::vector<double>& candidate) {
  const Figures before = figures(incumbent), after = figures(candidate);
  GateInput input;
  input.incumbent = &before;
  input.candidate = &after;
  input.incumbent_value = mean_of(before);
  input.value = mean_of(after);
  input.key = 7;
  return gate.decide(input);
}

// Only the figures, as of a metric that has no problems.
Decision decide(const Gate& gate, double incumbent, double candidate) {
  const Figures none;
  GateInput input;
  input.incumbent = input.candidate = &none;
  input.incumbent_value = incumbent;
  input.value = candidate;
  return gate.decide(input);
}

TEST_CASE("every gate has help, and its shorthand is one of its options") {
  CHECK(faulty_entries(gates()).empty());
  CHECK(gates().names() == std::vector<std::string>{"always", "at_least"});
}

TEST_CASE("always accepts and needs nothing") {
  const auto gate = make_plugin(gates(), "always");
  CHECK(gate->metric().empty());
  CHECK_FALSE(gate->needs_incumbent());
  CHECK(gate->decide({}).accept);
}

TEST_CASE("at_least holds pass@1 against the incumbent where nothing is said") {
  const auto gate = at_least();
  CHECK(gate->metric() == "pass@1");
  CHECK(gate->needs_incumbent());
  CHECK(decide(*gate, 0.6, 0.6).accept);
  CHECK(decide(*gate, 0.6, 0.61).accept);
  const Decision worse = decide(*gate, 0.6, 0.5875);
  CHECK_FALSE(worse.accept);
  CHECK(worse.reason == "pass@1 0.5875 not >= incumbent 0.6");
  CHECK(worse.metrics.at("difference") == Approx(-0.0125));
}

TEST_CASE("above asks for more than the bound") {
  const auto gate = at_least({{"metric", "trial.best"}, {"above", 0}});
  CHECK(gate->metric() == "trial.best");
  CHECK_FALSE(gate->needs_incumbent());
  CHECK_FALSE(decide(*gate, 0.9, 0.0).accept);
  const Decision better = decide(*gate, 0.9, 0.25);
  CHECK(better.accept);
  CHECK(better.reason == "trial.best 0.25 > 0");
  CHECK(better.metrics.at("difference") == Approx(0.25));
}

TEST_CASE("margin lowers the bound, a negative one raises it") {
  const auto loose = at_least({{"margin", 0.125}});
  CHECK(decide(*loose, 0.5, 0.375).accept);
  CHECK_FALSE(decide(*loose, 0.5, 0.37).accept);
  CHECK(decide(*loose, 0.5, 0.375).reason == "pass@1 0.375 >= incumbent 0.5 - margin 0.125");
  const auto tight = at_least({{"margin", -0.125}});
  CHECK_FALSE(decide(*tight, 0.5, 0.62).accept);
  CHECK(decide(*tight, 0.5, 0.625).accept);
}

TEST_CASE("a figure that is no number is rejected") {
  CHECK_FALSE(decide(*at_least(), 0.5, std::numeric_limits<double>::quiet_NaN()).accept);
  CHECK_FALSE(decide(*at_least({{"above", 0.5}}), 0, std::numeric_limits<double>::quiet_NaN()).accept);
}

TEST_CASE("without an incumbent there is nothing to fall short of") {
  GateInput input;
  input.value = 0.1;
  const Decision decision = at_least()->decide(input);
  CHECK(decision.accept);
  CHECK(decision.reason == "pass@1 0.1, no incumbent to compare with");
  CHECK_FALSE(at_least({{"at_least", 0.2}})->decide(input).accept);
}

// Every resample of equal differences has the same mean, so all figures follow by hand: no resample of +0.25 is at or
// below 0, and with the add-one of 2000 resamples p = 1/2001.
TEST_CASE("confidence accepts what every resample supports") {
  const auto gate = at_least({{"confidence", 0.95}});
  const Decision decision = decide(*gate, {0.25, 0.5, 0.0}, {0.5, 0.75, 0.25});
  CHECK(decision.accept);
  CHECK(decision.metrics.at("difference") == Approx(0.25));
  CHECK(decision.metrics.at("difference.low") == Approx(0.25));
  CHECK(decision.metrics.at("difference.high") == Approx(0.25));
  CHECK(decision.metrics.at("p_value") == Approx(1.0 / 2001));
  CHECK(decision.reason == "pass@1 0.5 >= incumbent 0.25, p 0.0004998 <= 0.05");
}

TEST_CASE("confidence rejects equal figures unless the margin covers them") {
  const std::vector<double> same = {1.0, 0.0, 0.5};
  const Decision strict = decide(*at_least({{"confidence", 0.95}}), same, same);
  CHECK_FALSE(strict.accept);
  CHECK(strict.metrics.at("p_value") == Approx(1));
  CHECK(strict.reason == "pass@1 0.5 >= incumbent 0.5, p 1 > 0.05 over 3 problems");
  const Decision loose = decide(*at_least({{"confidence", 0.95}, {"margin", 0.125}}), same, same);
  CHECK(loose.accept);
  CHECK(loose.metrics.at("difference.low") == Approx(0).margin(1e-12));
}

TEST_CASE("confidence rejects a better figure that two problems cannot prove") {
  const Decision decision = decide(*at_least({{"confidence", 0.95}}), {0.0, 1.0}, {1.0, 0.5});
  CHECK_FALSE(decision.accept);  // a quarter of the resamples holds the worse problem twice
  CHECK(decision.metrics.at("p_value") == Approx(0.25).margin(0.04));
  CHECK(decision.metrics.at("difference.low") == Approx(-0.5));
  CHECK(decision.metrics.at("difference.high") == Approx(1));
}

TEST_CASE("confidence about a number resamples the candidate alone") {
  const auto gate = at_least({{"at_least", 0.5}, {"confidence", 0.9}});
  CHECK(decide(*gate, {0.0, 0.0}, {0.75, 0.75}).accept);
  CHECK_FALSE(decide(*gate, {0.0, 0.0}, {1.0, 0.0}).accept);
}

TEST_CASE("confidence without a common problem is rejected") {
  const Decision decision = decide(*at_least({{"confidence", 0.9}}), std::vector<double>{}, {1.0});
  CHECK_FALSE(decision.accept);
  CHECK_THAT(decision.reason, Catch::Contains("no problem to resample"));
}

TEST_CASE("regressions bounds how many problems got worse") {
  const std::vector<double> before = {1.0, 1.0, 0.0, 0.0, 0.0}, after = {0.5, 0.0, 1.0, 1.0, 1.0};
  CHECK(decide(*at_least(), before, after).metrics.at("regressions") == 2);
  CHECK(decide(*at_least({{"regressions", 2}}), before, after).accept);
  const Decision decision = decide(*at_least({{"regressions", 1}}), before, after);
  CHECK_FALSE(decision.accept);
  CHECK(decision.reason == "pass@1 0.7 >= incumbent 0.4, 2 problems got worse, allowed 1");
  CHECK(at_least({{"at_least", 0.5}, {"regressions", 0}})->needs_incumbent());
}

TEST_CASE("a bound that is no bound is refused") {
  CHECK_THROWS_WITH(at_least({{"at_least", "incumbent"}, {"above", 0}}), Catch::Contains("both at_least and above"));
  CHECK_THROWS_WITH(at_least({{"above", "champion"}}), Catch::Contains("above is \"champion\"; allowed"));
  CHECK_THROWS_WITH(at_least({{"at_least", true}}), Catch::Contains("at_least is true; allowed"));
}

}  // namespace
}  // namespace sil::test
