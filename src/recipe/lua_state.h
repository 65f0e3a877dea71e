// Lua 5.4 in a closed sandbox, one state a thread. Everything that could make two evaluations differ is shut out: no
// clock, no random numbers, no addresses, no order of hash tables, no global variables; budgets end what does not end.
//
// How errors travel: Lua is C and leaves frames by longjmp, so no C++ exception may cross a Lua frame and no frame
// that calls Lua may hold an object with a destructor. A scope's exception is kept in the Evaluation and thrown again
// behind lua_pcall; scripts have no pcall, so nothing can swallow it or an exceeded budget.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sil/expression.h"

struct lua_State;

namespace sil {

struct Evaluation;

// Why there is no value.
struct LuaFault {
  enum class Kind : uint8_t { syntax, met_nil, failed };
  Kind kind = Kind::failed;
  std::string message;
  std::string hint;
  int line = 0;       // of the source, from 1; 0: not known
  size_t offset = 0;  // syntax: of the token at fault
};

using LuaResult = std::variant<Value, LuaFault>;

// The names a script sees besides its scope's; `table` is "" for the globals, else "math", "string" or "table".
std::vector<std::string> lua_library_names(std::string_view table);

class LuaState {
 public:
  static LuaState& of_thread();

  LuaState();
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  std::optional<LuaFault> compile(const std::string& source);
  // Throws what the scope throws. May be called again from within a scope's get(); the budget is then shared.
  LuaResult run(const std::string& source, const Scope& scope);

  Evaluation& running() { return *running_; }  // innermost; only while run() is on the stack

 private:
  struct Memory {
    size_t used = 0;
    size_t taken = 0;  // in all since the outermost run() began
  };
  struct Frame;

  static void* allocate(void* memory, void* block, size_t old_size, size_t new_size);
  int load(const char* prefix, const std::string& source, LuaFault& fault);
  int compiled(const std::string& source, LuaFault& fault);
  LuaFault fault_of(int status);
  LuaResult result();
  void forget();

  Memory memory_;
  lua_State* lua_ = nullptr;
  Evaluation* running_ = nullptr;
  std::unordered_map<std::string, int> chunks_;  // source -> its function's reference
};

}  // namespace sil
