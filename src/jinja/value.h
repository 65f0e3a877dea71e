// The values that templates compute with: Python's, as far as templates can see them. Lists and dicts never change once
// they are made (the immutable sandbox), so values share them; what can change (namespaces, loops) is owned by the
// rendering, and values hold plain pointers to it: there are no cycles to collect.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sil::jinja {

class Object;
class Value;
struct Expression;
using Values = std::vector<Value>;
using Members = std::vector<std::pair<Value, Value>>;

// `origin`: the expression that found nothing, for messages; nullptr in a variable that was never assigned.
struct Undefined {
  const Expression* origin = nullptr;
};

struct None {};

struct Text {
  std::string text;
  bool markup = false;  // `safe`: what is joined with it by + is escaped
};

// What Python type a sequence has: they differ in printing, indexing and equality. An iterator can be read once.
enum class Flavour : uint8_t { list, tuple, group, range, keys, values, items, iterator };

struct Range {
  int64_t start = 0, stop = 0, step = 1;
};

struct Sequence {
  Flavour flavour = Flavour::list;
  Values items;
  int depth = 1;               // of nesting, itself included
  bool taken = false;          // an iterator that was read
  std::exception_ptr failure;  // of an iterator: what reading it meets behind its items
  Range range;                 // of a range
};

// In order of insertion.
struct Dict {
  Members members;
  int depth = 1;
};

class Value {
 public:
  Value() = default;
  Value(Undefined v) : value_(v) {}
  Value(None v) : value_(v) {}
  Value(bool v) : value_(v) {}
  Value(int64_t v) : value_(v) {}
  Value(double v) : value_(v) {}
  Value(std::shared_ptr<const Text> v) : value_(std::move(v)) {}
  Value(std::shared_ptr<Sequence> v) : value_(std::move(v)) {}
  Value(std::shared_ptr<const Dict> v) : value_(std::move(v)) {}
  Value(Object* v) : value_(v) {}
  Value(const char*) = delete;

  bool is_undefined() const { return std::holds_alternative<Undefined>(value_); }
  bool is_none() const { return std::holds_alternative<None>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_float() const { return std::holds_alternative<double>(value_); }
  bool is_integral() const { return is_int() || is_bool(); }
  bool is_number() const { return is_integral() || is_float(); }
  bool is_text() const { return text() != nullptr; }

  const Undefined* undefined() const { return std::get_if<Undefined>(&value_); }
  const Text* text() const { return pointed(std::get_if<std::shared_ptr<const Text>>(&value_)); }
  Sequence* sequence() const { return pointed(std::get_if<std::shared_ptr<Sequence>>(&value_)); }
  const Dict* dict() const { return pointed(std::get_if<std::shared_ptr<const Dict>>(&value_)); }
  Object* object() const {
    Object* const* held = std::get_if<Object*>(&value_);
    return held == nullptr ? nullptr : *held;
  }
  bool is(Flavour flavour) const { return sequence() != nullptr && sequence()->flavour == flavour; }

  int64_t integer() const;  // of a bool or an int
  double number() const;    // of any number

 private:
  template <class T>
  static T* pointed(const std::shared_ptr<T>* held) {
    return held == nullptr ? nullptr : held->get();
  }

  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>, std::shared_ptr<Sequence>,
               std::shared_ptr<const Dict>, Object*>
      value_;
};

std::string type_name(const Value& value);  // as Python names it: "str", "NoneType"
bool truth(const Value& value);
bool same_object(const Value& a, const Value& b);  // Python's `is`, as far as it is defined by the language

// How an undefined value came to be: "'x.y' is undefined".
std::string undefined_message(const Undefined& undefined);
// "x.y" of x.y and of x['y'], "" of what is no such path.
std::string path_of(const Expression& expression);

}  // namespace sil::jinja
