// `sil judge` and `sil verifier test`: verifiers from the shell.
#include <deque>
#include <memory>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "recipe/option_reader.h"
#include "verifiers/conformance.h"
#include "verifiers/list.h"

namespace sil {
namespace {

PluginSpec verifier_spec(const std::string& verifier, const std::vector<std::string>& options, const Shelves& shelves) {
  const std::string text =
      options.empty() ? verifier : "{" + verifier + ": " + flow_map(options, "sil judge numeric tolerance=0.01") + "}";
  return parse_plugin(text, "verifier", shelves, {"sil judge", 0, 0});
}

void print_verdict(const Verdict& verdict) {
  Json parts = Json::object();
  for (const auto& [name, score] : verdict.parts) parts.set(name, score);
  Json out = Json::object();
  out.set("label", name(verdict.label));
  out.set("score", verdict.score);
  out.set("parts", std::move(parts));
  out.set("reason", verdict.reason);
  out.set("class", name(verdict.outcome));
  print_json(out);
}

// A row is a group of one rollout.
class RowJudge final : public RowFilter {
 public:
  explicit RowJudge(const Verifier& verifier)
      : RowFilter("{\"prompt\"?, \"completion\", \"answer\", \"extra\"?}"), verifier_(verifier) {}

 private:
  void add(const Json& row) override {
    if (row.find("completion") == nullptr) refuse("the row has no `completion`");
    auto problem = std::make_shared<Problem>();
    problem->prompt = text_member(row, "prompt");
    if (const Json* answer = row.find("answer"); answer != nullptr && !answer->is_null())
      problem->answer = answer->is_number() ? dump(*answer) : text_member(row, "answer");
    if (const Json* extra = row.find("extra"); extra != nullptr && !extra->is_null()) {
      if (!extra->is_object()) refuse(std::string("`extra` is ") + extra->kind() + ", not a map");
      problem->meta = *extra;
    }
    problem->uid = problem_uid(problem->prompt, problem->answer);
    Group group;
    group.problem = problem;
    group.rollouts.resize(1);
    group.rollouts.front().text = text_member(row, "completion");
    groups_.push_back(std::move(group));
  }

  void answer() override {
    if (groups_.empty()) return;
    std::vector<JudgeItem> items;
    for (const Group& group : groups_) items.push_back({&group, &group.rollouts.front()});
    std::vector<Verdict> verdicts(items.size());
    JudgeContext context;
    context.task = [](const Problem&) { return nullptr; };
    verifier_.verify(items, context, verdicts);
    for (const Verdict& verdict : verdicts) print_verdict(verdict);
    groups_.clear();
  }

  const Verifier& verifier_;
  std::deque<Group> groups_;
};

}  // namespace

int judge_command(const std::string& name, const std::vector<std::string>& options) {
  const Builtins builtins;
  const PluginSpec spec = verifier_spec(name, options, builtins.shelves());
  const std::unique_ptr<Verifier> verifier = make_verifier({spec}, "sum", 0.5, builtins.registries.verifiers);
  if (verifier->needs_group())
    throw Error(Exit::usage, "verifier `" + name + "` compares the rollouts of a problem; rows stand alone",
                "use it in a recipe");
  RowJudge(*verifier).run();
  return 0;
}

int verifier_test_command(const std::string& command, bool json) {
  const ConformanceReport report = test_verifier(command);
  if (json) {
    Json checks = Json::array();
    for (const ConformanceCheck& check : report.checks) {
      Json row = Json::object();
      row.set("name", check.name);
      row.set("passed", check.passed);
      row.set("seen", check.seen);
      checks.push(std::move(row));
    }
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("ok", report.passed());
    out.set("checks", std::move(checks));
    print_json(out);
  } else {
    print(report.text());
  }
  return static_cast<int>(report.passed() ? Exit::ok : Exit::verifier);
}

}  // namespace sil
