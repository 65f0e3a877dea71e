#include <cmath>

#include "verifiers/answers.h"
#include "verifiers/numbers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct NumericOptions {
  double tolerance = 1e-6;
  double relative = 0;
  void visit(OptionVisitor& v) {
    v.option("tolerance", tolerance, {.help = "largest absolute difference that passes", .low = 0});
    v.option("relative", relative, {.help = "added to it: this times the size of the reference answer", .low = 0});
  }
};

class Numeric final : public CompletionVerifier {
 public:
  explicit Numeric(NumericOptions options) : options_(options) {}
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem& problem, std::string_view completion, const Task* task) const override {
    if (!problem.answer) return abstained(Outcome::infra, "the problem has no reference answer");
    const std::optional<WrittenNumber> reference = read_number(*problem.answer);
    if (!reference)
      return abstained(Outcome::infra, "the reference answer " + quoted(*problem.answer) + " is not a number");
    std::string why;
    const std::optional<std::string> answer = answer_of(task, completion, why);
    if (!answer) return failed(why);
    const std::optional<WrittenNumber> number = read_number(*answer);
    if (!number) return failed(quoted(*answer) + " is not a number");
    if (near(*number, *reference)) return passed();
    return failed(quoted(*answer) + " is not near " + quoted(*problem.answer));
  }

 private:
  bool near(const WrittenNumber& number, const WrittenNumber& reference) const {
    const bool integers = !number.integer.empty() && !reference.integer.empty();
    if (integers && number.integer == reference.integer) return true;
    const double allowed = options_.tolerance + options_.relative * std::abs(reference.value);
    if (integers && allowed < 1) return false;  // they differ by one at least, whatever their doubles say
    return std::abs(number.value - reference.value) <= allowed;
  }

  NumericOptions options_;
};

}  // namespace

void register_numeric(Registry<Verifier>& registry) {
  registry.add<Numeric, NumericOptions>("numeric", "the answer is a number near the reference answer", "tolerance");
}

}  // namespace sil
