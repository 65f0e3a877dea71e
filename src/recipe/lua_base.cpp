// The functions of the sandbox that have no table. Written anew where Lua's own would let chance in: the order of pairs
// and next, addresses in text.
#include <algorithm>

#include "recipe/lua_sandbox.h"
#include "recipe/scope_fields.h"

namespace sil {
namespace {

int key_rank(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
      return 0;
    case LUA_TSTRING:
      return 1;
    case LUA_TBOOLEAN:
      return 2;
    default:
      return luaL_error(lua, "keys must be numbers, text or booleans; a %s has no order", luaL_typename(lua, index));
  }
}

// Numbers, then text by bytes, then false and true.
bool key_less(lua_State* lua, int a, int b) {
  const int rank_a = key_rank(lua, a);
  const int rank_b = key_rank(lua, b);
  if (rank_a != rank_b) return rank_a < rank_b;
  if (rank_a == 0) return lua_compare(lua, a, b, LUA_OPLT) != 0;
  if (rank_a == 2) return lua_toboolean(lua, a) < lua_toboolean(lua, b);
  size_t length_a = 0;
  size_t length_b = 0;
  const char* text_a = lua_tolstring(lua, a, &length_a);
  const char* text_b = lua_tolstring(lua, b, &length_b);
  return std::string_view(text_a, length_a) < std::string_view(text_b, length_b);
}

// Pushes the list of the table's keys, in order.
void push_sorted_keys(lua_State* lua, int table) {
  lua_newtable(lua);
  const int keys = lua_gettop(lua);
  lua_Integer count = 0;
  lua_pushnil(lua);
  while (lua_next(lua, table) != 0) {
    charge(lua, 2);
    lua_pop(lua, 1);
    key_rank(lua, -1);
    lua_pushvalue(lua, -1);
    lua_rawseti(lua, keys, ++count);
  }
  sort_list(lua, keys, count, key_less);
}

// The names of a scope's fields wait in the evaluation: no C++ object may live on this frame while Lua allocates.
bool list_fields(Evaluation& evaluation, const Scope& scope) noexcept {
  try {
    evaluation.names = scope.fields();
    for (std::string& name : evaluation.names) name = identifier_of(name);
    return true;
  } catch (...) {
    evaluation.thrown = std::current_exception();
    return false;
  }
}

void push_field_names(lua_State* lua, const Scope& scope) {
  Evaluation& evaluation = running(lua);
  if (!list_fields(evaluation, scope)) lua_error(lua);
  lua_newtable(lua);
  lua_Integer count = 0;
  for (const std::string& name : evaluation.names) {
    lua_pushlstring(lua, name.data(), name.size());
    lua_rawseti(lua, -2, ++count);
  }
}

// Upvalues: the keys, what they are keys of, how many have been given.
int next_pair(lua_State* lua) {
  for (lua_Integer at = lua_tointeger(lua, lua_upvalueindex(3)) + 1;; ++at) {
    charge(lua, 1);
    lua_settop(lua, 0);
    if (lua_rawgeti(lua, lua_upvalueindex(1), at) == LUA_TNIL) return 1;
    lua_pushvalue(lua, 1);
    if (lua_gettable(lua, lua_upvalueindex(2)) == LUA_TNIL) continue;
    lua_pushinteger(lua, at);
    lua_replace(lua, lua_upvalueindex(3));
    return 2;
  }
}

int base_pairs(lua_State* lua) {
  lua_settop(lua, 1);
  if (const Fields* fields = to_fields(lua, 1)) {
    push_field_names(lua, *fields->scope);
  } else {
    luaL_checktype(lua, 1, LUA_TTABLE);
    push_sorted_keys(lua, 1);
  }
  lua_pushvalue(lua, 1);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, next_pair, 3);
  return 1;
}

// The smallest key above the one given: no position to remember, so each step reads the whole table.
int base_next(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  lua_pushnil(lua);  // 3: the best key so far
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    charge(lua, 2);
    lua_pop(lua, 1);
    key_rank(lua, 4);
    const bool after = lua_isnil(lua, 2) || key_less(lua, 2, 4);
    if (after && (lua_isnil(lua, 3) || key_less(lua, 4, 3))) lua_copy(lua, 4, 3);
  }
  if (lua_isnil(lua, 3)) return 1;
  lua_pushvalue(lua, 3);
  lua_rawget(lua, 1);
  return 2;
}

int next_item(lua_State* lua) {
  const lua_Integer index = lua_tointeger(lua, 2) + 1;
  lua_pushinteger(lua, index);
  return lua_geti(lua, 1, index) == LUA_TNIL ? 1 : 2;
}

int base_ipairs(lua_State* lua) {
  luaL_checkany(lua, 1);
  lua_pushcfunction(lua, next_item);
  lua_pushvalue(lua, 1);
  lua_pushinteger(lua, 0);
  return 3;
}

int base_select(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (lua_type(lua, 1) == LUA_TSTRING && lua_rawlen(lua, 1) == 1 && *lua_tostring(lua, 1) == '#') {
    lua_pushinteger(lua, count - 1);
    return 1;
  }
  lua_Integer from = integer_argument(lua, 1);
  if (from < 0) from += count;
  luaL_argcheck(lua, from >= 1, 1, "index out of range");
  return from >= count ? 0 : count - static_cast<int>(from);
}

int base_tostring(lua_State* lua) {
  luaL_checkany(lua, 1);
  push_text(lua, 1);
  return 1;
}

int base_tonumber(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (lua_type(lua, 1) == LUA_TSTRING) {
    size_t length = 0;
    const char* text = lua_tolstring(lua, 1, &length);
    charge(lua, static_cast<int64_t>(length / 16));
    if (lua_stringtonumber(lua, text) != length + 1) lua_pushnil(lua);
  } else if (lua_type(lua, 1) == LUA_TNUMBER) {
    lua_settop(lua, 1);
  } else {
    lua_pushnil(lua);
  }
  return 1;
}

int base_type(lua_State* lua) {
  luaL_checkany(lua, 1);
  lua_pushstring(lua, luaL_typename(lua, 1));
  return 1;
}

int base_error(lua_State* lua) {
  running(lua).raised = true;
  const lua_Integer level = luaL_optinteger(lua, 2, 1);
  lua_settop(lua, 1);
  if (lua_isstring(lua, 1) != 0 && level > 0) {
    luaL_where(lua, static_cast<int>(std::min<lua_Integer>(level, 100)));
    lua_insert(lua, 1);
    lua_concat(lua, 2);
  }
  return lua_error(lua);
}

int base_assert(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (lua_toboolean(lua, 1) != 0) return lua_gettop(lua);
  running(lua).raised = true;
  if (lua_gettop(lua) < 2) return luaL_error(lua, "assertion failed");
  lua_settop(lua, 2);
  return lua_error(lua);
}

}  // namespace

void push_text(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TNIL:
      lua_pushliteral(lua, "nil");
      break;
    case LUA_TBOOLEAN:
      lua_pushstring(lua, lua_toboolean(lua, index) != 0 ? "true" : "false");
      break;
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(lua, index);
      lua_tolstring(lua, -1, nullptr);
      break;
    default:
      lua_pushstring(lua, luaL_typename(lua, index));  // no address: it would differ from run to run
  }
}

std::span<const luaL_Reg> base_library() {
  static constexpr luaL_Reg kFunctions[] = {
      {"assert", base_assert},     {"error", base_error},       {"ipairs", base_ipairs},
      {"next", base_next},         {"pairs", base_pairs},       {"select", base_select},
      {"tonumber", base_tonumber}, {"tostring", base_tostring}, {"type", base_type}};
  return kFunctions;
}

}  // namespace sil
