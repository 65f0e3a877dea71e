// Letters, then a mark: "cab>" asks for the same letters, or for them backwards. The simplest tasks whose length can
// grow without end (Lee et al. 2025, arXiv 2502.01612).
#include <algorithm>

#include "sil/rng.h"
#include "tasks/exact.h"
#include "tasks/integer_range.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

constexpr char kMark = '>';
constexpr int64_t kLongest = 1000;
constexpr int64_t kManyProblems = int64_t{1} << 62;

struct CopyOptions {
  TaskOptions task;
  std::vector<double> length{6};
  int64_t letters = 10;
  std::string style = "forward";

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("length", length,
             {.help = "letters of a prompt, n or [low, high], every length equally often",
              .low = 1,
              .high = double{kLongest},
              .unit = "letters"});
    v.option("letters", letters, {.help = "size of the alphabet, from a on", .low = 2, .high = 26});
    v.option("style", style, {.help = "in which order the letters are asked for", .choices = {"forward", "reversed"}});
  }
};

class Copy final : public Task {
 public:
  explicit Copy(CopyOptions options)
      : options_(std::move(options)),
        length_(integer_range("length", options_.length, {1, kLongest})),
        extractor_(make_extractor(options_.task)) {}

  // As many as give the longest prompts their share.
  int64_t size() const override {
    const int64_t lengths = length_.high - length_.low + 1;
    int64_t out = lengths;
    for (int64_t i = 0; i < length_.high; ++i)
      if (__builtin_mul_overflow(out, options_.letters, &out) || out > kManyProblems) return kManyProblems;
    return out;
  }

  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size());
    constexpr uint64_t kKey = 0x73696c2f636f7079;  // of this way of drawing
    RandomStream random(kKey, static_cast<uint64_t>(index));
    const auto below = [&](int64_t n) { return static_cast<int64_t>(random.below(static_cast<uint64_t>(n))); };
    std::string letters(static_cast<size_t>(length_.low + below(length_.high - length_.low + 1)), 'a');
    for (char& letter : letters) letter = static_cast<char>('a' + below(options_.letters));
    Problem out;
    out.prompt = letters + kMark;
    out.difficulty = static_cast<double>(letters.size());
    if (options_.style == "reversed") std::reverse(letters.begin(), letters.end());
    out.answer = letters;
    out.given.push_back({letters, true, "reference"});
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    return check_exact(*extractor_, problem, completion);
  }
  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override {
    std::string out;
    for (int64_t i = 0; i < options_.letters; ++i) out += static_cast<char>('a' + i);
    return out + kMark;
  }
  bool procedural() const override { return true; }
  bool distinct() const override { return false; }

  Digest digest() const override {
    Sha256 hash;
    hash.field("copy/1").field(options_.style);
    for (int64_t option : {length_.low, length_.high, options_.letters}) hash.number(static_cast<uint64_t>(option));
    return hash.finish();
  }

 private:
  CopyOptions options_;
  IntegerRange length_;
  std::unique_ptr<AnswerExtractor> extractor_;
};

}  // namespace

void register_copy(Registry<Task>& registry) {
  registry.add<Copy, CopyOptions>("copy", "letters to be repeated, as cab> or backwards", "length");
}

}  // namespace sil
