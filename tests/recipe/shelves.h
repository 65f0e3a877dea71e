// Small shelves of every kind, with plug-ins that keep the options they were made with.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "recipe/recipe.h"
#include "sil/registry.h"

namespace sil::test {

class Thing {
 public:
  virtual ~Thing() = default;
};

template <class Options>
class Holder final : public Thing {
 public:
  explicit Holder(Options given) : options(std::move(given)) {}
  Options options;
};

struct GenerateOptions {
  std::vector<std::string> tasks;
  std::string role;
  int64_t problems = 64, samples = 1;
  double temperature = 1;
  std::vector<std::string> stop;
  std::vector<int64_t> stop_ids;
  Json view;
  bool greedy = false;
  void visit(OptionVisitor& v) {
    v.option("tasks", tasks, {.help = "where problems come from", .refers = "task"});
    v.option("role", role, {.help = "who answers", .refers = "role"});
    v.option("problems", problems, {.help = "how many", .low = 1});
    v.option("samples", samples, {.help = "rollouts of each problem", .low = 1, .high = 1e6, .unit = "rollouts"});
    v.option("temperature", temperature, {.help = "0 = greedy", .low = 0});
    v.option("stop", stop, {.help = "texts that end a rollout", .high = 4});
    v.option("stop_ids", stop_ids, {.help = "ids that end a rollout", .low = 0});
    v.option("view", view, {.help = "what is shown"});
    v.option("greedy", greedy, {.help = "always the likeliest token"});
  }
};

struct VerifyOptions {
  std::vector<PluginSpec> verifiers;
  std::string combine = "sum";
  double timeout = 10;
  void visit(OptionVisitor& v) {
    v.plugins("verifiers", "verifier", verifiers, {.help = "what judges", .required = true, .inline_value = true});
    v.option("combine", combine, {.help = "of weighted scores", .choices = {"sum", "mean", "min"}});
    v.option("timeout", timeout, {.help = "of one judgement", .low = 0, .above_low = true, .unit = "s"});
  }
};

struct FilterOptions {
  std::vector<PluginSpec> keep, weigh;
  void visit(OptionVisitor& v) {
    v.plugins("keep", "filter", keep, {.help = "rules in order"});
    v.plugins("weigh", "credit", weigh, {.help = "credit", .single = true});
  }
};

struct FinetuneOptions {
  Json from;
  std::vector<PluginSpec> loss;
  double learning_rate = 1e-3;
  int64_t epochs = 1;
  void visit(OptionVisitor& v) {
    v.option("from", from, {.help = "version to start from", .required = true});
    v.plugins("loss", "loss", loss, {.help = "what is minimised", .required = true});
    v.option("learning_rate", learning_rate, {.help = "step size", .low = 0, .above_low = true});
    v.option("epochs", epochs, {.help = "passes over the examples", .low = 1});
  }
};

struct EvaluateOptions {
  std::vector<std::string> tasks;
  int64_t samples = 1;
  void visit(OptionVisitor& v) {
    v.option("tasks", tasks, {.help = "what is measured on", .required = true, .refers = "task"});
    v.option("samples", samples, {.help = "rollouts of each problem", .low = 1});
  }
};

struct GateOptions {
  std::vector<PluginSpec> rule;
  void visit(OptionVisitor& v) {
    v.plugins(
        "rule", "gate", rule,
        {.help = "when to accept", .required = true, .inline_value = true, .fallback = "at_least", .single = true});
  }
};

// A plug-in that no code of the recipe knows.
struct WeatherOptions {
  int64_t days = 3;
  std::string place = "here";
  bool rain = false;
  void visit(OptionVisitor& v) {
    v.option("days", days, {.help = "how far to look", .low = 1, .high = 14, .unit = "days"});
    v.option("place", place, {.help = "where", .choices = {"here", "there"}});
    v.option("rain", rain, {.help = "whether it rains"});
  }
};

struct NumericOptions {
  double tolerance = 1e-6;
  void visit(OptionVisitor& v) { v.option("tolerance", tolerance, {.help = "largest difference", .low = 0}); }
};
struct ScoreOptions {
  Expression expr;
  double pass_at = 0.5;
  void visit(OptionVisitor& v) {
    v.option("expr", expr, {.help = "Lua", .required = true});
    v.option("pass_at", pass_at, {.help = "least passing score"});
  }
};
struct CountOptions {
  int64_t n = 1;
  void visit(OptionVisitor& v) { v.option("n", n, {.help = "how many", .low = 1}); }
};
struct LuaOptions {
  Expression expr;
  void visit(OptionVisitor& v) { v.option("expr", expr, {.help = "Lua", .required = true}); }
};
struct LossOptions {
  double coef = 1;
  void visit(OptionVisitor& v) { v.option("coef", coef, {.help = "factor"}); }
};
struct AtLeastOptions {
  std::string metric = "pass@1";
  Json at_least = "incumbent";
  void visit(OptionVisitor& v) {
    v.option("metric", metric, {.help = "what is compared"});
    v.option("at_least", at_least, {.help = "incumbent or a number"});
  }
};
struct ScheduleOptions {
  Json values;
  void visit(OptionVisitor& v) { v.option("values", values, {.help = "by round", .required = true}); }
};
struct AdditionOptions {
  std::vector<double> digits{2};
  Json split = "train";
  void visit(OptionVisitor& v) {
    v.option("digits", digits, {.help = "of the operands", .low = 1, .high = 18});
    v.option("split", split, {.help = "train, dev or test"});
  }
};
struct RowsOptions {
  std::string path;
  Json split = "train";
  void visit(OptionVisitor& v) {
    v.option("path", path, {.help = "file of rows", .required = true});
    v.option("split", split, {.help = "train, dev or test"});
  }
};
struct TableOptions {
  int64_t context = 4;
  void visit(OptionVisitor& v) { v.option("context", context, {.help = "letters looked at", .low = 0, .high = 16}); }
};

struct TestShelves {
  Registry<Thing> steps{"step"}, verifiers{"verifier"}, filters{"filter"}, credits{"credit"}, losses{"loss"};
  Registry<Thing> gates{"gate"}, controls{"control"}, tasks{"task"}, engines{"engine"}, tokenizers{"tokenizer"};
  Registry<Thing> draws{"draw"}, evictions{"evict"};

  TestShelves() {
    add<GenerateOptions>(steps, "generate");
    add<VerifyOptions>(steps, "verify");
    add<FilterOptions>(steps, "filter");
    add<FinetuneOptions>(steps, "finetune");
    add<EvaluateOptions>(steps, "evaluate");
    add<GateOptions>(steps, "gate");
    add<NoOptions>(verifiers, "exact");
    add<NoOptions>(verifiers, "format");
    add<NumericOptions>(verifiers, "numeric", "tolerance");
    add<ScoreOptions>(verifiers, "score", "expr");
    add<WeatherOptions>(verifiers, "weather");
    add<NoOptions>(filters, "pass");
    add<CountOptions>(filters, "per_problem", "n");
    add<LuaOptions>(filters, "lua", "expr");
    add<NoOptions>(credits, "group_zscore");
    add<LossOptions>(losses, "nll", "coef");
    add<LossOptions>(losses, "pg", "coef");
    add<AtLeastOptions>(gates, "at_least", "at_least");
    add<NoOptions>(gates, "always");
    add<ScheduleOptions>(controls, "schedule", "values");
    add<AdditionOptions>(tasks, "addition", "digits");
    add<RowsOptions>(tasks, "jsonl", "path");
    add<TableOptions>(engines, "table", "context");
    add<NoOptions>(tokenizers, "chars");
    add<NoOptions>(draws, "all");
    add<CountOptions>(draws, "newest", "n");
    add<CountOptions>(evictions, "age", "n");
  }

  Shelves all() const {
    return {&steps,    &verifiers, &filters, &credits,    &losses, &gates,
            &controls, &tasks,     &engines, &tokenizers, &draws,  &evictions};
  }

 private:
  template <class Options>
  static void add(Registry<Thing>& shelf, std::string name, std::string shorthand = {}) {
    shelf.add<Holder<Options>, Options>(name, "what " + name + " does", std::move(shorthand));
  }
};

inline const TestShelves& shelves() {
  static const TestShelves kShelves;
  return kShelves;
}

// The options that a factory makes of a spec.
template <class Options>
Options made(const Registry<Thing>& shelf, const PluginSpec& spec) {
  const std::unique_ptr<Thing> thing = shelf.make(spec);
  return dynamic_cast<const Holder<Options>&>(*thing).options;
}

inline const std::string kQuickstart = R"(name: additions
seed: 7
rounds: 6
models:
  lm: {table: {context: 8}, tokenizer: chars}
tasks:
  train: {addition: {digits: 2}}
  dev: {addition: {digits: 2}, split: dev}
  test: {addition: {digits: 3}, split: test}
round:
  - generate: {tasks: train, problems: 128, samples: 8, temperature: 0.8}
  - verify: exact
  - filter: {keep: [pass, {per_problem: 2}]}
  - finetune: {from: base, loss: nll, epochs: 1, learning_rate: 2.0e-5}
  - evaluate: {tasks: dev, samples: 4}
  - gate: {metric: pass@1, at_least: incumbent}
after:
  - evaluate: {tasks: test, samples: 4}
)";

inline Recipe read(const std::string& text, std::vector<std::string> overrides = {},
                   std::map<std::string, std::string> environment = {}) {
  return read_recipe({"recipe.yaml", text, std::move(overrides), std::move(environment)}, shelves().all());
}

// What reading says: "" when it succeeds. Any exit code but 2 fails the test by its text.
inline std::string errors(const std::string& text, std::vector<std::string> overrides = {},
                          std::map<std::string, std::string> environment = {}) {
  try {
    read(text, std::move(overrides), std::move(environment));
  } catch (const Error& error) {
    return (error.code() == Exit::usage ? "" : "not exit 2: ") + std::string(error.what());
  }
  return {};
}

// `text` with the first `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("the text lacks: " + from);
  return text.replace(at, from.size(), to);
}

}  // namespace sil::test
