// The words of mathematical text: what a command, a sign or a run of letters means.
#pragma once

#include <string_view>

#include "mathematics/tokens.h"

namespace sil::mathematics {

struct Meaning {
  Token::Kind kind = Token::Kind::end;  // end: nothing, such as a space
  std::string_view text;
};

// Of a LaTeX command, without its backslash; nullptr for one that is not known.
const Meaning* meaning_of_command(std::string_view name);

// The sign at the beginning of `text`, ASCII or not, the longest that there is; nullptr for none. `length`: its bytes.
const Meaning* meaning_of_sign(std::string_view text, size_t& length);

// Of a run of letters that stands for one thing ("sin", "pi", "cm"); nullptr where it is a product of letters.
const Meaning* meaning_of_letters(std::string_view letters);

// Commands whose argument is text in another type face: \text, \mathrm, \textbf ...
bool is_type_face(std::string_view command);

// Whether a letter that stands apart after a number may be a unit, as in "5 m".
bool is_unit_letter(std::string_view letter);

}  // namespace sil::mathematics
