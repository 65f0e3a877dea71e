#include "mathematics/equality.h"

#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "verifiers/final_answer.h"

namespace sil::fuzz {

using mathematics::Answer;

// The text before the first newline is the reference of what follows.
void mathematics(std::string_view input) {
  const size_t newline = input.find('\n');
  const std::string_view completion = newline == std::string_view::npos ? input : input.substr(newline + 1);
  const Answer reference(input.substr(0, newline));
  must(reference.readable() == reference.fault().empty(), "an answer that is read and refused");
  std::string why;
  const std::vector<std::string> claims = final_answers(completion, why);
  must(claims.empty() == !why.empty(), "no answer without a reason");
  for (size_t i = 0; i < claims.size() && i < 4; ++i) {
    const Answer answer(claims[i]);
    const bool equal = compare(reference, answer).equal;
    must(equal == compare(reference, answer).equal, "two verdicts on one pair");
    must(!equal || answer.readable() || reference.tokens() == answer.tokens(), "what cannot be read is equal");
  }
}

}  // namespace sil::fuzz
