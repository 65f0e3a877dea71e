// Walks a template's tree.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "jinja/ast.h"
#include "jinja/builtins.h"
#include "jinja/runtime.h"

namespace sil::jinja {

// The variables of a frame that is running. `outer` is the one around it in the text.
struct Activation {
  Activation* outer = nullptr;
  Values slots;
};

class Interpreter final : public Runtime {
 public:
  Interpreter(const Settings& settings, std::string file, Value variables)
      : Runtime(settings, std::move(file)), variables_(std::move(variables)) {}

  Rendered run(const Tree& tree);
  // What a macro, a call block or a generation block prints.
  std::string call_function(const Function& function, Activation* around, Arguments& arguments);
  Value evaluate(const Expression& expression, Activation& frame);
  // The loop of `statement` over other items, as loop(items) asks for; what it prints.
  std::string recurse(const Statement& statement, Activation& around, const Value& items, int depth);
  bool passes(const Statement& loop, Activation& frame, const Value& item);  // its `if`
  void set_place(const Position& at) { at_ = at; }

 private:
  enum class Flow { normal, broke, continued };

  // Frames live while their statement runs, and longer where a macro was made inside that may be called later.
  class Scope {
   public:
    Scope(Interpreter& interpreter, Activation* outer);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    Activation& frame() { return *frame_; }

   private:
    Interpreter& interpreter_;
    size_t before_;
    int64_t functions_;
    Activation* frame_;
  };

  // Collects what is printed while it lives.
  class Capture {
   public:
    explicit Capture(Interpreter& interpreter) : interpreter_(interpreter), before_(interpreter.out_) {
      interpreter.out_ = &text_;
    }
    ~Capture() { interpreter_.out_ = before_; }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    std::string take() { return std::move(text_); }

   private:
    Interpreter& interpreter_;
    std::string* before_;
    std::string text_;
  };

  void enter(const Frame& layout, Activation& frame);
  Value resolve(const std::string& name);
  Value& slot(const Slot& slot, Activation& frame) const;

  Flow run_body(const Body& body, Activation& frame);
  Flow run_statement(const Statement& statement, Activation& frame);
  Flow run_branches(const Statement& statement, Activation& frame);
  Flow run_loop(const Statement& statement, Activation& around, const Value& items, int depth);
  Flow run_with(const Statement& statement, Activation& around);
  Flow run_captured(const Statement& statement, Activation& around);
  void take_rest(const Function& function, Activation& frame, Arguments& arguments);
  void run_call_block(const Statement& statement, Activation& frame);
  void run_generation(const Statement& statement, Activation& frame);
  void check_strictly(const Expression& printed, const Value& value) const;
  void print(const Value& value);
  void print(std::string_view text);
  void assign(const Expression& target, const Value& value, Activation& frame);
  void unpack(const Expression& target, const Value& value, Activation& frame);

  Value evaluate_kind(const Expression& expression, Activation& frame);
  Value evaluate_choice(const Expression& expression, Activation& frame);
  Value evaluate_name(const Expression& expression, Activation& frame);
  Value evaluate_dict(const Expression& expression, Activation& frame);
  Value evaluate_item(const Expression& expression, Activation& frame);
  Value evaluate_call(const Expression& expression, Activation& frame, const Value* caller);
  Value evaluate_compare(const Expression& expression, Activation& frame);
  Value evaluate_concat(const Expression& expression, Activation& frame);
  Value evaluate_sign(const Expression& expression, Activation& frame);
  Value apply_filter(const Expression& expression, Activation& frame, const Value* block);
  bool apply_test(const Expression& expression, Activation& frame);
  Arguments arguments(const CallArguments* arguments, Activation& frame);

  Value variables_;
  std::string text_;
  std::string* out_ = &text_;
  std::vector<ByteRange> generation_;
  std::deque<Activation> frames_;
  int64_t functions_made_ = 0;
};

}  // namespace sil::jinja
