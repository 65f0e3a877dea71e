// The words of a Lua chunk, and which of them name something from outside it. Enough to check names before anything
// runs; whether the chunk is well-formed is Lua's to say.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sil {

struct LuaToken {
  enum class Kind : uint8_t { name, keyword, number, string, symbol };
  Kind kind = Kind::symbol;
  std::string_view text;  // of the source
  size_t offset = 0;

  bool is(std::string_view word) const { return (kind == Kind::keyword || kind == Kind::symbol) && text == word; }
};

// Comments and space left out. Never fails: a string that does not end reaches to the end of its line, a long one to
// the end of the source.
std::vector<LuaToken> lua_tokens(std::string_view source);

// `unit.meta.level` as its names.
using LuaChain = std::vector<LuaToken>;

// Every use of a name that is no local variable, parameter, table key, label or method, with the fields that follow it
// by dots. A local variable counts as such from its declaration to the end of its block.
std::vector<LuaChain> lua_free_names(const std::vector<LuaToken>& tokens);

}  // namespace sil
