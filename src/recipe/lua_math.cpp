// `math`, with the same bits on every machine: exp, log and pow are the project's own, nothing is random.
#include <cmath>

#include "base/math.h"
#include "recipe/lua_sandbox.h"

namespace sil {
namespace {

constexpr double kWholePowers = 1024;

// Whole powers by squaring (2^10 is 1024 exactly), others as exp(y log x).
double power(double x, double y) {
  if (y != std::trunc(y) || std::fabs(y) > kWholePowers) return exact_exp(y * exact_log(x));
  double result = 1;
  for (auto left = static_cast<unsigned>(std::fabs(y)); left > 0; left >>= 1) {
    if ((left & 1) != 0) result *= x;
    x *= x;
  }
  return y < 0 ? 1 / result : result;
}

// A whole float as an integer where it fits.
void push_whole(lua_State* lua, double value) {
  lua_Integer integer = 0;
  if (lua_numbertointeger(value, &integer)) {
    lua_pushinteger(lua, integer);
  } else {
    lua_pushnumber(lua, value);
  }
}

int math_abs(lua_State* lua) {
  const double value = number_argument(lua, 1);
  if (lua_isinteger(lua, 1) == 0) {
    lua_pushnumber(lua, std::fabs(value));
  } else {
    const auto bits = static_cast<lua_Unsigned>(lua_tointeger(lua, 1));
    lua_pushinteger(lua, static_cast<lua_Integer>(value < 0 ? 0 - bits : bits));
  }
  return 1;
}

int round_argument(lua_State* lua, double (*round)(double)) {
  const double value = number_argument(lua, 1);
  if (lua_isinteger(lua, 1) != 0) {
    lua_settop(lua, 1);
  } else {
    push_whole(lua, round(value));
  }
  return 1;
}

int math_ceil(lua_State* lua) {
  return round_argument(lua, std::ceil);
}
int math_floor(lua_State* lua) {
  return round_argument(lua, std::floor);
}

int extreme(lua_State* lua, bool largest) {
  number_argument(lua, 1);
  int best = 1;
  for (int i = 2; i <= lua_gettop(lua); ++i) {
    number_argument(lua, i);
    if (lua_compare(lua, largest ? best : i, largest ? i : best, LUA_OPLT) != 0) best = i;
  }
  lua_pushvalue(lua, best);
  return 1;
}

int math_max(lua_State* lua) {
  return extreme(lua, true);
}
int math_min(lua_State* lua) {
  return extreme(lua, false);
}

int math_exp(lua_State* lua) {
  lua_pushnumber(lua, exact_exp(number_argument(lua, 1)));
  return 1;
}

int math_log(lua_State* lua) {
  const double value = exact_log(number_argument(lua, 1));
  lua_pushnumber(lua, lua_isnone(lua, 2) ? value : value / exact_log(number_argument(lua, 2)));
  return 1;
}

int math_pow(lua_State* lua) {
  lua_pushnumber(lua, power(number_argument(lua, 1), number_argument(lua, 2)));
  return 1;
}

int math_sqrt(lua_State* lua) {
  lua_pushnumber(lua, std::sqrt(number_argument(lua, 1)));
  return 1;
}

int math_fmod(lua_State* lua) {
  push_number(lua, std::fmod(number_argument(lua, 1), number_argument(lua, 2)));
  return 1;
}

int math_tointeger(lua_State* lua) {
  luaL_checkany(lua, 1);
  int whole = 0;
  const lua_Integer value = lua_type(lua, 1) == LUA_TNUMBER ? lua_tointegerx(lua, 1, &whole) : 0;
  if (whole != 0) {
    lua_pushinteger(lua, value);
  } else {
    lua_pushnil(lua);
  }
  return 1;
}

}  // namespace

lua_Number number_argument(lua_State* lua, int index) {
  if (lua_isnil(lua, index)) running(lua).met_nil = true;
  luaL_checktype(lua, index, LUA_TNUMBER);
  return lua_tonumber(lua, index);
}

lua_Integer integer_argument(lua_State* lua, int index) {
  number_argument(lua, index);
  return luaL_checkinteger(lua, index);
}

std::span<const luaL_Reg> math_library() {
  static constexpr luaL_Reg kFunctions[] = {{"abs", math_abs},
                                            {"ceil", math_ceil},
                                            {"exp", math_exp},
                                            {"floor", math_floor},
                                            {"fmod", math_fmod},
                                            {"huge", nullptr},
                                            {"log", math_log},
                                            {"max", math_max},
                                            {"min", math_min},
                                            {"pi", nullptr},
                                            {"pow", math_pow},
                                            {"sqrt", math_sqrt},
                                            {"tointeger", math_tointeger}};
  return kFunctions;
}

}  // namespace sil
