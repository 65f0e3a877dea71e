#include "verifiers/answers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct TaskRuleOptions {
  void visit(OptionVisitor&) {}
};

class TaskRule final : public CompletionVerifier {
 public:
  explicit TaskRule(TaskRuleOptions) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem& problem, std::string_view completion, const Task* task) const override {
    if (task == nullptr) return abstained(Outcome::infra, "the problem belongs to no task");
    const TaskCheck check = task->check(problem, completion);
    return check.correct ? passed() : failed(check.reason);
  }
};

}  // namespace

void register_task_rule(Registry<Verifier>& registry) {
  registry.add<TaskRule, TaskRuleOptions>("task",
                                          "the problem's own task accepts it: any right expression, in countdown");
}

}  // namespace sil
