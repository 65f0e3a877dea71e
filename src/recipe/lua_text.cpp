// `string`: no patterns, whose matching time has no bound, and letters are ASCII's whatever the locale. Every function
// charges for the bytes it goes through.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "recipe/lua_sandbox.h"

namespace sil {
namespace {

constexpr int64_t kBytesAnInstruction = 16;

std::string_view text_argument(lua_State* lua, int index) {
  size_t length = 0;
  const char* text = luaL_checklstring(lua, index, &length);
  charge(lua, static_cast<int64_t>(length) / kBytesAnInstruction);
  return {text, length};
}

// A place counted from 1, or from the end if negative, as an offset in [0, length].
size_t offset_of(lua_Integer place, size_t length) {
  const auto size = static_cast<lua_Integer>(length);
  if (place < 0) place = std::max<lua_Integer>(size + place + 1, 1);
  return static_cast<size_t>(std::clamp<lua_Integer>(place - 1, 0, size));
}

// The end of a range whose last place is `place`, as an offset.
size_t end_of(lua_Integer place, size_t length) {
  const auto size = static_cast<lua_Integer>(length);
  if (place < 0) place = size + place + 1;
  return static_cast<size_t>(std::clamp<lua_Integer>(place, 0, size));
}

int text_len(lua_State* lua) {
  lua_pushinteger(lua, static_cast<lua_Integer>(text_argument(lua, 1).size()));
  return 1;
}

int text_sub(lua_State* lua) {
  const std::string_view text = text_argument(lua, 1);
  const size_t begin = offset_of(integer_argument(lua, 2), text.size());
  const size_t end = lua_isnoneornil(lua, 3) ? text.size() : end_of(integer_argument(lua, 3), text.size());
  lua_pushlstring(lua, text.data() + begin, end > begin ? end - begin : 0);
  return 1;
}

int map_letters(lua_State* lua, char first, char last, int shift) {
  const std::string_view text = text_argument(lua, 1);
  luaL_Buffer buffer;
  char* out = luaL_buffinitsize(lua, &buffer, text.size());
  for (const char c : text) *out++ = c >= first && c <= last ? static_cast<char>(c + shift) : c;
  luaL_pushresultsize(&buffer, text.size());
  return 1;
}

int text_lower(lua_State* lua) {
  return map_letters(lua, 'A', 'Z', 'a' - 'A');
}
int text_upper(lua_State* lua) {
  return map_letters(lua, 'a', 'z', 'A' - 'a');
}

int text_byte(lua_State* lua) {
  const std::string_view text = text_argument(lua, 1);
  const lua_Integer place = luaL_optinteger(lua, 2, 1);
  const size_t begin = offset_of(place, text.size());
  const size_t end = end_of(luaL_optinteger(lua, 3, place), text.size());
  if (begin >= end) return 0;
  luaL_checkstack(lua, static_cast<int>(std::min<size_t>(end - begin, 1 << 20)), "string.byte: too many bytes");
  for (size_t i = begin; i < end; ++i) lua_pushinteger(lua, static_cast<unsigned char>(text[i]));
  return static_cast<int>(end - begin);
}

int text_char(lua_State* lua) {
  const int count = lua_gettop(lua);
  luaL_Buffer buffer;
  char* out = luaL_buffinitsize(lua, &buffer, static_cast<size_t>(count));
  for (int i = 1; i <= count; ++i) {
    const lua_Integer code = integer_argument(lua, i);
    luaL_argcheck(lua, code >= 0 && code <= 255, i, "a byte is 0 to 255");
    *out++ = static_cast<char>(code);
  }
  luaL_pushresultsize(&buffer, static_cast<size_t>(count));
  return 1;
}

int text_rep(lua_State* lua) {
  const std::string_view text = text_argument(lua, 1);
  const lua_Integer count = std::max<lua_Integer>(integer_argument(lua, 2), 0);
  const std::string_view separator = lua_isnoneornil(lua, 3) ? std::string_view() : text_argument(lua, 3);
  const size_t piece = text.size() + separator.size();
  if (piece > 0 && static_cast<size_t>(count) > kBlockBudget / piece) {
    return luaL_error(lua, "string.rep: the text would be longer than 1 MiB");
  }
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  charge(lua, static_cast<int64_t>(piece) * count / kBytesAnInstruction);
  for (lua_Integer i = 0; piece > 0 && i < count; ++i) {
    if (i > 0) luaL_addlstring(&buffer, separator.data(), separator.size());
    luaL_addlstring(&buffer, text.data(), text.size());
  }
  luaL_pushresult(&buffer);
  return 1;
}

// Always plain; memmem needs linear time. A fourth argument, Lua's `plain`, may be given and changes nothing.
int text_find(lua_State* lua) {
  const std::string_view text = text_argument(lua, 1);
  const std::string_view wanted = text_argument(lua, 2);
  const lua_Integer place = luaL_optinteger(lua, 3, 1);
  const size_t begin = offset_of(place, text.size());
  const auto* found =
      static_cast<const char*>(memmem(text.data() + begin, text.size() - begin, wanted.data(), wanted.size()));
  if (found == nullptr || place > static_cast<lua_Integer>(text.size()) + 1) {
    lua_pushnil(lua);
    return 1;
  }
  const auto offset = static_cast<lua_Integer>(found - text.data());
  lua_pushinteger(lua, offset + 1);
  lua_pushinteger(lua, offset + static_cast<lua_Integer>(wanted.size()));
  return 2;
}

// --- format ---------------------------------------------------------------------------------------------------------

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// %[flags][width][.precision]letter, width and precision of at most two digits.
struct Directive {
  char spec[16];  // for snprintf, without length and letter
  size_t length = 0;
  char letter = 0;
  bool left = false;  // flag '-'
  int width = 0;
  int precision = -1;
};

int take_digits(std::string_view& rest, int most) {
  int value = 0;
  for (; most > 0 && !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; --most) {
    value = 10 * value + (rest[0] - '0');
    rest.remove_prefix(1);
  }
  return value;
}

Directive take_directive(lua_State* lua, std::string_view& rest) {
  Directive directive;
  const char* start = rest.data();
  for (int flags = 0; flags < 5 && !rest.empty() && is_one_of(rest[0], "-+ #0"); ++flags) {
    directive.left = directive.left || rest[0] == '-';
    rest.remove_prefix(1);
  }
  directive.width = take_digits(rest, 2);
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    directive.precision = take_digits(rest, 2);
  }
  directive.length = static_cast<size_t>(rest.data() - start);
  directive.letter = rest.empty() ? '\0' : rest[0];
  if (rest.empty() || !is_one_of(directive.letter, "%dixXeEfgGsc")) {
    luaL_error(lua, "string.format: only %%d %%x %%X %%e %%E %%f %%g %%G %%s %%c and %%%% are known");
  }
  rest.remove_prefix(1);
  directive.spec[0] = '%';
  std::memcpy(directive.spec + 1, start, directive.length);
  directive.spec[1 + directive.length] = '\0';
  return directive;
}

void add_number(lua_State* lua, luaL_Buffer* buffer, Directive& directive, int argument) {
  constexpr size_t kLongest = 512;  // %.99f of the largest double has 409 characters
  char* out = luaL_prepbuffsize(buffer, kLongest);
  const char letter[] = {directive.letter, '\0'};
  int written = 0;
  if (is_one_of(directive.letter, "dixX")) {
    std::strcat(std::strcat(directive.spec, "ll"), letter);
    written = std::snprintf(out, kLongest, directive.spec, static_cast<long long>(integer_argument(lua, argument)));
  } else {
    std::strcat(directive.spec, letter);
    written = std::snprintf(out, kLongest, directive.spec, number_argument(lua, argument));
  }
  luaL_addsize(buffer, static_cast<size_t>(std::max(written, 0)));
}

// The text on top of the stack, cut and padded; popped.
void add_text(lua_State* lua, luaL_Buffer* buffer, const Directive& directive) {
  char spaces[100];
  size_t length = 0;
  const char* text = lua_tolstring(lua, -1, &length);
  if (directive.precision >= 0) length = std::min(length, static_cast<size_t>(directive.precision));
  const size_t padding = std::max(static_cast<size_t>(directive.width), length) - length;
  std::memset(spaces, ' ', padding);
  // A buffer may move what it holds onto the stack, so nothing is added while the text lies there.
  lua_pushlstring(lua, text, length);
  lua_remove(lua, -2);
  lua_pushlstring(lua, spaces, padding);
  if (!directive.left) lua_insert(lua, -2);
  lua_concat(lua, 2);
  luaL_addvalue(buffer);
}

int text_format(lua_State* lua) {
  std::string_view rest = text_argument(lua, 1);
  const int arguments = lua_gettop(lua);
  int argument = 1;
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  while (!rest.empty()) {
    charge(lua, 1);
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c != '%') {
      luaL_addchar(&buffer, c);
      continue;
    }
    Directive directive = take_directive(lua, rest);
    if (directive.letter == '%') {
      luaL_addchar(&buffer, '%');
      continue;
    }
    if (++argument > arguments) return luaL_argerror(lua, argument, "no value");
    if (directive.letter == 's') {
      push_text(lua, argument);
      add_text(lua, &buffer, directive);
    } else if (directive.letter == 'c') {
      luaL_addchar(&buffer, static_cast<char>(integer_argument(lua, argument)));
    } else {
      add_number(lua, &buffer, directive, argument);
    }
  }
  luaL_pushresult(&buffer);
  return 1;
}

}  // namespace

std::span<const luaL_Reg> text_library() {
  static constexpr luaL_Reg kFunctions[] = {{"byte", text_byte},     {"char", text_char}, {"find", text_find},
                                            {"format", text_format}, {"len", text_len},   {"lower", text_lower},
                                            {"rep", text_rep},       {"sub", text_sub},   {"upper", text_upper}};
  return kFunctions;
}

}  // namespace sil
