// Filters over lists and dicts.
#include <algorithm>

#include "jinja/filters.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

Value count(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "length", {}, arguments);
  const std::optional<size_t> out = length(runtime, value);
  if (!out) runtime.fail("a value of type '" + type_name(value) + "' has no length", "make it a list with |list");
  return static_cast<int64_t>(*out);
}

Value first(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "first", {}, arguments);
  if (Sequence* sequence = value.sequence(); value.is(Flavour::iterator) && !sequence->items.empty()) {
    if (sequence->taken) return {};
    Value out = sequence->items.front();
    sequence->items.erase(sequence->items.begin());
    return out;
  }
  const Values items = iterate(runtime, value);
  return items.empty() ? Value() : items.front();
}

Value last(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "last", {}, arguments);
  if (value.is(Flavour::iterator)) runtime.fail("an iterator has no last item", "make it a list with |list");
  const Values items = iterate(runtime, value);
  return items.empty() ? Value() : items.back();
}

Value list(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "list", {}, arguments);
  return runtime.list(iterate(runtime, value));
}

Value join(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "join", {"d", "attribute"}, arguments);
  const Getter get(runtime, bound[1]);
  const std::string separator = bound[0] == nullptr ? "" : text_of(runtime, *bound[0]);
  std::string out;
  bool begun = false;
  for (const Value& item : iterate(runtime, value)) {
    runtime.grow(separator.size());
    if (std::exchange(begun, true)) out += separator;
    append_text(runtime, out, get(item));
  }
  return runtime.text(std::move(out));
}

Value reverse(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "reverse", {}, arguments);
  if (value.is_text()) return slice(runtime, value, Value(None{}), Value(None{}), Value(int64_t{-1}));
  Values items = iterate(runtime, value);
  std::reverse(items.begin(), items.end());
  return runtime.list(std::move(items), value.is(Flavour::iterator) ? Flavour::list : Flavour::iterator);
}

Value sort(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "sort", {"reverse", "case_sensitive", "attribute"}, arguments);
  Values items = iterate(runtime, value);
  const bool case_sensitive = bound.flag(1, false);
  // "a,b" sorts by a, then by b.
  std::vector<Getter> getters;
  if (bound[2] != nullptr && bound[2]->is_text()) {
    const std::string names = bound.text(2, {});
    for (size_t at = 0; at <= names.size();) {
      const size_t end = std::min(names.find(',', at), names.size());
      const Value part = runtime.text(names.substr(at, end - at));
      getters.emplace_back(runtime, &part, nullptr, case_sensitive);
      at = end + 1;
    }
  } else {
    getters.emplace_back(runtime, bound[2], nullptr, case_sensitive);
  }
  const auto key = [&](const Value& item) {
    Values keys;
    for (const Getter& get : getters) keys.push_back(get(item));
    return runtime.list(std::move(keys));
  };
  return runtime.list(sorted(runtime, std::move(items), key, bound.flag(0, false)));
}

Value dictsort(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "dictsort", {"case_sensitive", "by", "reverse"}, arguments);
  const std::string by = bound.text(1, "key");
  if (by != "key" && by != "value") runtime.fail("dictsort: by is '" + by + "'; allowed: key, value");
  if (value.dict() == nullptr) runtime.type_error("dictsort needs a dict, found", value);
  Values pairs;
  for (const auto& [key, one] : value.dict()->members) pairs.push_back(runtime.list({key, one}, Flavour::tuple));
  const Value position(int64_t{by == "key" ? 0 : 1});
  const Getter get(runtime, &position, nullptr, bound.flag(0, false));
  return runtime.list(sorted(runtime, std::move(pairs), get, bound.flag(2, false)));
}

Value items(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "items", {}, arguments);
  return iterator_of(runtime, [&](Values& pairs) {
    if (value.is_undefined()) return;
    if (value.dict() == nullptr) runtime.type_error("items needs a dict, found", value);
    for (const auto& [key, one] : value.dict()->members) pairs.push_back(runtime.list({key, one}, Flavour::tuple));
  });
}

Value unique(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "unique", {"case_sensitive", "attribute"}, arguments);
  return iterator_of(runtime, [&](Values& out) {
    const Getter get(runtime, bound[1], nullptr, bound.flag(0, false));
    Members seen;
    for (const Value& item : iterate(runtime, value)) {
      const size_t before = seen.size();
      set_member(runtime, seen, get(item), Value());
      if (seen.size() > before) out.push_back(item);
    }
  });
}

Value groupby(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "groupby", {"attribute", "default", "case_sensitive"}, arguments, 1);
  const Getter key(runtime, bound[0], bound[1], bound.flag(2, false)), shown(runtime, bound[0], bound[1]);
  const Values all = sorted(runtime, iterate(runtime, value), key, false);
  Values out;
  for (size_t i = 0; i < all.size();) {
    const Value group = key(all[i]), name = shown(all[i]);
    Values members;
    for (; i < all.size() && equal(runtime, key(all[i]), group); ++i) members.push_back(all[i]);
    out.push_back(runtime.list({name, runtime.list(std::move(members))}, Flavour::group));
  }
  return runtime.list(std::move(out));
}

Value batch(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "batch", {"linecount", "fill_with"}, arguments, 1);
  return iterator_of(runtime, [&](Values& out) {
    const int64_t count = bound.integer(0, 1);
    Values row;
    for (Value& item : iterate(runtime, value)) {
      if (static_cast<int64_t>(row.size()) == count) out.push_back(runtime.list(std::exchange(row, {})));
      row.push_back(std::move(item));
    }
    if (row.empty()) return;
    const bool fills = bound[1] != nullptr && !bound[1]->is_none();
    const int64_t missing = fills ? std::max<int64_t>(count - static_cast<int64_t>(row.size()), 0) : 0;
    if (missing > kLongestRange) runtime.fail("batch: a row longer than " + std::to_string(kLongestRange));
    row.insert(row.end(), static_cast<size_t>(missing), bound.value(1, Value()));
    out.push_back(runtime.list(std::move(row)));
  });
}

Value slices(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "slice", {"slices", "fill_with"}, arguments, 1);
  return iterator_of(runtime, [&](Values& out) {
    const int64_t count = bound.integer(0, 1);
    if (count == 0) runtime.fail("slice needs a count that is not zero");
    if (count > kLongestRange) runtime.fail("slice: more than " + std::to_string(kLongestRange) + " slices");
    const Values all = iterate(runtime, value);
    const bool fills = bound[1] != nullptr && !bound[1]->is_none();
    const int64_t size = static_cast<int64_t>(all.size());
    for (int64_t i = 0, at = 0; i < count; ++i) {
      const bool longer = i < size % count;
      Values part;
      for (int64_t left = size / count + (longer ? 1 : 0); left > 0; --left)
        part.push_back(all[static_cast<size_t>(at++)]);
      if (fills && !longer) part.push_back(*bound[1]);
      out.push_back(runtime.list(std::move(part)));
    }
  });
}

Value otherwise(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "default", {"default_value", "boolean"}, arguments);
  if (!value.is_undefined() && !(bound.flag(1, false) && !truth(value))) return value;
  return bound[0] == nullptr ? runtime.text(std::string()) : *bound[0];
}

Value attr(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "attr", {"name"}, arguments, 1);
  const std::string name = bound.text(0, {});
  const bool own = value.object() != nullptr || value.is(Flavour::group) || find_method(value, name) != nullptr;
  if (value.is_undefined()) runtime.undefined_error(value);
  return own ? attribute(runtime, value, name, nullptr) : Value();
}

}  // namespace

const Filters& sequence_filters() {
  static const Filters filters = {
      {"length", count},      {"count", count},     {"first", first}, {"last", last},    {"list", list},
      {"join", join},         {"reverse", reverse}, {"sort", sort},   {"items", items},  {"unique", unique},
      {"dictsort", dictsort}, {"groupby", groupby}, {"batch", batch}, {"slice", slices}, {"attr", attr},
      {"default", otherwise}, {"d", otherwise},
  };
  return filters;
}

}  // namespace sil::jinja
