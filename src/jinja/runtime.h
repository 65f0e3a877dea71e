// What every part of a rendering shares: its meters, its objects, the place of the expression at work.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.h"
#include "jinja/template.h"
#include "jinja/value.h"

namespace sil::jinja {

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Runtime;

// A value with behaviour: namespaces, macros, loops, functions. Owned by the rendering.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type() const = 0;  // Python's name of its type
  virtual std::string shown() const { return "<" + type() + ">"; }
  virtual const Value* attribute(Runtime&, std::string_view) { return nullptr; }  // nullptr: there is none
  virtual bool callable() const { return false; }
  virtual Value call(Runtime& runtime, Arguments& arguments);  // fails here: not callable
  virtual Values* iterate(Runtime&) { return nullptr; }        // what is left of it, or nullptr: not iterable
};

// Limits beside those of Settings: Python's own recursion ends at about these.
inline constexpr int kEvaluationDepth = 1200;
inline constexpr int kValueDepth = 100;
inline constexpr int64_t kLongestRange = 100'000;  // Jinja's sandbox allows no longer range()

class Runtime {
 public:
  Runtime(const Settings& settings, std::string file) : settings_(settings), file_(std::move(file)) {}
  virtual ~Runtime() = default;

  // Throws Error at the expression at work.
  [[noreturn]] void fail(const std::string& message, const std::string& hint = {}) const;
  [[noreturn]] void type_error(const std::string& what, const Value& value) const;  // "WHAT 'int'"
  [[noreturn]] void undefined_error(const Value& undefined) const;
  Place place() const { return {file_, at_.line, at_.column}; }

  // Meters; each fails when its limit is met.
  void step(int64_t count = 1) {
    if ((steps_ += count) > settings_.steps) out_of_steps();
  }
  void read(std::string_view text) { step(1 + static_cast<int64_t>(text.size() / 64)); }
  void grow(size_t bytes) {
    if (bytes > static_cast<size_t>(settings_.bytes) || (bytes_ += static_cast<int64_t>(bytes)) > settings_.bytes)
      out_of_memory();
  }

  // Values that cost memory. Nesting deeper than kValueDepth fails.
  Value text(std::string text, bool markup = false);
  Value text(std::string_view text) { return this->text(std::string(text)); }
  Value list(Values items, Flavour flavour = Flavour::list);
  Value dict(Members members);  // keys are hashable and differ
  template <class T, class... A>
  T* make(A&&... arguments) {
    grow(256);  // about what an object takes
    auto owned = std::make_unique<T>(std::forward<A>(arguments)...);
    T* out = owned.get();
    objects_.push_back(std::move(owned));
    return out;
  }

  // Calls a value; fails when it is not callable.
  Value call(const Value& callee, Arguments arguments);
  const Settings& settings() const { return settings_; }

  // Evaluation nests while one lives: expressions, statements, printing and comparing of nested values.
  class Nested {
   public:
    explicit Nested(Runtime& runtime) : depth_(runtime.depth_) {
      if (++depth_ > kEvaluationDepth) {
        --depth_;
        runtime.too_deep();
      }
    }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    int& depth_;
  };

 protected:
  Position at_;

 private:
  [[noreturn]] void out_of_steps() const;
  [[noreturn]] void out_of_memory() const;
  [[noreturn]] void too_deep() const;

  const Settings& settings_;
  std::string file_;
  int64_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
  std::deque<std::unique_ptr<Object>> objects_;
};

// The arguments of a built-in function, by position or by name. More, fewer than `required` or others fail.
class Bound {
 public:
  Bound(Runtime& runtime, std::string_view function, std::vector<std::string_view> names, Arguments& arguments,
        size_t required = 0);

  const Value* operator[](size_t i) const { return given_[i] ? &values_[i] : nullptr; }  // nullptr: not given
  Value value(size_t i, Value otherwise) const { return given_[i] ? values_[i] : std::move(otherwise); }
  // Typed ones; a value of another type fails.
  int64_t integer(size_t i, int64_t otherwise) const;
  bool flag(size_t i, bool otherwise) const;  // any value's truth
  std::string text(size_t i, std::string otherwise) const;

 private:
  Runtime& runtime_;
  std::string function_;
  std::vector<std::string_view> names_;
  Values values_;
  std::vector<bool> given_;
};

}  // namespace sil::jinja
