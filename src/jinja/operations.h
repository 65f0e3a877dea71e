// Python's operators on values, and what filters and statements share. All fail as Python does where it raises.
#pragma once

#include <optional>
#include <string>

#include "jinja/ast.h"
#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sil::jinja {

Value arithmetic(Runtime& runtime, Operator op, const Value& left, const Value& right);
bool compares(Runtime& runtime, Operator op, const Value& left, const Value& right);
bool equal(Runtime& runtime, const Value& left, const Value& right);
bool less(Runtime& runtime, const Value& left, const Value& right);
bool contains(Runtime& runtime, const Value& container, const Value& item);

// object[key] and object.name as Jinja looks them up; undefined when there is neither item nor attribute.
Value item(Runtime& runtime, const Value& object, const Value& key, const Expression* origin);
Value attribute(Runtime& runtime, const Value& object, const std::string& name, const Expression* origin);
Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop, const Value& step);

const Value* find_member(Runtime& runtime, const Dict& dict, const Value& key);  // fails for a key that has no hash
void set_member(Runtime& runtime, Members& members, Value key, Value value);

// What a loop sees: items, keys, characters. An iterator is read to its end and empty afterwards.
Values iterate(Runtime& runtime, const Value& value);
std::optional<size_t> length(Runtime& runtime, const Value& value);  // nothing where Python has no len()

// str(), repr() and Jinja's own conversion of what is undefined to "".
void append_text(Runtime& runtime, std::string& out, const Value& value);
std::string text_of(Runtime& runtime, const Value& value);
std::string repr(Runtime& runtime, const Value& value);
std::string repr(double value);
void append_repr(std::string& out, std::string_view text);

std::string escaped(std::string_view text);  // & < > ' " for HTML
std::string to_json(Runtime& runtime, const Value& value, Arguments& arguments);
std::string percent_format(Runtime& runtime, const std::string& format, const Value& values);
std::string brace_format(Runtime& runtime, const std::string& format, Arguments& arguments);

}  // namespace sil::jinja
