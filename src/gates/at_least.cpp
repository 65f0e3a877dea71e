// Accepts a candidate whose figure reaches a bound: the incumbent's figure, or a number.
//
// `confidence` asks for evidence instead of a point estimate: problems are resampled, and the share of resamples in
// which the candidate is not above (bound - margin) must be at most 1 - confidence. Evidence is always over the mean
// scores per problem, whatever the metric, because only those can be resampled in pairs.
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/statistics.h"
#include "gates/gates.h"

namespace sil {
namespace {

struct AtLeastOptions {
  std::string metric = "pass@1";
  Json at_least;
  Json above;
  double margin = 0;
  double confidence = 0;
  int64_t regressions = -1;
  void visit(OptionVisitor& v) {
    v.option("metric", metric, {.help = "pass@1 ... of the nearest evaluate above, or STEP.METRIC"});
    v.option("at_least", at_least,
             {.help = "incumbent or a number that must be reached; incumbent where nothing is said"});
    v.option("above", above, {.help = "incumbent or a number that must be exceeded"});
    v.option("margin", margin, {.help = "how far below the bound is good enough; negative: how far above it must be"});
    v.option("confidence", confidence,
             {.help = "of the paired bootstrap over problems that must support it, as 0.95; 0 = off",
              .low = 0,
              .high = 0.999});
    v.option("regressions", regressions,
             {.help = "most problems that may get worse than under the incumbent; -1 = any", .low = -1});
  }
};

// What the candidate is held against.
struct Bound {
  bool strict = false;
  bool incumbent = true;
  double number = 0;
};

Bound read_bound(const AtLeastOptions& options) {
  if (!options.at_least.is_null() && !options.above.is_null())
    throw Error(Exit::usage, "gate: both at_least and above are given", "give one of them");
  Bound bound;
  bound.strict = !options.above.is_null();
  const Json& value = bound.strict ? options.above : options.at_least;
  if (value.is_null() || (value.is_string() && value.as_string() == "incumbent")) return bound;
  if (!value.is_number())
    throw Error(Exit::usage,
                std::string("gate: ") + (bound.strict ? "above" : "at_least") + " is " + dump(value) +
                    "; allowed: incumbent or a number",
                value.is_string() ? "a metric of the candidate is named by metric" : "");
  bound.incumbent = false;
  bound.number = value.as_double();
  return bound;
}

// Mean scores of the same problems: what the bound says, what the candidate got.
struct Pairs {
  std::vector<double> bound;
  std::vector<double> candidate;
};

Pairs pair_up(const GateInput& input, const Bound& bound) {
  Pairs pairs;
  if (!input.candidate || (bound.incumbent && !input.incumbent)) return pairs;
  for (const auto& [uid, score] : input.candidate->per_problem) {
    double against = bound.number;
    if (bound.incumbent) {
      auto it = input.incumbent->per_problem.find(uid);
      if (it == input.incumbent->per_problem.end()) continue;
      against = it->second;
    }
    pairs.bound.push_back(against);
    pairs.candidate.push_back(score);
  }
  return pairs;
}

int64_t count_regressions(const GateInput& input) {
  const Pairs pairs = pair_up(input, Bound{});
  int64_t worse = 0;
  for (size_t i = 0; i < pairs.bound.size(); ++i) worse += pairs.candidate[i] < pairs.bound[i] ? 1 : 0;
  return worse;
}

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

class AtLeast final : public Gate {
 public:
  explicit AtLeast(AtLeastOptions options) : options_(std::move(options)), bound_(read_bound(options_)) {}

  std::string metric() const override { return options_.metric; }
  bool needs_incumbent() const override { return bound_.incumbent || options_.regressions >= 0; }

  Decision decide(const GateInput& input) const override {
    if (bound_.incumbent && !input.incumbent)
      return {true, options_.metric + " " + figure(input.value) + ", no incumbent to compare with", {}};
    Decision decision = compare(input);
    add_evidence(input, decision);
    add_regressions(input, decision);
    return decision;
  }

 private:
  Decision compare(const GateInput& input) const {
    const double bound = bound_.incumbent ? input.incumbent_value : bound_.number;
    const double least = bound - options_.margin;
    Decision decision;
    decision.accept = bound_.strict ? input.value > least : input.value >= least;  // false for a NaN
    decision.metrics["difference"] = input.value - bound;
    const char* relation =
        decision.accept ? (bound_.strict ? " > " : " >= ") : (bound_.strict ? " not > " : " not >= ");
    decision.reason = options_.metric + " " + figure(input.value) + relation;
    if (bound_.incumbent) decision.reason += "incumbent ";
    decision.reason += figure(bound);
    if (options_.margin > 0) decision.reason += " - margin " + figure(options_.margin);
    if (options_.margin < 0) decision.reason += " + margin " + figure(-options_.margin);
    return decision;
  }

  void add_evidence(const GateInput& input, Decision& decision) const {
    Pairs pairs = pair_up(input, bound_);
    if (pairs.bound.empty()) {
      if (options_.confidence > 0) reject(decision, "no problem to resample for confidence");
      return;
    }
    for (double& score : pairs.bound) score -= options_.margin;
    const PairedTest test = paired_bootstrap(pairs.bound, pairs.candidate, input.key);
    decision.metrics["p_value"] = test.p_value;
    decision.metrics["difference.low"] = test.interval.low - options_.margin;
    decision.metrics["difference.high"] = test.interval.high - options_.margin;
    if (options_.confidence == 0) return;
    const double largest = 1 - options_.confidence;
    const std::string p = "p " + figure(test.p_value);
    if (test.p_value <= largest) {
      decision.reason += ", " + p + " <= " + figure(largest);
    } else {
      reject(decision, p + " > " + figure(largest) + " over " + std::to_string(pairs.bound.size()) + " problems");
    }
  }

  void add_regressions(const GateInput& input, Decision& decision) const {
    if (!input.incumbent || !input.candidate) return;
    const int64_t worse = count_regressions(input);
    decision.metrics["regressions"] = static_cast<double>(worse);
    if (options_.regressions >= 0 && worse > options_.regressions)
      reject(decision, std::to_string(worse) + " problems got worse, allowed " + std::to_string(options_.regressions));
  }

  static void reject(Decision& decision, const std::string& why) {
    decision.accept = false;
    decision.reason += ", " + why;
  }

  AtLeastOptions options_;
  Bound bound_;
};

}  // namespace

void register_at_least(Registry<Gate>& registry) {
  registry.add<AtLeast, AtLeastOptions>("at_least", "accept when a metric reaches the incumbent's figure or a number",
                                        "at_least");
}

}  // namespace sil
