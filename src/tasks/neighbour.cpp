// Letters, then a mark: "cabfa>" asks for a letter that depends only on the last few, so that a model which sees just
// the end of the prompt can learn the task and generalise to prompts it never saw.
#include "sil/error.h"
#include "tasks/exact.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

constexpr char kMark = '>';

struct NeighbourOptions {
  TaskOptions task;
  int64_t length = 6;
  int64_t letters = 8;
  int64_t window = 1;

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("length", length, {.help = "letters of a prompt", .low = 1, .high = 32, .unit = "letters"});
    v.option("letters", letters, {.help = "size of the alphabet, from a on", .low = 2, .high = 26});
    v.option("window", window, {.help = "how many of the last letters the answer depends on", .low = 1, .high = 32});
  }
};

class Neighbour final : public Task {
 public:
  explicit Neighbour(NeighbourOptions options)
      : options_(std::move(options)), extractor_(make_extractor(options_.task)) {
    if (options_.window > options_.length)
      throw Error(Exit::usage,
                  "window is " + std::to_string(options_.window) + ", but prompts have " +
                      std::to_string(options_.length) + " letters",
                  "make length larger or window smaller");
    for (int64_t i = 0; i < options_.length; ++i)
      if (__builtin_mul_overflow(size_, options_.letters, &size_))
        throw Error(Exit::usage,
                    std::to_string(options_.length) + " letters of " + std::to_string(options_.letters) +
                        " give more prompts than can be numbered",
                    "make length or letters smaller");
  }

  int64_t size() const override { return size_; }

  // The prompt is the index, written in base `letters`.
  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size_);
    Problem out;
    out.prompt.assign(static_cast<size_t>(options_.length), 'a');
    for (size_t i = out.prompt.size(); i-- > 0; index /= options_.letters) out.prompt[i] = letter(index);
    out.answer = std::string(1, answer(out.prompt));
    out.prompt += kMark;
    out.given.push_back({*out.answer, true, "reference"});
    out.difficulty = static_cast<double>(options_.window);
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    return check_exact(*extractor_, problem, completion);
  }
  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override {
    std::string out;
    for (int64_t i = 0; i < options_.letters; ++i) out += letter(i);
    return out + kMark;
  }
  bool procedural() const override { return true; }
  bool distinct() const override { return true; }

  Digest digest() const override {
    Sha256 hash;
    hash.field("neighbour/1");
    for (int64_t option : {options_.length, options_.letters, options_.window})
      hash.number(static_cast<uint64_t>(option));
    return hash.finish();
  }

 private:
  char letter(int64_t index) const { return static_cast<char>('a' + index % options_.letters); }

  // With letters numbered from 0 and the last one counted first: (1 + sum of k times the k-th from the end) mod
  // letters.
  char answer(std::string_view letters) const {
    int64_t sum = 1;
    for (int64_t k = 1; k <= options_.window; ++k) sum += k * (letters[letters.size() - static_cast<size_t>(k)] - 'a');
    return letter(sum);
  }

  NeighbourOptions options_;
  std::unique_ptr<AnswerExtractor> extractor_;
  int64_t size_ = 1;
};

}  // namespace

void register_neighbour(Registry<Task>& registry) {
  registry.add<Neighbour, NeighbourOptions>("neighbour", "a letter that depends on the prompt's last ones", "length");
}

}  // namespace sil
