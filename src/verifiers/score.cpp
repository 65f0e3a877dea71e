// A formula of the recipe over the unit, the pools that descend from it and the metrics of the round.
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct ScoreOptions {
  Expression expr;
  double pass_at = 0.5;
  void visit(OptionVisitor& v) {
    v.option("expr", expr, {.help = "Lua; nil where a number is needed abstains", .required = true});
    v.option("pass_at", pass_at, {.help = "least score that passes"});
  }
};

class Score final : public Verifier {
 public:
  explicit Score(ScoreOptions options) : options_(std::move(options)) {}
  std::string version() const override { return "1"; }

  void verify(std::span<const JudgeItem> items, const JudgeContext& context,
              std::span<Verdict> verdicts) const override {
    SIL_CHECK(items.size() == verdicts.size());
    if (!context.scope)
      throw Error(Exit::usage, "verifier `score` reads the pools and metrics of a round; there is no round here",
                  "use it in a recipe", options_.expr.place());
    for (size_t i = 0; i < items.size(); ++i) {
      const Value value = options_.expr.number(*context.scope(items[i]));
      const double* score = std::get_if<double>(&value);
      // Nothing broke when a value is not known: such abstentions are no errors of the judge.
      verdicts[i] = score ? scored(*score, options_.pass_at) : abstained(Outcome::fail, "the score is nil");
    }
  }

 private:
  ScoreOptions options_;
};

}  // namespace

void register_score(Registry<Verifier>& registry) {
  registry.add<Score, ScoreOptions>("score", "a formula over the unit and what descends from it", "expr");
}

}  // namespace sil
