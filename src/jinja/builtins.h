// The tables of what templates can name: filters, tests, functions, methods.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sil::jinja {

struct FilterEntry {
  std::string_view name;
  Value (*apply)(Runtime& runtime, const Value& value, Arguments& arguments);
};

struct TestEntry {
  std::string_view name;
  bool (*apply)(Runtime& runtime, const Value& value, Arguments& arguments);
};

struct MethodEntry {
  std::string_view name;
  Value (*call)(Runtime& runtime, const Value& self, Arguments& arguments);  // nullptr: the sandbox refuses it
  bool keywords = false;                                                     // whether it takes name=value
};

// nullptr when there is none of that name.
const FilterEntry* find_filter(std::string_view name);
const TestEntry* find_test(std::string_view name);
Object* find_function(std::string_view name);  // has no state
const MethodEntry* find_method(const Value& self, std::string_view name);
Value call_method(Runtime& runtime, const MethodEntry& method, const Value& self, Arguments& arguments);
std::vector<std::string> filter_names();
std::vector<std::string> test_names();

// The shelves that the tables above are made of.
using Filters = std::vector<FilterEntry>;
const Filters& text_filters();
const Filters& number_filters();
const Filters& sequence_filters();
const Filters& selection_filters();
const std::vector<MethodEntry>& text_methods();

// A method with its object, as a value: `{% set f = x.strip %}`.
class MethodObject final : public Object {
 public:
  MethodObject(const MethodEntry& entry, Value self) : entry_(entry), self_(std::move(self)) {}
  std::string type() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override { return call_method(runtime, entry_, self_, arguments); }

 private:
  const MethodEntry& entry_;
  Value self_;
};

// What {% set ns.x = ... %} can change.
class Namespace final : public Object {
 public:
  std::string type() const override { return "Namespace"; }
  const Value* attribute(Runtime&, std::string_view name) override;
  void set(Runtime& runtime, const std::string& name, Value value);
  const std::vector<std::pair<std::string, Value>>& members() const { return members_; }

 private:
  std::vector<std::pair<std::string, Value>> members_;
};

}  // namespace sil::jinja
