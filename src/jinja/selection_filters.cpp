// map, select, reject and their forms for attributes: filters that name other filters and tests.
#include "jinja/filters.h"

namespace sil::jinja {
namespace {

void map_items(Runtime& runtime, const Value& value, Arguments& arguments, Values& out) {
  if (!truth(value)) return;
  if (arguments.positional.empty()) {
    const Bound bound(runtime, "map", {"attribute", "default"}, arguments, 1);
    const Getter get(runtime, bound[0], bound[1]);
    for (const Value& item : iterate(runtime, value)) out.push_back(get(item));
    return;
  }
  const Value& name = arguments.positional.front();
  const FilterEntry* filter = name.is_text() ? find_filter(name.text()->text) : nullptr;
  if (filter == nullptr) runtime.fail("map: there is no filter '" + text_of(runtime, name) + "'");
  const Runtime::Nested nested(runtime);
  for (const Value& item : iterate(runtime, value)) {
    Arguments rest = arguments;
    rest.positional.erase(rest.positional.begin());
    out.push_back(filter->apply(runtime, item, rest));
  }
}

Value map(Runtime& runtime, const Value& value, Arguments& arguments) {
  return iterator_of(runtime, [&](Values& out) { map_items(runtime, value, arguments, out); });
}

template <bool by_attribute, bool wanted>
void select_items(Runtime& runtime, const Value& value, Arguments& arguments, Values& out) {
  if (!truth(value)) return;
  Values& given = arguments.positional;
  if (by_attribute && given.empty()) runtime.fail("selectattr and rejectattr need an attribute's name");
  const Value attribute = by_attribute ? given.front() : Value(None{});
  if (by_attribute) given.erase(given.begin());
  const Getter get(runtime, &attribute);
  const TestEntry* test = nullptr;
  if (!given.empty()) {
    const Value name = given.front();
    given.erase(given.begin());
    test = name.is_text() ? find_test(name.text()->text) : nullptr;
    if (test == nullptr) runtime.fail("select: there is no test '" + text_of(runtime, name) + "'");
  }
  for (const Value& item : iterate(runtime, value)) {
    const Value seen = get(item);
    Arguments rest = arguments;
    const bool passes = test == nullptr ? truth(seen) : test->apply(runtime, seen, rest);
    if (passes == wanted) out.push_back(item);
  }
}

template <bool by_attribute, bool wanted>
Value select(Runtime& runtime, const Value& value, Arguments& arguments) {
  return iterator_of(runtime, [&](Values& out) { select_items<by_attribute, wanted>(runtime, value, arguments, out); });
}

}  // namespace

const Filters& selection_filters() {
  static const Filters filters = {{"map", map},
                                  {"select", select<false, true>},
                                  {"reject", select<false, false>},
                                  {"selectattr", select<true, true>},
                                  {"rejectattr", select<true, false>}};
  return filters;
}

}  // namespace sil::jinja
