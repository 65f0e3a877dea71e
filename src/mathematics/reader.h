// Reads an answer: tokens to a statement.
#pragma once

#include <string_view>

#include "mathematics/expression.h"
#include "mathematics/tokens.h"

namespace sil::mathematics {

// Linear in the text, whatever it is. Throws Unreadable, which says what is wrong, for text that is no answer and for
// text nested deeper than kMaxDepth.
Statement read_statement(const std::vector<Token>& tokens);

}  // namespace sil::mathematics
