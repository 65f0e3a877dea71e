// A template as a tree. Immutable once parsed; names are resolved to slots of frames by scopes.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "jinja/template.h"
#include "jinja/value.h"

namespace sil::jinja {

struct Expression;
struct Statement;
struct FilterEntry;
struct TestEntry;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Position {
  int line = 0;
  int column = 0;
};

// A variable: the frame that holds it, counted outwards from the one that is running, and its place there.
struct Slot {
  int hops = 0;
  int index = 0;
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional;  // *x, or nullptr
  ExpressionPtr more_named;       // **x, or nullptr
};

enum class Operator : uint8_t { add, sub, mul, div, floordiv, mod, pow, eq, ne, lt, le, gt, ge, in, not_in };

struct Expression {
  enum class Kind : uint8_t {
    constant,     // value
    name,         // name, slot
    list,         // operands
    tuple,        // operands
    dict,         // operands: key, value, key, value ...
    attribute,    // operands: object; name
    item,         // operands: object, key
    slice,        // operands: start, stop, step; each may be nullptr. Only as the key of an item
    call,         // operands: callee; arguments
    filter,       // operands: value, or none in a block; name, arguments
    test,         // operands: value; name, arguments
    binary,       // operands: left, right; operators: one
    compare,      // operands: a, b, c ...; operators between them
    concat,       // operands
    conditional,  // operands: condition, value, otherwise or nullptr
    logical_and,
    logical_or,
    logical_not,
    minus,
    plus
  };

  Kind kind = Kind::constant;
  Position at;
  int depth = 1;  // of the tree below, itself included
  std::string name;
  Value value;
  Slot slot;
  std::vector<ExpressionPtr> operands;
  std::vector<Operator> operators;
  std::unique_ptr<CallArguments> arguments;
  // nullptr: there is none of that name, which fails when it is met. Only where Jinja does not look before
  // (scopes.cpp).
  const FilterEntry* filter = nullptr;
  const TestEntry* test = nullptr;
};

// Where a frame's variables come from when it is entered.
struct Load {
  enum class Kind : uint8_t { undefined, parameter, resolve, alias };
  Kind kind = Kind::undefined;
  std::string name;
  Slot outer;  // alias: what it is a copy of, seen from the frame around this one
};

struct Frame {
  std::vector<Load> loads;  // by slot
};

struct Parameter {
  std::string name;
  ExpressionPtr otherwise;  // nullptr: none
  Slot slot;
};

// The body of a macro, of a call block or of a generation block.
struct Function {
  std::string name;  // "" of a block
  std::vector<Parameter> parameters;
  Body body;
  Frame frame;
  int caller = -1, kwargs = -1, varargs = -1;  // slots of the special variables that the body reads, or -1
};

struct Branch {
  ExpressionPtr condition;  // nullptr: else
  Body body;
};

struct Statement {
  enum class Kind : uint8_t {
    text,          // text
    print,         // value
    branches,      // branches
    loop,          // target, value, test and test_target or nullptr, body, otherwise, recursive
    set,           // target, value
    set_block,     // target, value: a chain of filters or nullptr; body
    macro,         // target, function
    call_block,    // value: a call; function
    filter_block,  // value: a chain of filters; body
    with,          // targets, values, body
    generation,    // function
    break_loop,
    continue_loop
  };

  Kind kind = Kind::text;
  Position at;
  std::string text;
  ExpressionPtr target;  // a name, `namespace.name` or a tuple of those
  ExpressionPtr value;
  ExpressionPtr test, test_target;  // the target in the frame of the test
  std::vector<ExpressionPtr> targets, values;
  std::vector<Branch> branches;
  Body body, otherwise;
  bool recursive = false;
  Frame frame, test_frame, otherwise_frame;  // of body, test and otherwise
  int loop_slot = -1;                        // of the variable `loop` in `frame`
  std::unique_ptr<Function> function;
};

struct Tree {
  Body body;
  Frame frame;
  std::vector<Reference> references;
};

}  // namespace sil::jinja
