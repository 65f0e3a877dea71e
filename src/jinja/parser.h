// Tokens to a tree. The grammar is Jinja's own (jinja2/parser.py, version 3.1.6), its oddities included; what stands
// for other files (extends, include, import, block) is refused.
#pragma once

#include <string_view>

#include "jinja/ast.h"
#include "jinja/lexer.h"

namespace sil::jinja {

// Names are not resolved yet. Throws Error(Exit::unreadable) with line and column.
Body parse_body(std::string_view source, const Place& where);

}  // namespace sil::jinja
