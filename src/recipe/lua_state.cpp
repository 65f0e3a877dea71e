#include "recipe/lua_state.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "recipe/lua_sandbox.h"
#include "recipe/lua_tokens.h"
#include "sil/error.h"

namespace sil {
namespace {

constexpr int kHookInterval = 1000;
constexpr size_t kCachedChunks = 256;
constexpr std::string_view kChunkName = "lua";

void on_count(lua_State* lua, lua_Debug*) {
  charge(lua, kHookInterval);
}

int open_sandbox(lua_State* lua) {
  open_scopes(lua);
  lua_setfield(lua, LUA_REGISTRYINDEX, "globals");
  return 0;
}

// Hands Lua one byte at a time, so that at a syntax error the count of bytes taken tells where the fault is.
struct Source {
  std::string_view parts[2];
  size_t taken = 0;
  int status = LUA_OK;  // of lua_load: raised again it would count as a run-time error
  int reference = LUA_NOREF;

  static const char* read(lua_State*, void* self, size_t* size) {
    auto& source = *static_cast<Source*>(self);
    const size_t at = source.taken++;
    const std::string_view part = source.parts[at < source.parts[0].size() ? 0 : 1];
    const size_t inside = at < source.parts[0].size() ? at : at - source.parts[0].size();
    *size = inside < part.size() ? 1 : 0;
    return *size == 1 ? part.data() + inside : nullptr;
  }
};

int load_source(lua_State* lua) {
  auto& source = *static_cast<Source*>(lua_touserdata(lua, 1));
  source.status = lua_load(lua, Source::read, &source, "=lua", "t");
  if (source.status != LUA_OK) return lua_error(lua);
  lua_getfield(lua, LUA_REGISTRYINDEX, "globals");
  lua_setupvalue(lua, -2, 1);  // _ENV
  source.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

// Where the fault of `message` lies, when Lua took `taken` characters of the source: it looks one past the token.
size_t fault_offset(std::string_view source, size_t taken, std::string_view message) {
  if (message.ends_with("near <eof>") && !message.starts_with("unfinished")) return source.size();
  size_t offset = 0;
  for (const LuaToken& token : lua_tokens(source)) {
    if (token.offset + 1 >= taken) break;
    offset = token.offset;
  }
  return offset;
}

// Takes "lua:12: " off a message; 0 when it is not there.
int take_line(std::string& message) {
  if (!message.starts_with(kChunkName) || message.size() <= kChunkName.size()) return 0;
  const char* first = message.data() + kChunkName.size() + 1;
  int line = 0;
  const auto [end, error] = std::from_chars(first, message.data() + message.size(), line);
  const std::string_view rest(end, static_cast<size_t>(message.data() + message.size() - end));
  if (error != std::errc{} || !rest.starts_with(": ")) return 0;
  message.erase(0, message.size() - rest.size() + 2);
  return line;
}

// The virtual machine's own words for an operation on nil that a value would have allowed (Lua 5.4, ldebug.c).
bool is_about_nil(std::string_view message) {
  static constexpr std::string_view kNil[] = {"attempt to perform arithmetic on a nil value",
                                              "attempt to perform bitwise operation on a nil value",
                                              "attempt to concatenate a nil value",
                                              "attempt to index a nil value",
                                              "attempt to get length of a nil value",
                                              "attempt to compare nil with ",
                                              "attempt to compare two nil values"};
  if (std::ranges::any_of(kNil, [&](std::string_view start) { return message.starts_with(start); })) return true;
  return message.starts_with("attempt to compare ") && message.ends_with(" with nil");
}

}  // namespace

Evaluation& running(lua_State* lua) {
  return (*static_cast<LuaState**>(lua_getextraspace(lua)))->running();
}

void charge(lua_State* lua, int64_t instructions) {
  Evaluation& evaluation = running(lua);
  evaluation.left -= instructions;
  if (evaluation.left >= 0) return;
  evaluation.spent = true;
  lua_pushnil(lua);
  lua_error(lua);
}

// Makes an Evaluation the running one while it lives, and leaves Lua's stack as it was.
struct LuaState::Frame {
  Frame(LuaState& state, Evaluation& evaluation)
      : state_(state), evaluation_(evaluation), outer_(state.running_), top_(lua_gettop(state.lua_)) {
    if (outer_ != nullptr) {
      evaluation.left = outer_->left;
    } else {
      state.memory_.taken = 0;
      lua_sethook(state.lua_, on_count, LUA_MASKCOUNT, kHookInterval);  // counts from here: budgets repeat exactly
    }
    state.running_ = &evaluation;
  }
  ~Frame() {
    if (outer_ != nullptr) outer_->left = evaluation_.left;
    state_.running_ = outer_;
    lua_settop(state_.lua_, top_);
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

 private:
  LuaState& state_;
  Evaluation& evaluation_;
  Evaluation* outer_;
  int top_;
};

LuaState& LuaState::of_thread() {
  thread_local LuaState state;
  return state;
}

LuaState::LuaState() {
  lua_ = lua_newstate(allocate, &memory_);
  if (lua_ == nullptr) throw Error(Exit::resources, "out of memory for expressions");
  *static_cast<LuaState**>(lua_getextraspace(lua_)) = this;
  lua_pushcfunction(lua_, open_sandbox);
  const int status = lua_pcall(lua_, 0, 0, 0);
  if (status == LUA_OK) return;
  lua_close(lua_);
  throw Error(Exit::resources, "out of memory for expressions");
}

LuaState::~LuaState() {
  lua_close(lua_);
}

void* LuaState::allocate(void* memory, void* block, size_t old_size, size_t new_size) {
  auto& budget = *static_cast<Memory*>(memory);
  const size_t had = block == nullptr ? 0 : old_size;  // else old_size tells the kind of object
  if (new_size == 0) {
    std::free(block);
    budget.used -= had;
    return nullptr;
  }
  const bool grows = new_size > had;  // Lua relies on it that shrinking never fails
  const bool denied = new_size > kBlockBudget || budget.used - had + new_size > kMemoryBudget ||
                      budget.taken + new_size > kTrafficBudget;
  if (grows && denied) return nullptr;
  void* result = std::realloc(block, new_size);
  if (result == nullptr) return nullptr;
  budget.used += new_size - had;
  if (grows) budget.taken += new_size;
  return result;
}

// Loads prefix and source as one chunk; LUA_NOREF and `fault` when it does not compile.
int LuaState::load(const char* prefix, const std::string& source, LuaFault& fault) {
  Source parts{{prefix, source}};
  if (lua_checkstack(lua_, 4) != 0) {
    lua_pushcfunction(lua_, load_source);
    lua_pushlightuserdata(lua_, &parts);
    const int status = lua_pcall(lua_, 1, 0, 0);
    if (status == LUA_OK) return parts.reference;
    fault = fault_of(parts.status != LUA_OK ? parts.status : status);
    if (parts.status == LUA_ERRSYNTAX) {
      fault.kind = LuaFault::Kind::syntax;
      const size_t prefix_size = parts.parts[0].size();
      const size_t taken = std::max(parts.taken, prefix_size) - prefix_size;
      fault.offset = fault_offset(source, taken, fault.message);
    }
  } else {
    fault = fault_of(LUA_ERRMEM);
  }
  return LUA_NOREF;
}

// An expression is compiled as `return x`. What has a `return` of its own is a chunk, unless it is an expression all
// the same, by a function inside it.
int LuaState::compiled(const std::string& source, LuaFault& fault) {
  const auto known = chunks_.find(source);
  if (known != chunks_.end()) return known->second;
  if (chunks_.size() >= kCachedChunks) forget();
  Evaluation evaluation;
  const Frame frame(*this, evaluation);
  int reference = load("return ", source, fault);
  const auto is_return = [](const LuaToken& token) { return token.is("return"); };
  if (reference == LUA_NOREF && std::ranges::any_of(lua_tokens(source), is_return)) reference = load("", source, fault);
  if (reference != LUA_NOREF) chunks_.emplace(source, reference);
  return reference;
}

std::optional<LuaFault> LuaState::compile(const std::string& source) {
  LuaFault fault;
  if (compiled(source, fault) == LUA_NOREF) return fault;
  return std::nullopt;
}

LuaResult LuaState::run(const std::string& source, const Scope& scope) {
  LuaFault fault;
  const int reference = compiled(source, fault);
  if (reference == LUA_NOREF) return fault;
  Evaluation evaluation;
  evaluation.scope = &scope;
  const Frame frame(*this, evaluation);
  if (lua_checkstack(lua_, 4) == 0) return fault_of(LUA_ERRMEM);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, reference);
  const int status = lua_pcall(lua_, 0, 1, 0);
  if (status == LUA_OK) return result();
  if (evaluation.thrown) std::rethrow_exception(evaluation.thrown);
  return fault_of(status);
}

// The value on top of the stack. Outside lua_pcall: only calls that cannot raise.
LuaResult LuaState::result() {
  Value value;
  const int type = lua_type(lua_, -1);
  if (type == LUA_TBOOLEAN) {
    value = lua_toboolean(lua_, -1) != 0;
  } else if (type == LUA_TNUMBER) {
    value = lua_tonumber(lua_, -1);
  } else if (type == LUA_TSTRING) {
    size_t length = 0;
    const char* text = lua_tolstring(lua_, -1, &length);
    value = std::string(text, length);
  } else if (const Fields* fields = to_fields(lua_, -1)) {
    value = running_->kept[fields->kept];
  } else if (type != LUA_TNIL) {
    LuaFault fault;
    fault.message = std::string("gave a ") + lua_typename(lua_, type);
    fault.hint = "an expression gives nil, a boolean, a number, text or one of the things it can see";
    return fault;
  }
  return value;
}

LuaFault LuaState::fault_of(int status) {
  LuaFault fault;
  if (running_->spent) {
    fault.message = "ran longer than the " + std::to_string(kInstructionBudget) + " instructions an expression has";
    fault.hint = "end its loops earlier";
    return fault;
  }
  if (status == LUA_ERRMEM || status == LUA_ERRERR) {
    forget();  // other expressions' chunks count too
    fault.message = "needs more memory than an expression has (16 MiB, 1 MiB for one text, table or call stack)";
    fault.hint = "make texts and tables smaller, end a recursion earlier";
    return fault;
  }
  if (lua_type(lua_, -1) == LUA_TSTRING) {
    size_t length = 0;
    const char* text = lua_tolstring(lua_, -1, &length);
    fault.message.assign(text, length);
    fault.line = take_line(fault.message);
  } else {
    fault.message = std::string("raised an error that is no text but a ") + lua_typename(lua_, lua_type(lua_, -1));
  }
  fault.hint = running_->hint;
  if (running_->met_nil || (!running_->raised && is_about_nil(fault.message))) {
    fault.kind = LuaFault::Kind::met_nil;
    fault.hint = "`x or 0` puts a number in the place of nil";
  }
  return fault;
}

void LuaState::forget() {
  for (const auto& [source, reference] : chunks_) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  chunks_.clear();
}

}  // namespace sil
