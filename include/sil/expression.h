// Small formulas of the recipe: Lua 5.4 in a closed sandbox (no io/os/load, instruction and memory budget, own
// deterministic math). `check` resolves every a.b against the declared fields before anything starts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sil/error.h"

namespace sil {

class Scope;

// What an expression can see or give: nil, boolean, number, text, or something with fields.
using Value = std::variant<std::monostate, bool, double, std::string, std::shared_ptr<const Scope>>;

// Named things an expression can read: a unit's fields, pools, step metrics. Fields are looked up on use.
class Scope {
 public:
  virtual ~Scope() = default;
  virtual Value get(std::string_view field) const = 0;  // nil when there is none
  virtual std::vector<std::string> fields() const = 0;  // declared fields, for messages and for check
  virtual bool open() const { return false; }           // any field may exist (problem.meta)
};

// An expression, or a whole chunk that returns a value (then with `return`). Evaluation is thread-safe; compiled once a
// thread. Identifiers written `pass_at_1` stand for `pass@1`.
class Expression {
 public:
  Expression() = default;
  Expression(std::string source, Place place) : source_(std::move(source)), place_(std::move(place)) {}

  bool empty() const { return source_.empty(); }
  const std::string& source() const { return source_; }
  const Place& place() const { return place_; }

  // What it reads from outside itself, without the fields behind the dots; each name once, sorted.
  std::vector<std::string> names() const;

  // Findings, not an exception: syntax errors and fields that `scope` does not declare, each with line and column in
  // the recipe and the nearest declared name. Then evaluates once on `scope`, whose values are synthetic.
  std::vector<Finding> check(const Scope& scope) const;

  // Throws Error(Exit::failed) with the expression's place: run-time errors, budget exceeded.
  Value evaluate(const Scope& scope) const;
  // True for true and for numbers other than 0; nil and false are false.
  bool truth(const Scope& scope) const;
  // nullopt-like: monostate stays nil; a boolean counts as 1 or 0; text or tables are errors.
  // Reading a nil where a number is needed makes the result nil (the caller abstains).
  Value number(const Scope& scope) const;

 private:
  std::string source_;
  Place place_;
};

}  // namespace sil
