// Jinja templates, variables only: text with {{a.b.c}} in it. A filter, statement, comment or whitespace mark is
// refused. As in Jinja, one newline at the end of a template is not part of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/error.h"

namespace sil {

// Literal text, then (but after the last text) a variable.
struct TemplatePart {
  std::string text;
  std::vector<std::string> path;  // {"problem", "meta", "x"}; empty: no variable follows
  Place place;                    // of the variable
};

// `where` says how places are shown: of a file, lines and columns count in it; of a text inside a recipe (`inside`),
// the place stays that of the recipe and messages carry the line and column. Throws Error(Exit::usage) with every
// finding.
std::vector<TemplatePart> parse_template(std::string_view source, const Place& where, bool inside);

// A finding about the template at line and column, shown as parse_template shows its own.
Finding template_finding(const Place& where, bool inside, int line, int column, std::string message, std::string hint);

}  // namespace sil
