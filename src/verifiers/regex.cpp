// RE2: linear time for any pattern and text, within a memory budget. A backtracking engine could be made to explode by
// a completion.
#include <re2/re2.h>

#include "verifiers/answers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

constexpr int64_t kRegexMemory = int64_t{16} << 20;  // bytes, of the compiled pattern and its automata

struct RegexOptions {
  std::string pattern;
  bool fullmatch = false;
  void visit(OptionVisitor& v) {
    v.option("pattern", pattern,
             {.help = "RE2 syntax; (?i) ignores case, (?s) lets . match newlines", .required = true});
    v.option("fullmatch", fullmatch, {.help = "the whole completion must match, not a part of it"});
  }
};

RE2::Options settings() {
  RE2::Options out;
  out.set_max_mem(kRegexMemory);
  out.set_log_errors(false);
  return out;
}

class Regex final : public CompletionVerifier {
 public:
  explicit Regex(const RegexOptions& options) : fullmatch_(options.fullmatch), pattern_(options.pattern, settings()) {
    if (!pattern_.ok())
      throw Error(Exit::usage, "regex: the pattern " + quoted(options.pattern) + " cannot be used: " + pattern_.error(),
                  "RE2 has no look-around and no back references");
  }
  std::string version() const override { return "1"; }

 protected:
  Verdict judge(const Problem&, std::string_view completion, const Task*) const override {
    const re2::StringPiece text(completion.data(), completion.size());
    const bool matched = fullmatch_ ? RE2::FullMatch(text, pattern_) : RE2::PartialMatch(text, pattern_);
    return matched ? passed() : failed("does not match " + quoted(pattern_.pattern()));
  }

 private:
  bool fullmatch_;
  RE2 pattern_;
};

}  // namespace

void register_regex(Registry<Verifier>& registry) {
  registry.add<Regex, RegexOptions>("regex", "the completion matches a regular expression", "pattern");
}

}  // namespace sil
