#include <algorithm>

#include "mathematics/equality.h"
#include "text/extract.h"
#include "verifiers/answers.h"
#include "verifiers/final_answer.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using mathematics::Answer;
using mathematics::Equality;

constexpr size_t kMaxClaims = 16;  // different texts, all of which must say the same

class Math final : public CompletionVerifier {
 public:
  explicit Math(NoOptions) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem& problem, std::string_view completion, const Task* task) const override {
    if (!problem.answer) return abstained(Outcome::infra, "the problem has no reference answer");
    const Answer reference(reference_answer(*problem.answer));
    std::string why;
    const std::optional<std::string> taken = answer_of(task, completion, why);
    if (!taken) return failed(why);
    std::vector<std::string> claims = final_answers(*taken, why);
    if (claims.empty()) return failed(why);
    const Answer answer(claims.back());
    const Equality found = compare(reference, answer);
    if (!reference.readable() && !found.equal)
      return abstained(Outcome::infra,
                       "the reference answer " + quoted(reference.text()) + " cannot be read: " + reference.fault());
    if (const std::string* other = different(claims, answer))
      return failed("there are two different final answers: " + quoted(*other) + " and " + quoted(answer.text()));
    if (found.equal) return passed(quoted(answer.text()) + " is " + quoted(reference.text()));
    return failed(quoted(answer.text()) + " is not " + quoted(reference.text()) +
                  (found.why.empty() ? "" : ": " + found.why));
  }

 private:
  // A claim that is not what `answer` says, or nullptr.
  static const std::string* different(std::vector<std::string>& claims, const Answer& answer) {
    std::sort(claims.begin(), claims.end());
    claims.erase(std::unique(claims.begin(), claims.end()), claims.end());
    for (size_t i = 0; i < claims.size(); ++i)
      if (i >= kMaxClaims || (claims[i] != answer.text() && !compare(answer, Answer(claims[i])).equal))
        return &claims[i];
    return nullptr;
  }
};

}  // namespace

void register_math(Registry<Verifier>& registry) {
  registry.add<Math, NoOptions>(
      "math", "the final answer, in a box, after #### or \"answer is\", equals the reference answer as mathematics");
}

}  // namespace sil
