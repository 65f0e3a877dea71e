// Scopes as Lua sees them: userdata whose fields are looked up on use and cannot be set. The globals are one such
// userdata; behind the running scope's fields stand the library's names.
#include <cmath>
#include <cstring>

#include "recipe/lua_sandbox.h"
#include "recipe/scope_fields.h"

namespace sil {
namespace {

constexpr const char* kFieldsType = "fields";
constexpr int64_t kLookupCost = 10;
constexpr double kSmallInteger = 2147483648.0;

enum class Lookup : uint8_t { found, nothing, undeclared, threw };

// No exception leaves; what it was waits in the evaluation.
Lookup look_up(Evaluation& evaluation, const Scope& scope, std::string_view name) noexcept {
  try {
    evaluation.found = field_of(scope, name);
    if (const auto* inner = std::get_if<std::shared_ptr<const Scope>>(&evaluation.found)) {
      evaluation.kept.push_back(*inner);
    }
    if (!std::holds_alternative<std::monostate>(evaluation.found)) return Lookup::found;
    if (scope.open()) return Lookup::nothing;
    if (may_have_field(scope, name)) return Lookup::found;
    evaluation.message = "`" + std::string(name) + "` is not declared";
    evaluation.hint = field_hint(scope, name);
    return Lookup::undeclared;
  } catch (...) {
    evaluation.thrown = std::current_exception();
    return Lookup::threw;
  }
}

void push_fields(lua_State* lua, Evaluation& evaluation) {
  const size_t kept = evaluation.kept.size() - 1;
  const Scope* scope = evaluation.kept.back().get();
  auto* fields = static_cast<Fields*>(lua_newuserdatauv(lua, sizeof(Fields), 0));
  *fields = {scope, kept};
  luaL_setmetatable(lua, kFieldsType);
}

void push_found(lua_State* lua, Evaluation& evaluation) {
  const Value& value = evaluation.found;
  if (const auto* flag = std::get_if<bool>(&value)) {
    lua_pushboolean(lua, *flag ? 1 : 0);
  } else if (const auto* number = std::get_if<double>(&value)) {
    push_number(lua, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    lua_pushlstring(lua, text->data(), text->size());
  } else if (std::holds_alternative<std::shared_ptr<const Scope>>(value)) {
    push_fields(lua, evaluation);
  } else {
    lua_pushnil(lua);
  }
}

int raise_undeclared(lua_State* lua) {
  const Evaluation& evaluation = running(lua);
  luaL_where(lua, 1);
  lua_pushlstring(lua, evaluation.message.data(), evaluation.message.size());
  lua_concat(lua, 2);
  return lua_error(lua);
}

// The key at index 2 as a field's name: text, or a number as it is written.
std::string_view field_name(lua_State* lua) {
  if (lua_type(lua, 2) != LUA_TSTRING && lua_type(lua, 2) != LUA_TNUMBER) {
    luaL_error(lua, "a field's name is text, not a %s", luaL_typename(lua, 2));
  }
  size_t length = 0;
  const char* text = lua_tolstring(lua, 2, &length);
  return {text, length};
}

int index_fields(lua_State* lua) {
  charge(lua, kLookupCost);
  Evaluation& evaluation = running(lua);
  switch (look_up(evaluation, *to_fields(lua, 1)->scope, field_name(lua))) {
    case Lookup::threw:
      return lua_error(lua);
    case Lookup::undeclared:
      return raise_undeclared(lua);
    default:
      push_found(lua, evaluation);
  }
  return 1;
}

// The library is the upvalue. A scope's own names win over it.
int index_globals(lua_State* lua) {
  charge(lua, kLookupCost);
  Evaluation& evaluation = running(lua);
  const Lookup lookup = look_up(evaluation, *evaluation.scope, field_name(lua));
  if (lookup == Lookup::threw) return lua_error(lua);
  if (lookup == Lookup::found) {
    push_found(lua, evaluation);
    return 1;
  }
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) == LUA_TNIL && lookup == Lookup::undeclared) return raise_undeclared(lua);
  return 1;
}

int refuse_field(lua_State* lua) {
  return luaL_error(lua, "fields are there to be read, not set");
}

int refuse_global(lua_State* lua) {
  return luaL_error(lua, "a variable must be local: write `local %s`", luaL_tolstring(lua, 2, nullptr));
}

int same_scope(lua_State* lua) {
  const Fields* a = to_fields(lua, 1);
  const Fields* b = to_fields(lua, 2);
  lua_pushboolean(lua, a != nullptr && b != nullptr && a->scope == b->scope ? 1 : 0);
  return 1;
}

void push_functions(lua_State* lua, std::span<const luaL_Reg> functions) {
  lua_createtable(lua, 0, static_cast<int>(functions.size()));
  for (const luaL_Reg& entry : functions) {
    if (entry.func == nullptr) continue;
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
}

// A library as a userdata: what is no table cannot be written to, whatever a script tries.
void push_library(lua_State* lua) {
  lua_newuserdatauv(lua, 0, 0);
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_remove(lua, -2);
}

void push_globals_library(lua_State* lua) {
  push_functions(lua, base_library());
  push_functions(lua, list_library());
  push_library(lua);
  lua_setfield(lua, -2, "table");

  push_functions(lua, math_library());
  lua_pushnumber(lua, HUGE_VAL);
  lua_setfield(lua, -2, "huge");
  lua_pushnumber(lua, M_PI);
  lua_setfield(lua, -2, "pi");
  push_library(lua);
  lua_setfield(lua, -2, "math");

  push_functions(lua, text_library());
  lua_pushliteral(lua, "");  // all texts share one metatable: ("x"):upper()
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_pop(lua, 1);
  push_library(lua);
  lua_setfield(lua, -2, "string");
}

}  // namespace

std::vector<std::string> lua_library_names(std::string_view table) {
  if (table != "" && table != "table" && table != "math" && table != "string") return {};
  const auto functions = table == "table"    ? list_library()
                         : table == "math"   ? math_library()
                         : table == "string" ? text_library()
                                             : base_library();
  std::vector<std::string> names;
  for (const luaL_Reg& entry : functions) names.emplace_back(entry.name);
  if (table.empty()) names.insert(names.end(), {"math", "string", "table"});
  return names;
}

void push_number(lua_State* lua, double value) {
  if (value == std::trunc(value) && std::fabs(value) < kSmallInteger) {
    lua_pushinteger(lua, static_cast<lua_Integer>(value));
  } else {
    lua_pushnumber(lua, value);
  }
}

const Fields* to_fields(lua_State* lua, int index) {
  // By size: luaL_testudata looks up a string, which can raise, and this is called outside lua_pcall too.
  const bool fields = lua_type(lua, index) == LUA_TUSERDATA && lua_rawlen(lua, index) == sizeof(Fields);
  return fields ? static_cast<const Fields*>(lua_touserdata(lua, index)) : nullptr;
}

void open_scopes(lua_State* lua) {
  static constexpr luaL_Reg kFields[] = {{"__index", index_fields}, {"__newindex", refuse_field}, {"__eq", same_scope}};
  luaL_newmetatable(lua, kFieldsType);
  for (const luaL_Reg& entry : kFields) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  }
  lua_pop(lua, 1);

  lua_newuserdatauv(lua, 0, 0);
  lua_createtable(lua, 0, 2);
  push_globals_library(lua);
  lua_pushcclosure(lua, index_globals, 1);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_global);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
}

}  // namespace sil
