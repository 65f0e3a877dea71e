// Addition of two numbers, "12+34=". Three ways to write the answer (Lee et al. 2023, "Teaching Arithmetic to Small
// Transformers"): forward "46", reversed "64" (each digit then depends on little), and a scratchpad that adds column by
// column from the right, "2+4+0=6,1+3+0=4|46": both digits and the carry, whose sum's tens are the next carry.
#include <algorithm>

#include "sil/rng.h"
#include "tasks/exact.h"
#include "tasks/integer_range.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

constexpr char kMark = '|';         // before the answer of a scratchpad
constexpr int64_t kMostListed = 9;  // digits up to which all pairs have an index of 63 bits
constexpr int64_t kMostDigits = 100;
constexpr int64_t kManyProblems = int64_t{1} << 62;

struct AdditionOptions {
  TaskOptions task;
  std::vector<double> digits{2};
  std::string style = "forward";
  std::string mix = "pairs";

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("digits", digits,
             {.help = "digits of the operands, n or [low, high]", .low = 1, .high = double{kMostDigits}});
    v.option("style", style,
             {.help = "how the answer is written: 46, its digits reversed, or column sums before it",
              .choices = {"forward", "reversed", "scratchpad"}});
    v.option(
        "mix", mix,
        {.help = "pairs: every pair of operands once (at most 9 digits); digits: every number of digits equally often",
         .choices = {"pairs", "digits"}});
  }
};

int64_t power_of_ten(int64_t exponent) {
  int64_t out = 1;
  for (; exponent > 0; --exponent) out *= 10;
  return out;
}

// Sum of two decimals, and the columns from the right as they are added.
struct Sum {
  std::string digits;   // most significant first
  std::string columns;  // "2+4+0=6,1+3+0=4"
};

Sum add(const std::string& a, const std::string& b) {
  Sum out;
  int carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const int x = i < a.size() ? a[a.size() - 1 - i] - '0' : 0;
    const int y = i < b.size() ? b[b.size() - 1 - i] - '0' : 0;
    const int sum = x + y + carry;
    if (i > 0) out.columns += ',';
    out.columns +=
        std::to_string(x) + '+' + std::to_string(y) + '+' + std::to_string(carry) + '=' + std::to_string(sum);
    out.digits += static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  if (carry > 0) out.digits += '1';
  std::reverse(out.digits.begin(), out.digits.end());
  return out;
}

// What follows the last mark.
class AfterMark final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    const size_t mark = completion.rfind(kMark);
    const std::string_view answer = mark == completion.npos ? std::string_view() : trimmed(completion.substr(mark + 1));
    if (!answer.empty()) return std::string(answer);
    if (why != nullptr)
      *why = mark == completion.npos ? std::string("there is no ") + kMark + " before an answer"
                                     : std::string("nothing follows the last ") + kMark;
    return std::nullopt;
  }
};

// Operands of at least `low` digits with at most `digits`: [first, end).
struct Operands {
  int64_t first, end;
  int64_t count() const { return end - first; }
};

class Addition final : public Task {
 public:
  explicit Addition(AdditionOptions options)
      : options_(std::move(options)), digits_(integer_range("digits", options_.digits, {1, kMostDigits})) {
    if (listed() && digits_.high > kMostListed)
      throw Error(Exit::usage,
                  "addition of " + std::to_string(digits_.high) + " digits has too many pairs to number them",
                  "write mix: digits");
    const bool marked = options_.style == "scratchpad" && options_.task.answer == "whole";
    if (marked && options_.task.pattern.empty()) {
      extractor_ = std::make_unique<AfterMark>();
    } else {
      extractor_ = make_extractor(options_.task);
    }
  }

  int64_t size() const override {
    if (digits_.high > kMostListed) return kManyProblems;
    const int64_t pairs = operands(digits_.high).count() * operands(digits_.high).count();
    if (listed()) return pairs;
    // As many as give the longest operands their share.
    const int64_t classes = digits_.high - digits_.low + 1;
    return pairs > kManyProblems / classes ? kManyProblems : pairs * classes;
  }

  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size());
    if (!listed()) return drawn(index);
    const Operands all = operands(digits_.high);
    return problem(std::to_string(all.first + index / all.count()), std::to_string(all.first + index % all.count()));
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    return check_exact(*extractor_, problem, completion);
  }
  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override {
    return options_.style == "scratchpad" ? std::string("0123456789+=,") + kMark : "0123456789+=";
  }
  bool procedural() const override { return true; }
  bool distinct() const override { return listed(); }

  Digest digest() const override {
    Sha256 hash;
    hash.field("addition/1").number(static_cast<uint64_t>(digits_.low)).number(static_cast<uint64_t>(digits_.high));
    return hash.field(options_.style).field(options_.mix).finish();
  }

 private:
  bool listed() const { return options_.mix == "pairs"; }

  Operands operands(int64_t digits) const {
    return {digits_.low == 1 ? 0 : power_of_ten(digits_.low - 1), power_of_ten(digits)};
  }

  // The longer operand's digits are uniform over the range; which operand it is and the other one's digits are too.
  Problem drawn(int64_t index) const {
    constexpr uint64_t kKey = 0x73696c2061646431;  // of this way of drawing
    RandomStream random(kKey, static_cast<uint64_t>(index));
    const auto uniform_digits = [&](int64_t high) {
      return digits_.low + static_cast<int64_t>(random.below(static_cast<uint64_t>(high - digits_.low + 1)));
    };
    const int64_t longer = uniform_digits(digits_.high), other = uniform_digits(longer);
    const bool first = random.below(2) == 0;
    std::string a = number(random, first ? longer : other), b = number(random, first ? other : longer);
    return problem(std::move(a), std::move(b));
  }

  static std::string number(RandomStream& random, int64_t digits) {
    std::string out;
    for (int64_t i = 0; i < digits; ++i) {
      const bool leading = i == 0 && digits > 1;
      out += static_cast<char>('0' + (leading ? 1 + random.below(9) : random.below(10)));
    }
    return out;
  }

  Problem problem(std::string a, std::string b) const {
    Problem out;
    Sum sum = add(a, b);
    out.difficulty = static_cast<double>(std::max(a.size(), b.size()));
    out.prompt = a + '+' + b + '=';
    if (options_.style == "reversed") std::reverse(sum.digits.begin(), sum.digits.end());
    out.answer = sum.digits;
    const bool columns = options_.style == "scratchpad";
    out.given.push_back({columns ? sum.columns + kMark + sum.digits : sum.digits, true, "reference"});
    out.uid = problem_uid(out.prompt, out.answer);
    return out;
  }

  AdditionOptions options_;
  IntegerRange digits_;
  std::unique_ptr<AnswerExtractor> extractor_;
};

}  // namespace

void register_addition(Registry<Task>& registry) {
  registry.add<Addition, AdditionOptions>("addition", "sums of two numbers, as 12+34=", "digits");
}

}  // namespace sil
