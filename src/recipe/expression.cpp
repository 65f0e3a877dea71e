#include "sil/expression.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "recipe/lua_state.h"
#include "recipe/lua_tokens.h"
#include "recipe/scope_fields.h"

namespace sil {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// What a value is, in a message.
const char* kind_of(const Value& value) {
  static constexpr const char* kKinds[] = {"nil", "a boolean", "a number", "text", "something with fields"};
  return kKinds[value.index()];
}

// Where `offset` of `source` lies in the file; `start` is where the source begins.
Place place_in(const Place& start, std::string_view source, size_t offset) {
  Place place = start;
  place.line = std::max(place.line, 1);
  place.column = std::max(place.column, 1);
  for (const char c : source.substr(0, offset)) {
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {  // columns count characters
      ++place.column;
    }
  }
  return place;
}

Place place_of(const LuaFault& fault, const Place& start, std::string_view source) {
  if (fault.kind == LuaFault::Kind::syntax) return place_in(start, source, fault.offset);
  if (fault.line <= 1) return start;
  Place place = start;
  place.line = std::max(start.line, 1) + fault.line - 1;
  place.column = 0;  // Lua remembers lines only
  return place;
}

// Follows a chain of names through a scope; one finding where it leaves what is declared.
class NameCheck {
 public:
  NameCheck(const Scope& scope, std::vector<Finding>& findings) : scope_(scope), findings_(findings) {}

  // `place` of the chain's token number `i`.
  template <class PlaceOf>
  void check(const LuaChain& chain, PlaceOf place) {
    const std::string first(chain[0].text);
    if (!may_have_field(scope_, first) || (scope_.open() && is_nil(field_of(scope_, first)))) {
      check_library(chain, place);
      return;
    }
    Value value = field_of(scope_, first);
    std::string path = first;
    for (size_t i = 1; i < chain.size(); ++i) {
      const std::string name(chain[i].text);
      const auto* inner = std::get_if<std::shared_ptr<const Scope>>(&value);
      if (inner == nullptr) {
        // Nil may be a table on another day, text has methods.
        if (is_nil(value) || std::holds_alternative<std::string>(value)) return;
        findings_.push_back({place(i), "`" + path + "` is " + kind_of(value) + " and has no field `" + name + "`", ""});
        return;
      }
      if (!may_have_field(**inner, name)) {
        findings_.push_back({place(i), "`" + path + "` has no field `" + name + "`", field_hint(**inner, name)});
        return;
      }
      value = field_of(**inner, name);
      path += "." + name;
    }
  }

 private:
  static bool is_nil(const Value& value) { return std::holds_alternative<std::monostate>(value); }

  template <class PlaceOf>
  void check_library(const LuaChain& chain, PlaceOf place) {
    const std::string first(chain[0].text);
    const std::vector<std::string> globals = lua_library_names("");
    if (!contains(globals, first)) {
      if (scope_.open()) return;
      const std::string near = nearest(first, globals);
      const std::string own = field_hint(scope_, first);
      const bool is_library = !near.empty() && !own.starts_with("did you mean");
      findings_.push_back(
          {place(0), "`" + first + "` is not declared", is_library ? "did you mean `" + near + "`?" : own});
      return;
    }
    const std::vector<std::string> members = lua_library_names(first);
    if (chain.size() < 2 || members.empty() || contains(members, chain[1].text)) return;
    std::string hint = "there are";
    for (const std::string& member : members) hint += " " + first + "." + member;
    findings_.push_back({place(1), "`" + first + "` has no `" + std::string(chain[1].text) + "` here", hint});
  }

  const Scope& scope_;
  std::vector<Finding>& findings_;
};

// The source as a message shows it: its first line, not too long.
std::string shown(const std::string& source) {
  constexpr size_t kLongest = 80;
  const size_t length = std::min(source.find('\n'), kLongest);
  return source.size() <= length ? source : source.substr(0, length) + " ...";
}

Error run_error(const LuaFault& fault, const Expression& expression) {
  const Place place = place_of(fault, expression.place(), expression.source());
  return Error(Exit::failed, "expression `" + shown(expression.source()) + "`: " + fault.message, fault.hint, place);
}

}  // namespace

std::vector<std::string> Expression::names() const {
  std::set<std::string> names;
  for (const LuaChain& chain : lua_free_names(lua_tokens(source_))) names.emplace(chain.front().text);
  return {names.begin(), names.end()};
}

std::vector<Finding> Expression::check(const Scope& scope) const {
  if (empty()) return {};
  LuaState& lua = LuaState::of_thread();
  if (const auto fault = lua.compile(source_)) {
    return {{place_of(*fault, place_, source_), "not an expression: " + fault->message, fault->hint}};
  }
  std::vector<Finding> findings;
  const std::vector<LuaToken> tokens = lua_tokens(source_);
  for (const LuaToken& token : tokens)
    if (token.is("^"))  // the C library's pow: its last bit differs from one machine to another
      findings.push_back({place_in(place_, source_, token.offset),
                          "`^` is not exact: its result depends on the machine",
                          "write x * x, or math.pow(x, y), which gives the same bits everywhere"});
  NameCheck names(scope, findings);
  for (const LuaChain& chain : lua_free_names(tokens)) {
    names.check(chain, [&](size_t i) { return place_in(place_, source_, chain[i].offset); });
  }
  if (!findings.empty()) return findings;  // a run would only stumble over the same names
  const LuaResult result = lua.run(source_, scope);
  if (const auto* fault = std::get_if<LuaFault>(&result); fault != nullptr && fault->kind != LuaFault::Kind::met_nil) {
    findings.push_back({place_of(*fault, place_, source_), fault->message, fault->hint});
  }
  return findings;
}

Value Expression::evaluate(const Scope& scope) const {
  if (empty()) return {};
  LuaResult result = LuaState::of_thread().run(source_, scope);
  if (const auto* fault = std::get_if<LuaFault>(&result)) throw run_error(*fault, *this);
  return std::get<Value>(std::move(result));
}

bool Expression::truth(const Scope& scope) const {
  if (empty()) return false;
  const LuaResult result = LuaState::of_thread().run(source_, scope);
  if (const auto* fault = std::get_if<LuaFault>(&result)) {
    if (fault->kind == LuaFault::Kind::met_nil) return false;
    throw run_error(*fault, *this);
  }
  const Value& value = std::get<Value>(result);
  if (std::holds_alternative<std::monostate>(value)) return false;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  const auto* number = std::get_if<double>(&value);
  return number == nullptr || *number != 0;
}

Value Expression::number(const Scope& scope) const {
  if (empty()) return {};
  const LuaResult result = LuaState::of_thread().run(source_, scope);
  if (const auto* fault = std::get_if<LuaFault>(&result)) {
    if (fault->kind == LuaFault::Kind::met_nil) return {};
    throw run_error(*fault, *this);
  }
  const Value& value = std::get<Value>(result);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1.0 : 0.0;
  const auto* number = std::get_if<double>(&value);
  const bool finite = number != nullptr && std::isfinite(*number);
  if (finite || std::holds_alternative<std::monostate>(value)) return value;
  LuaFault fault;
  fault.message = number == nullptr
                      ? std::string("gave ") + kind_of(value)
                      : std::string("gave ") + (std::isnan(*number) ? "not a number" : "an infinite number");
  fault.hint = "it must give a finite number, true, false or nil";
  throw run_error(fault, *this);
}

}  // namespace sil
