// Methods of lists, tuples and dicts, and which type has which.
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/operations.h"

namespace sil::jinja {
namespace {

Value index_of(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "index", {"value", "start", "stop"}, arguments, 1);
  const Values& items = self.sequence()->items;
  const auto size = static_cast<int64_t>(items.size());
  const auto position = [&](size_t i, int64_t otherwise) {
    const int64_t at = bound.integer(i, otherwise);
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  for (int64_t i = position(1, 0), end = position(2, size); i < end; ++i)
    if (equal(runtime, items[static_cast<size_t>(i)], *bound[0])) return i;
  runtime.fail("the list does not hold what index() looks for");
}

Value count(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "count", {"value"}, arguments, 1);
  int64_t out = 0;
  for (const Value& item : self.sequence()->items) out += equal(runtime, item, *bound[0]) ? 1 : 0;
  return out;
}

Value copy(Runtime&, const Value& self, Arguments&) {
  return self;
}

Value get(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "get", {"key", "default"}, arguments, 1);
  const Value* found = find_member(runtime, *self.dict(), *bound[0]);
  return found != nullptr ? *found : bound.value(1, Value(None{}));
}

template <Flavour flavour>
Value members(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "the method", {}, arguments);
  Values out;
  for (const auto& [key, value] : self.dict()->members) {
    runtime.step();
    if (flavour == Flavour::items) {
      out.push_back(runtime.list({key, value}, Flavour::tuple));
    } else {
      out.push_back(flavour == Flavour::keys ? key : value);
    }
  }
  return runtime.list(std::move(out), flavour);
}

constexpr MethodEntry kListMethods[] = {{"index", index_of},  {"count", count},   {"copy", copy},
                                        {"append", nullptr},  {"clear", nullptr}, {"extend", nullptr},
                                        {"insert", nullptr},  {"pop", nullptr},   {"remove", nullptr},
                                        {"reverse", nullptr}, {"sort", nullptr}};
constexpr MethodEntry kTupleMethods[] = {{"index", index_of}, {"count", count}};
constexpr MethodEntry kDictMethods[] = {{"get", get},
                                        {"items", members<Flavour::items>},
                                        {"keys", members<Flavour::keys>},
                                        {"values", members<Flavour::values>},
                                        {"copy", copy},
                                        {"clear", nullptr},
                                        {"pop", nullptr},
                                        {"popitem", nullptr},
                                        {"setdefault", nullptr},
                                        {"update", nullptr}};

template <class Entries>
const MethodEntry* find_in(const Entries& entries, std::string_view name) {
  const auto found = std::find_if(std::begin(entries), std::end(entries),
                                  [&](const MethodEntry& entry) { return entry.name == name; });
  return found == std::end(entries) ? nullptr : &*found;
}

}  // namespace

Value call_method(Runtime& runtime, const MethodEntry& method, const Value& self, Arguments& arguments) {
  const std::string name(method.name);
  if (method.call == nullptr)
    runtime.fail("the method '" + name + "' would change a " + type_name(self),
                 "values of templates cannot be changed; make a new one, or use a namespace");
  if (!method.keywords && !arguments.named.empty()) runtime.fail("the method '" + name + "' takes no name=value");
  return method.call(runtime, self, arguments);
}

const MethodEntry* find_method(const Value& self, std::string_view name) {
  if (self.is_text()) return find_in(text_methods(), name);
  if (self.dict() != nullptr) return find_in(kDictMethods, name);
  if (self.is(Flavour::list)) return find_in(kListMethods, name);
  if (self.sequence() != nullptr && self.sequence()->flavour <= Flavour::range) return find_in(kTupleMethods, name);
  return nullptr;
}

}  // namespace sil::jinja
