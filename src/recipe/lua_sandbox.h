// What the C functions of the sandbox share. Included by recipe/lua_*.cpp only.
#pragma once

#include <exception>
#include <lua.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "recipe/lua_state.h"

namespace sil {

inline constexpr int64_t kInstructionBudget = 2'000'000;
inline constexpr size_t kMemoryBudget = size_t{16} << 20;    // at once, in a thread
inline constexpr size_t kBlockBudget = size_t{1} << 20;      // of one text or table: bounds what one instruction costs
inline constexpr size_t kTrafficBudget = size_t{256} << 20;  // in all, in an evaluation

// One run of a chunk. Runs nest when a field of a scope is itself an expression.
struct Evaluation {
  const Scope* scope = nullptr;
  int64_t left = kInstructionBudget;
  bool spent = false;         // the budget ended the run
  bool raised = false;        // the script called error or assert
  bool met_nil = false;       // a library function needed a number and got nil
  std::exception_ptr thrown;  // by the scope
  std::string message;        // of a name that is not declared
  std::string hint;
  Value found;                                     // by the latest lookup
  std::vector<std::string> names;                  // fields of the scope that pairs() goes through
  std::vector<std::shared_ptr<const Scope>> kept;  // what proxies on the Lua side point to
};

// A scope on the Lua side. No destructor: Evaluation::kept owns it.
struct Fields {
  const Scope* scope;
  size_t kept;
};

Evaluation& running(lua_State* lua);
void charge(lua_State* lua, int64_t instructions);   // leaves by an error when the budget is spent
const Fields* to_fields(lua_State* lua, int index);  // nullptr when it is something else

// Pushes an integer where the number is a small one (so that text shows 3, not 3.0, and products cannot wrap).
void push_number(lua_State* lua, double value);
void open_scopes(lua_State* lua);  // leaves the globals' proxy on the stack

// A number argument; nil leaves by an error that counts as "met nil".
lua_Number number_argument(lua_State* lua, int index);
lua_Integer integer_argument(lua_State* lua, int index);
void push_text(lua_State* lua, int index);  // as tostring does

// Sorts the list at `list`, `length` long, stably. `less` gets two stack indices. Any `less` ends and never reads
// outside the list.
using Less = bool (*)(lua_State* lua, int a, int b);
void sort_list(lua_State* lua, int list, lua_Integer length, Less less);

// The libraries. Constants of math stand in its list without a function.
std::span<const luaL_Reg> base_library();
std::span<const luaL_Reg> math_library();
std::span<const luaL_Reg> list_library();  // `table`
std::span<const luaL_Reg> text_library();  // `string`

}  // namespace sil
