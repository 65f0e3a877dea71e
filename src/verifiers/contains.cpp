#include "verifiers/answers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct ContainsOptions {
  std::string text;
  bool ignore_case = false;
  void visit(OptionVisitor& v) {
    v.option("text", text, {.help = "what to look for; empty = the problem's reference answer"});
    v.option("ignore_case", ignore_case, {.help = "a-z and A-Z are the same"});
  }
};

class Contains final : public CompletionVerifier {
 public:
  explicit Contains(ContainsOptions options) : options_(std::move(options)) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem& problem, std::string_view completion, const Task*) const override {
    if (options_.text.empty() && !problem.answer)
      return abstained(Outcome::infra, "the problem has no reference answer");
    const std::string_view wanted = options_.text.empty() ? strip(*problem.answer) : std::string_view(options_.text);
    // Every text contains the empty one: passing on that would pay for anything.
    if (wanted.empty()) return abstained(Outcome::infra, "the reference answer is empty");
    const bool found = options_.ignore_case ? lower(completion).find(lower(wanted)) != std::string::npos
                                            : completion.find(wanted) != std::string_view::npos;
    return found ? passed() : failed("does not contain " + quoted(wanted));
  }

 private:
  ContainsOptions options_;
};

}  // namespace

void register_contains(Registry<Verifier>& registry) {
  registry.add<Contains, ContainsOptions>("contains", "the completion contains a text", "text");
}

}  // namespace sil
