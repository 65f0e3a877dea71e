// The variable `loop`.
#pragma once

#include "jinja/interpreter.h"

namespace sil::jinja {

class Loop final : public Object {
 public:
  Loop(Interpreter& interpreter, const Statement& statement, Activation& around, Activation* test, Values items,
       int depth)
      : interpreter_(interpreter),
        statement_(statement),
        around_(around),
        test_(test),
        items_(std::move(items)),
        depth0_(depth) {}

  bool next(Value& item);  // false: there are no more

  std::string type() const override { return "LoopContext"; }
  std::string shown() const override;
  const Value* attribute(Runtime& runtime, std::string_view name) override;
  bool callable() const override { return statement_.recursive; }
  Value call(Runtime& runtime, Arguments& arguments) override;

 private:
  Value field(Runtime& runtime, std::string_view name);
  bool find(Value& item);  // the next one that passes the loop's test
  bool peek();             // whether there is one after the current
  int64_t length();

  Interpreter& interpreter_;
  const Statement& statement_;
  Activation& around_;
  Activation* test_;  // the frame of the loop's `if`, or nullptr
  Values items_;
  size_t at_ = 0;
  int64_t index0_ = -1, length_ = -1;
  int depth0_;
  bool has_after_ = false;
  Value before_, current_, after_;
  bool has_changed_ = false;
  Value changed_;
  Value field_;  // what `attribute` points to
};

}  // namespace sil::jinja
