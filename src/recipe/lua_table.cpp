// `table`. Sorting is a stable merge: Lua's own picks its pivots by the clock, so that equal items and comparison
// functions that contradict themselves would give another order in every run.
#include <algorithm>

#include "recipe/lua_sandbox.h"

namespace sil {
namespace {

struct Run {
  lua_Integer begin, middle, end;
};

// Merges [begin, middle) and [middle, end) of `from` into `to`; only a strictly smaller one overtakes.
void merge(lua_State* lua, int from, int to, Run run, Less less) {
  lua_Integer a = run.begin;
  lua_Integer b = run.middle;
  for (lua_Integer out = run.begin; out < run.end; ++out) {
    charge(lua, 4);
    bool take_b = a == run.middle;
    if (a < run.middle && b < run.end) {
      lua_rawgeti(lua, from, b);
      lua_rawgeti(lua, from, a);
      const int top = lua_gettop(lua);
      take_b = less(lua, top - 1, top);
      lua_settop(lua, top - 2);
    }
    lua_rawgeti(lua, from, take_b ? b++ : a++);
    lua_rawseti(lua, to, out);
  }
}

lua_Integer list_length(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  return static_cast<lua_Integer>(lua_rawlen(lua, 1));
}

int list_concat(lua_State* lua) {
  const lua_Integer length = list_length(lua);
  size_t separator_length = 0;
  const char* separator = luaL_optlstring(lua, 2, "", &separator_length);
  const lua_Integer first = std::max<lua_Integer>(luaL_optinteger(lua, 3, 1), 1);
  const lua_Integer last = std::min(luaL_optinteger(lua, 4, length), length);
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  for (lua_Integer i = first; i <= last; ++i) {
    charge(lua, 4);
    if (i > first) luaL_addlstring(&buffer, separator, separator_length);
    lua_rawgeti(lua, 1, i);
    if (lua_isstring(lua, -1) == 0) {
      return luaL_error(lua, "table.concat: item %I is a %s, not text or a number", i, luaL_typename(lua, -1));
    }
    luaL_addvalue(&buffer);
  }
  luaL_pushresult(&buffer);
  return 1;
}

int list_insert(lua_State* lua) {
  const lua_Integer end = list_length(lua) + 1;
  const bool at_end = lua_gettop(lua) == 2;
  if (!at_end && lua_gettop(lua) != 3)
    return luaL_error(lua, "table.insert takes (list, value) or (list, place, value)");
  const lua_Integer place = at_end ? end : integer_argument(lua, 2);
  luaL_argcheck(lua, place >= 1 && place <= end, 2, "place out of range");
  charge(lua, end - place);
  for (lua_Integer i = end; i > place; --i) {
    lua_rawgeti(lua, 1, i - 1);
    lua_rawseti(lua, 1, i);
  }
  lua_rawseti(lua, 1, place);
  return 0;
}

int list_remove(lua_State* lua) {
  const lua_Integer length = list_length(lua);
  const lua_Integer place = lua_isnoneornil(lua, 2) ? length : integer_argument(lua, 2);
  if (place < 1 || place > length) return 0;
  charge(lua, length - place);
  lua_rawgeti(lua, 1, place);
  for (lua_Integer i = place; i < length; ++i) {
    lua_rawgeti(lua, 1, i + 1);
    lua_rawseti(lua, 1, i);
  }
  lua_pushnil(lua);
  lua_rawseti(lua, 1, length);
  return 1;
}

bool value_less(lua_State* lua, int a, int b) {
  return lua_compare(lua, a, b, LUA_OPLT) != 0;
}

bool function_less(lua_State* lua, int a, int b) {
  lua_pushvalue(lua, 2);  // the second argument of sort
  lua_pushvalue(lua, a);
  lua_pushvalue(lua, b);
  lua_call(lua, 2, 1);
  return lua_toboolean(lua, -1) != 0;
}

int list_sort(lua_State* lua) {
  const lua_Integer length = list_length(lua);
  lua_settop(lua, 2);
  if (!lua_isnil(lua, 2)) luaL_checktype(lua, 2, LUA_TFUNCTION);
  sort_list(lua, 1, length, lua_isnil(lua, 2) ? value_less : function_less);
  return 0;
}

int list_unpack(lua_State* lua) {
  const lua_Integer length = list_length(lua);
  const lua_Integer first = luaL_optinteger(lua, 2, 1);
  const lua_Integer last = luaL_optinteger(lua, 3, length);
  if (first > last) return 0;
  const lua_Unsigned count = static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first) + 1;
  const bool fits = count > 0 && count < 100'000 && lua_checkstack(lua, static_cast<int>(count)) != 0;
  if (!fits) return luaL_error(lua, "table.unpack: too many values");
  charge(lua, static_cast<int64_t>(count));
  for (lua_Unsigned i = 0; i < count; ++i) lua_rawgeti(lua, 1, first + static_cast<lua_Integer>(i));
  return static_cast<int>(count);
}

}  // namespace

void sort_list(lua_State* lua, int list, lua_Integer length, Less less) {
  const int top = lua_gettop(lua);
  lua_newtable(lua);
  int from = list;
  int to = top + 1;
  for (lua_Integer width = 1; width < length; width *= 2) {
    for (lua_Integer begin = 1; begin <= length; begin += 2 * width) {
      const Run run = {begin, std::min(begin + width, length + 1), std::min(begin + 2 * width, length + 1)};
      merge(lua, from, to, run, less);
    }
    std::swap(from, to);
  }
  for (lua_Integer i = 1; from != list && i <= length; ++i) {
    lua_rawgeti(lua, from, i);
    lua_rawseti(lua, list, i);
  }
  lua_settop(lua, top);
}

std::span<const luaL_Reg> list_library() {
  static constexpr luaL_Reg kFunctions[] = {{"concat", list_concat},
                                            {"insert", list_insert},
                                            {"remove", list_remove},
                                            {"sort", list_sort},
                                            {"unpack", list_unpack}};
  return kFunctions;
}

}  // namespace sil
