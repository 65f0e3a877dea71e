// Text of a template to tokens, as Jinja's own lexer with trim_blocks and lstrip_blocks reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"
#include "sil/error.h"

namespace sil::jinja {

struct Token {
  enum class Kind {
    text,
    variable_begin,
    variable_end,
    block_begin,
    block_end,
    name,
    string,
    integer,
    real,
    symbol,  // an operator or a bracket
    end
  };
  Kind kind = Kind::end;
  std::string text;  // a string with its escapes resolved, a number without underscores
  Position at;

  bool is_symbol(std::string_view wanted) const { return kind == Kind::symbol && text == wanted; }
  bool is_name(std::string_view wanted) const { return kind == Kind::name && text == wanted; }
};

// Ends with a token `end`. Throws Error(Exit::unreadable) with the place of the fault.
std::vector<Token> tokenize(std::string_view source, const Place& where);

[[noreturn]] void refuse(const Place& where, const Position& at, std::string message, std::string hint = {});

}  // namespace sil::jinja
