// Products of two whole numbers, asked in words as a chat model is asked: "What is 7*12?". Each unordered pair is one
// problem, so that no split holds 12*7 while another holds 7*12.
#include <cmath>

#include "sil/error.h"
#include "tasks/exact.h"
#include "tasks/integer_range.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

constexpr int64_t kLargest = 1'000'000;

struct MultiplicationOptions {
  TaskOptions task;
  std::vector<double> operands{2, 20};

  MultiplicationOptions() { task.answer = "last_number"; }
  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("operands", operands,
             {.help = "the two numbers, n or [low, high]", .low = 0, .high = static_cast<double>(kLargest)});
  }
};

class Multiplication final : public Task {
 public:
  explicit Multiplication(MultiplicationOptions options)
      : range_(integer_range("operands", options.operands, {0, kLargest})),
        extractor_(make_extractor(options.task)),
        count_(range_.high - range_.low + 1) {}

  int64_t size() const override { return pairs(count_); }

  // By the larger number: those with the smallest one alone, then those with the next ...
  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size());
    auto larger = static_cast<int64_t>((std::sqrt(8 * static_cast<double>(index) + 1) - 1) / 2);
    while (pairs(larger) > index) --larger;
    while (pairs(larger + 1) <= index) ++larger;
    const int64_t a = range_.low + index - pairs(larger);
    const int64_t b = range_.low + larger;
    Problem out;
    out.prompt = "What is " + std::to_string(a) + "*" + std::to_string(b) + "?";
    out.answer = std::to_string(a * b);
    out.given.push_back({*out.answer, true, "reference"});
    out.difficulty = static_cast<double>(out.answer->size());
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    return check_exact(*extractor_, problem, completion);
  }
  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override { return "What is0123456789*?"; }
  bool procedural() const override { return true; }
  bool distinct() const override { return true; }

  Digest digest() const override {
    return Sha256()
        .field("multiplication/1")
        .number(static_cast<uint64_t>(range_.low))
        .number(static_cast<uint64_t>(range_.high))
        .finish();
  }

 private:
  static int64_t pairs(int64_t count) { return count * (count + 1) / 2; }

  IntegerRange range_;
  std::unique_ptr<AnswerExtractor> extractor_;
  int64_t count_;
};

}  // namespace

void register_multiplication(Registry<Task>& registry) {
  registry.add<Multiplication, MultiplicationOptions>("multiplication", "products of two numbers, as What is 7*12?",
                                                      "operands");
}

}  // namespace sil
