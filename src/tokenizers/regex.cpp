#include "tokenizers/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <utility>

#include "sil/json.h"
#include "tokenizers/code_points.h"

namespace sil::tokenizers {
namespace {

constexpr size_t kLongestPattern = size_t{1} << 16;
// Of one attempt to match: real patterns need some dozens; what needs more grows exponentially.
constexpr uint32_t kMostSteps = 1'000'000;
constexpr uint32_t kMostKilobytes = 64 * 1024;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using CodePtr = std::unique_ptr<pcre2_code, Release<pcre2_code_free>>;
using DataPtr = std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>>;
using LimitsPtr = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>>;
using RulesPtr = std::unique_ptr<pcre2_compile_context, Release<pcre2_compile_context_free>>;

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::Code {
  std::string source;
  CodePtr code;
  LimitsPtr limits{pcre2_match_context_create(nullptr)};
  bool jit = false;

  // Throws std::string.
  Code(std::string_view written, std::string_view pattern, uint32_t options) : source(written) {
    const RulesPtr rules(pcre2_compile_context_create(nullptr));
    pcre2_set_newline(rules.get(), PCRE2_NEWLINE_LF);
    int error = 0;
    size_t offset = 0;
    code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options | PCRE2_UTF, &error,
                             &offset, rules.get()));
    if (!code) throw message_of(error);
    jit = pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE) == 0;
    pcre2_set_match_limit(limits.get(), kMostSteps);
    pcre2_set_depth_limit(limits.get(), kMostSteps);
    pcre2_set_heap_limit(limits.get(), kMostKilobytes);
  }

  // The first match that begins at `from` or later; false: there is none.
  bool search(std::string_view text, size_t from, pcre2_match_data* data, Span* found) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int result = PCRE2_ERROR_JIT_STACKLIMIT;
    if (jit) result = pcre2_jit_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, limits.get());
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
      result =
          pcre2_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, limits.get());
    if (result == PCRE2_ERROR_NOMATCH) return false;
    if (result < 0)
      throw Error(Exit::unreadable,
                  "the tokenizer's pattern " + source + " cannot be matched: " + message_of(result) + ", at byte " +
                      std::to_string(from) + " of a text of " + std::to_string(text.size()),
                  "use a tokenizer whose pattern does not backtrack without bound");
    const size_t* bounds = pcre2_get_ovector_pointer(data);
    *found = {bounds[0], bounds[1]};
    return true;
  }
};

Regex::Regex(std::unique_ptr<Code> code) : code_(std::move(code)) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

Regex Regex::pattern(std::string_view text, const Place& where) {
  std::string shown;
  append_json_string(shown, text.substr(0, 100));
  try {
    if (text.size() > kLongestPattern)
      throw "it has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(kLongestPattern);
    return Regex(std::make_unique<Code>(shown, pcre2_syntax(text), PCRE2_UCP | PCRE2_MULTILINE));
  } catch (const std::string& fault) {
    throw Error(Exit::unreadable, "the pattern " + shown + " is not supported: " + fault,
                "patterns are those of Oniguruma in Ruby's syntax", where);
  }
}

Regex Regex::literal(std::string_view text) {
  try {
    return Regex(std::make_unique<Code>(std::string(text), text, PCRE2_LITERAL));
  } catch (const std::string& fault) {
    throw Error(Exit::unreadable, "a text to be replaced or split at cannot be used: " + fault);
  }
}

std::vector<Match> Regex::matches(std::string_view text) const {
  std::vector<Match> out;
  const DataPtr data(pcre2_match_data_create(1, nullptr));
  size_t end = 0;  // of the last match
  bool any = false;
  for (size_t from = 0; from <= text.size();) {
    Span found;
    if (!code_->search(text, from, data.get(), &found)) break;
    if (found.begin == found.end && any && found.end == end) {
      from += from < text.size() ? character_length(text[from]) : 1;
      continue;
    }
    if (end < found.begin) out.push_back({{end, found.begin}, false});
    out.push_back({found, true});
    from = end = std::max(found.end, found.begin);
    any = true;
  }
  if (end < text.size()) out.push_back({{end, text.size()}, false});
  return out;
}

}  // namespace sil::tokenizers
