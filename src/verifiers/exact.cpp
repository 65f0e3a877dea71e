#include "verifiers/answers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct ExactOptions {
  bool ignore_case = false;
  bool strip = true;
  void visit(OptionVisitor& v) {
    v.option("ignore_case", ignore_case, {.help = "a-z and A-Z are the same"});
    v.option("strip", strip, {.help = "white space at both ends does not count"});
  }
};

class Exact final : public CompletionVerifier {
 public:
  explicit Exact(ExactOptions options) : options_(options) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem& problem, std::string_view completion, const Task* task) const override {
    if (!problem.answer) return abstained(Outcome::infra, "the problem has no reference answer");
    std::string why;
    const std::optional<std::string> answer = answer_of(task, completion, why);
    if (!answer) return failed(why);
    if (normal(*answer) == normal(*problem.answer)) return passed();
    return failed(quoted(*answer) + " is not " + quoted(*problem.answer));
  }

 private:
  std::string normal(std::string_view text) const {
    if (options_.strip) text = strip(text);
    return options_.ignore_case ? lower(text) : std::string(text);
  }

  ExactOptions options_;
};

}  // namespace

void register_exact(Registry<Verifier>& registry) {
  registry.add<Exact, ExactOptions>("exact", "the answer equals the reference answer, character by character");
}

}  // namespace sil
