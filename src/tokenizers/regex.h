// Regular expressions of a tokenizer: written for Oniguruma (Ruby's syntax), matched by PCRE2 with the same result.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/error.h"
#include "tokenizers/text.h"

namespace sil::tokenizers {

// A part of a text that a pattern matches, or that lies between two matches.
struct Match {
  Span span;  // a match may be empty
  bool matches = false;
};

// Immutable, thread-safe.
class Regex {
 public:
  // Throws Error(Exit::unreadable) at `where` for what is no pattern, or is not supported.
  static Regex pattern(std::string_view text, const Place& where);
  static Regex literal(std::string_view text);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // Matches and what lies between, in order: together all of `text`, which is valid UTF-8. An empty match right behind
  // another match does not count. Throws Error(Exit::unreadable) when matching takes too many steps.
  std::vector<Match> matches(std::string_view text) const;

 private:
  struct Code;
  explicit Regex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

// The pattern in PCRE2's syntax (options UTF, UCP, MULTILINE). Throws std::string that says what is not supported.
std::string pcre2_syntax(std::string_view pattern);

}  // namespace sil::tokenizers
