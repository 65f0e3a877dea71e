// A task whose prompts and answers are small formulas of the recipe over `index` and `random`.
#include <cmath>

#include "sil/expression.h"
#include "sil/rng.h"
#include "tasks/generated.h"
#include "tasks/tasks.h"

namespace sil {
namespace {

struct LuaTaskOptions {
  TaskOptions task;
  int64_t size = 0;
  Expression prompt, solution;
  std::string alphabet;

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("size", size, {.help = "how many problems there are", .low = 1, .high = 0x1p53, .required = true});
    v.option("prompt", prompt,
             {.help = "Lua: text, of `index` (from 0) and of random.NAME, for each name a number from 0 to 1 that "
                      "belongs to the index",
              .required = true});
    v.option("solution", solution, {.help = "Lua: the answer, text or a number; without it problems have none"});
    v.option("alphabet", alphabet, {.help = "characters of prompts and answers, for the tokenizer `chars`"});
  }
};

// For each name another number, which belongs to the problem.
class RandomScope final : public Scope {
 public:
  explicit RandomScope(int64_t index) : index_(index) {}
  Value get(std::string_view field) const override {
    const uint64_t key = Sha256().field("lua task").field(field).finish().head();
    return RandomStream(key, static_cast<uint64_t>(index_)).unit();
  }
  std::vector<std::string> fields() const override { return {}; }
  bool open() const override { return true; }

 private:
  int64_t index_;
};

class ProblemScope final : public Scope {
 public:
  explicit ProblemScope(int64_t index) : index_(index), random_(std::make_shared<RandomScope>(index)) {}
  Value get(std::string_view field) const override {
    if (field == "index") return static_cast<double>(index_);
    if (field == "random") return random_;
    return {};
  }
  std::vector<std::string> fields() const override { return {"index", "random"}; }

 private:
  int64_t index_;
  std::shared_ptr<const Scope> random_;
};

class LuaTask final : public GeneratedTask {
 public:
  explicit LuaTask(LuaTaskOptions options)
      : GeneratedTask(options.task, options.alphabet), options_(std::move(options)) {
    std::vector<Finding> findings;
    for (const Expression* expression : {&options_.prompt, &options_.solution}) {
      if (expression->empty()) continue;
      const std::vector<Finding> found = expression->check(ProblemScope(0));
      findings.insert(findings.end(), found.begin(), found.end());
    }
    if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
    prove_pure(options_.size, "lua/1\n" + options_.prompt.source() + "\n" + options_.solution.source());
  }

 private:
  Json row(int64_t index) const override {
    const ProblemScope scope(index);
    Json out = Json::object();
    out.set("prompt", value(options_.prompt, "prompt", scope));
    if (!options_.solution.empty()) out.set("answer", value(options_.solution, "solution", scope));
    return out;
  }

  static Json value(const Expression& expression, const char* option, const Scope& scope) {
    const Value made = expression.evaluate(scope);
    if (const auto* text = std::get_if<std::string>(&made)) return *text;
    if (const auto* number = std::get_if<double>(&made)) return whole_or_not(*number);
    throw Error(Exit::unreadable, std::string("lua: `") + option + "` gives neither text nor a number",
                "end it with `return TEXT`", expression.place());
  }

  static Json whole_or_not(double number) {
    constexpr double kExact = 0x1p53;
    if (number == std::trunc(number) && std::fabs(number) <= kExact) return static_cast<int64_t>(number);
    return number;
  }

  LuaTaskOptions options_;
};

}  // namespace

void register_lua(Registry<Task>& registry) {
  registry.add<LuaTask, LuaTaskOptions>("lua", "problems by formulas of the recipe");
}

}  // namespace sil
