// What a mathematical text says, as a tree: numbers and formulas, and the collections and relations they stand in.
#pragma once

#include <string>
#include <vector>

namespace sil::mathematics {

// A formula. Trees are at most kMaxDepth deep.
struct Expression {
  enum class Kind {
    number,  // text: as Token::Kind::number
    symbol,  // text: a variable, or one of the constants pi, e, i, infinity
    add,     // of two or more parts, as the next
    multiply,
    negate,
    reciprocal,
    power,     // base, exponent
    root,      // radicand, index
    function,  // text: its name; argument
    log,       // argument, base
    absolute,
    floor,
    ceiling,
    factorial,
    binomial,  // n, k
    modulo     // dividend, divisor
  };
  Kind kind = Kind::number;
  std::string text;
  std::vector<Expression> parts;
};

inline constexpr int kMaxDepth = 64;

// A whole answer.
struct Statement {
  enum class Kind {
    value,     // `value`, with a `unit` where one was written
    words,     // `text`: lower case unless it is one letter
    list,      // 1, 2, 3: parts without brackets around them; `text` is "or" where that joins them
    sequence,  // (1, 2) or [0, 1): parts in order between `open` and `close`; of two it may be an
               // interval; a ratio 3:4 has two colons
    set,       // {1, 2}; the empty set has no parts
    together,  // a union of parts
    without,   // the first part without the second
    matrix,    // parts are rows, lists of cells
    relation   // parts joined by `operators`, one fewer: a = b, 1 < x <= 5
  };
  Kind kind = Kind::value;
  Expression value;
  std::string text;
  std::string unit;
  char open = 0;
  char close = 0;
  std::vector<Statement> parts;
  std::vector<std::string> operators;  // = != < <= > >=
};

}  // namespace sil::mathematics
