// Functions that templates call: range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
#include <algorithm>
#include <ctime>

#include "jinja/builtins.h"
#include "jinja/operations.h"

namespace sil::jinja {
namespace {

Value range(Runtime& runtime, Arguments& arguments) {
  const Bound bound(runtime, "range", {"start", "stop", "step"}, arguments, 1);
  const int64_t first = bound.integer(0, 0);
  const int64_t start = bound[1] == nullptr ? 0 : first, stop = bound.integer(1, first), step = bound.integer(2, 1);
  if (step == 0) runtime.fail("range() needs a step that is not zero");
  const long double count = std::max<long double>(
      0, (static_cast<long double>(stop) - start + step - (step > 0 ? 1 : -1)) / static_cast<long double>(step));
  if (count >= static_cast<long double>(kLongestRange) + 1)
    runtime.fail("range() is longer than the allowed " + std::to_string(kLongestRange));
  runtime.step(static_cast<int64_t>(count));
  Values items;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) items.push_back(start + i * step);
  Value out = runtime.list(std::move(items), Flavour::range);
  out.sequence()->range = {start, stop, step};
  return out;
}

Members members_of(Runtime& runtime, const char* function, Arguments& arguments) {
  if (arguments.positional.size() > 1) runtime.fail(std::string(function) + "() takes one value and name=value");
  Members out;
  if (!arguments.positional.empty()) {
    const Value& given = arguments.positional.front();
    if (given.dict() != nullptr) {
      out = given.dict()->members;
    } else if (given.is_undefined()) {
      runtime.undefined_error(given);
    } else {
      for (const Value& pair : iterate(runtime, given)) {
        const Values both = iterate(runtime, pair);
        if (both.size() != 2) runtime.fail(std::string(function) + "() needs pairs of key and value");
        set_member(runtime, out, both[0], both[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) set_member(runtime, out, runtime.text(name), value);
  return out;
}

Value dict(Runtime& runtime, Arguments& arguments) {
  return runtime.dict(members_of(runtime, "dict", arguments));
}

Value make_namespace(Runtime& runtime, Arguments& arguments) {
  Namespace* out = runtime.make<Namespace>();
  for (const auto& [key, value] : members_of(runtime, "namespace", arguments))
    if (key.is_text()) out->set(runtime, key.text()->text, value);
  return Value(static_cast<Object*>(out));
}

class Cycler final : public Object {
 public:
  explicit Cycler(Values items) : items_(std::move(items)) {}
  std::string type() const override { return "Cycler"; }
  const Value* attribute(Runtime& runtime, std::string_view name) override {
    static constexpr MethodEntry kNext{"next", [](Runtime&, const Value& self, Arguments&) {
                                         Cycler& cycler = *static_cast<Cycler*>(self.object());
                                         Value out = cycler.items_[cycler.at_];
                                         cycler.at_ = (cycler.at_ + 1) % cycler.items_.size();
                                         return out;
                                       }};
    static constexpr MethodEntry kReset{"reset", [](Runtime&, const Value& self, Arguments&) {
                                          static_cast<Cycler*>(self.object())->at_ = 0;
                                          return Value(None{});
                                        }};
    if (name != "current" && name != "next" && name != "reset") return nullptr;
    const MethodEntry& entry = name == "next" ? kNext : kReset;
    field_ = name == "current"
                 ? items_[at_]
                 : Value(static_cast<Object*>(runtime.make<MethodObject>(entry, Value(static_cast<Object*>(this)))));
    return &field_;
  }

 private:
  Values items_;
  size_t at_ = 0;
  Value field_;
};

Value cycler(Runtime& runtime, Arguments& arguments) {
  if (arguments.positional.empty()) runtime.fail("cycler() needs at least one item");
  return Value(static_cast<Object*>(runtime.make<Cycler>(arguments.positional)));
}

class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string type() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments&) override {
    return std::exchange(used_, true) ? separator_ : runtime.text(std::string());
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value joiner(Runtime& runtime, Arguments& arguments) {
  const Bound bound(runtime, "joiner", {"sep"}, arguments);
  return Value(
      static_cast<Object*>(runtime.make<Joiner>(bound[0] == nullptr ? runtime.text(std::string(", ")) : *bound[0])));
}

Value raise_exception(Runtime& runtime, Arguments& arguments) {
  const Bound bound(runtime, "raise_exception", {"message"}, arguments, 1);
  throw Refusal(text_of(runtime, *bound[0]), runtime.place());
}

// As datetime.now().strftime(format) in the C locale; the clock has whole seconds and no time zone.
Value strftime_now(Runtime& runtime, Arguments& arguments) {
  const Bound bound(runtime, "strftime_now", {"format"}, arguments, 1);
  std::string format;
  const std::string given = bound.text(0, {});
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] != '%' || i + 1 == given.size()) {
      format += given[i];
      continue;
    }
    const char c = given[++i];
    if (c == 'f') format += "000000";
    if (c != 'f' && c != 'z' && c != 'Z') (format += '%') += c;
  }
  if (format.empty()) return runtime.text(std::move(format));
  if (!runtime.settings().now) runtime.fail("there is no clock here for strftime_now()");
  const std::time_t seconds = runtime.settings().now->time_since_epoch().count();
  std::tm clock{};
  gmtime_r(&seconds, &clock);
  runtime.grow(format.size() * 256);
  std::string out(format.size() * 256 + 1, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &clock));
  return runtime.text(std::move(out));
}

class FunctionObject final : public Object {
 public:
  using Call = Value (*)(Runtime& runtime, Arguments& arguments);
  FunctionObject(std::string_view name, Call function) : name_(name), function_(function) {}

  std::string_view name() const { return name_; }
  std::string type() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override { return function_(runtime, arguments); }

 private:
  std::string_view name_;
  Call function_;
};

}  // namespace

const Value* Namespace::attribute(Runtime&, std::string_view name) {
  const auto found =
      std::find_if(members_.begin(), members_.end(), [&](const auto& member) { return member.first == name; });
  return found == members_.end() ? nullptr : &found->second;
}

void Namespace::set(Runtime& runtime, const std::string& name, Value value) {
  runtime.step(1 + static_cast<int64_t>(members_.size() / 16));
  for (auto& [key, old] : members_)
    if (key == name) return void(old = std::move(value));
  runtime.grow(name.size() + 64);
  members_.emplace_back(name, std::move(value));
}

Object* find_function(std::string_view name) {
  static FunctionObject functions[] = {{"range", range},
                                       {"dict", dict},
                                       {"namespace", make_namespace},
                                       {"cycler", cycler},
                                       {"joiner", joiner},
                                       {"raise_exception", raise_exception},
                                       {"strftime_now", strftime_now}};
  const auto found = std::find_if(std::begin(functions), std::end(functions),
                                  [&](const FunctionObject& function) { return function.name() == name; });
  return found == std::end(functions) ? nullptr : found;
}

}  // namespace sil::jinja
