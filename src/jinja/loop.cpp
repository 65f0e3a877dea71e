#include "jinja/loop.h"

#include <algorithm>

#include "jinja/operations.h"

namespace sil::jinja {
namespace {

Loop& self_of(const Value& value) {
  return *static_cast<Loop*>(value.object());
}

}  // namespace

bool Loop::find(Value& item) {
  while (at_ < items_.size()) {
    item = items_[at_++];
    if (test_ == nullptr || interpreter_.passes(statement_, *test_, item)) return true;
  }
  return false;
}

bool Loop::next(Value& item) {
  if (has_after_) {
    item = std::move(after_);
    has_after_ = false;
  } else if (!find(item)) {
    return false;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return true;
}

bool Loop::peek() {
  if (!has_after_) has_after_ = find(after_);
  return has_after_;
}

// Where the loop has a test, all that is left is tested at once, as Jinja does.
int64_t Loop::length() {
  if (length_ >= 0) return length_;
  if (test_ != nullptr) {
    Values left;
    for (Value item; find(item);) left.push_back(item);
    items_ = std::move(left);
    at_ = 0;
    test_ = nullptr;
    length_ = static_cast<int64_t>(items_.size()) + index0_ + 1 + (has_after_ ? 1 : 0);
  } else {
    length_ = static_cast<int64_t>(items_.size());
  }
  return length_;
}

std::string Loop::shown() const {
  return "<LoopContext " + std::to_string(index0_ + 1) + "/" + std::to_string(const_cast<Loop*>(this)->length()) + ">";
}

Value Loop::field(Runtime& runtime, std::string_view name) {
  if (name == "index") return index0_ + 1;
  if (name == "index0") return index0_;
  if (name == "first") return index0_ == 0;
  if (name == "last") return !peek();
  if (name == "length") return length();
  if (name == "revindex") return length() - index0_;
  if (name == "revindex0") return length() - index0_ - 1;
  if (name == "depth") return int64_t{depth0_} + 1;
  if (name == "depth0") return int64_t{depth0_};
  if (name == "previtem") return index0_ == 0 ? Value() : before_;
  if (name == "nextitem") return peek() ? after_ : Value();
  static constexpr MethodEntry kCycle{"cycle", [](Runtime& r, const Value& self, Arguments& arguments) -> Value {
                                        if (arguments.positional.empty()) r.fail("no items for cycling given");
                                        const auto count = static_cast<int64_t>(arguments.positional.size());
                                        return arguments.positional[static_cast<size_t>(self_of(self).index0_ % count)];
                                      }};
  static constexpr MethodEntry kChanged{"changed", [](Runtime& r, const Value& self, Arguments& arguments) -> Value {
                                          Loop& loop = self_of(self);
                                          Value now = r.list(arguments.positional, Flavour::tuple);
                                          if (loop.has_changed_ && equal(r, loop.changed_, now)) return false;
                                          loop.has_changed_ = true;
                                          loop.changed_ = std::move(now);
                                          return true;
                                        }};
  const Value self(static_cast<Object*>(this));
  if (name == "cycle") return Value(static_cast<Object*>(runtime.make<MethodObject>(kCycle, self)));
  return Value(static_cast<Object*>(runtime.make<MethodObject>(kChanged, self)));
}

const Value* Loop::attribute(Runtime& runtime, std::string_view name) {
  constexpr std::string_view kNames[] = {"index", "index0", "first",    "last",     "length", "revindex", "revindex0",
                                         "depth", "depth0", "previtem", "nextitem", "cycle",  "changed"};
  if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) return nullptr;
  field_ = field(runtime, name);
  return &field_;
}

Value Loop::call(Runtime& runtime, Arguments& arguments) {
  if (!statement_.recursive) runtime.fail("the loop is not recursive", "write {% for … recursive %}");
  const Bound bound(runtime, "loop", {"items"}, arguments, 1);
  return runtime.text(interpreter_.recurse(statement_, around_, *bound[0], depth0_ + 1));
}

}  // namespace sil::jinja
