// Items, attributes, slices and what loops see of a value.
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/operations.h"
#include "jinja/text_scan.h"
#include "jinja/text_value.h"

namespace sil::jinja {
namespace {

bool is_indexed(const Sequence& sequence) {
  return sequence.flavour <= Flavour::range;
}

void need_hash(Runtime& runtime, const Value& key) {
  if (key.dict() != nullptr || key.is(Flavour::list)) runtime.fail("unhashable type: '" + type_name(key) + "'");
  if (key.is(Flavour::tuple) || key.is(Flavour::group))
    for (const Value& one : key.sequence()->items) need_hash(runtime, one);
}

bool is_hashable(const Value& key) {
  if (key.dict() != nullptr || key.is(Flavour::list)) return false;
  if (!key.is(Flavour::tuple) && !key.is(Flavour::group)) return true;
  const Values& items = key.sequence()->items;
  return std::all_of(items.begin(), items.end(), is_hashable);
}

// Counted from the end when negative; nothing when outside.
std::optional<size_t> index_in(int64_t index, size_t size) {
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || index >= static_cast<int64_t>(size)) return {};
  return static_cast<size_t>(index);
}

Value character(Runtime& runtime, const std::string& text, int64_t index) {
  runtime.read(text);
  const std::optional<size_t> at = index_in(index, code_points(text));
  if (!at) return {};
  const std::string_view rest = std::string_view(text).substr(bytes_of(text, *at));
  return runtime.text(rest.substr(0, character_length(rest)));
}

// nullopt: the object has no such item.
std::optional<Value> own_item(Runtime& runtime, const Value& object, const Value& key) {
  if (const Dict* dict = object.dict()) {
    if (!is_hashable(key)) return {};
    const Value* found = find_member(runtime, *dict, key);
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
  }
  if (!key.is_integral()) return {};
  if (const Text* text = object.text()) {
    Value out = character(runtime, text->text, key.integer());
    return out.is_undefined() ? std::nullopt : std::optional<Value>(std::move(out));
  }
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr || !is_indexed(*sequence)) return {};
  const std::optional<size_t> at = index_in(key.integer(), sequence->items.size());
  return at ? std::optional<Value>(sequence->items[*at]) : std::nullopt;
}

// A method or a field that the type itself has. `refused`: it has it, but the sandbox does not give it.
std::optional<Value> own_attribute(Runtime& runtime, const Value& object, std::string_view name, bool& refused) {
  if (Object* held = object.object()) {
    const Value* found = held->attribute(runtime, name);
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
  }
  if (object.is(Flavour::group) && (name == "grouper" || name == "list"))
    return object.sequence()->items[name == "grouper" ? 0 : 1];
  const MethodEntry* method = find_method(object, name);
  if (method == nullptr) return {};
  refused = method->call == nullptr;
  if (refused) return {};
  return Value(static_cast<Object*>(runtime.make<MethodObject>(*method, object)));
}

struct SliceRange {
  int64_t start = 0, stop = 0, step = 1;
  size_t count = 0;
};

int64_t slice_part(Runtime& runtime, const Value& value, int64_t otherwise) {
  if (value.is_none()) return otherwise;
  if (!value.is_integral()) runtime.type_error("a slice's ends must be integers, found", value);
  return value.integer();
}

SliceRange slice_range(Runtime& runtime, const Value& start, const Value& stop, const Value& step, size_t length) {
  const int64_t size = static_cast<int64_t>(length);
  SliceRange out;
  out.step = slice_part(runtime, step, 1);
  if (out.step == 0) runtime.fail("a slice's step cannot be zero");
  const bool back = out.step < 0;
  const auto clamped = [&](const Value& value, int64_t otherwise) {
    int64_t at = slice_part(runtime, value, otherwise);
    if (value.is_none()) return at;
    if (at < 0) at = at < -size ? -1 : at + size;
    return std::clamp(at, int64_t{back ? -1 : 0}, back ? size - 1 : size);
  };
  out.start = clamped(start, back ? size - 1 : 0);
  const int64_t end = out.stop = clamped(stop, back ? -1 : size);
  // The distance is at most 2^31 items or so; the step may be anything.
  const int64_t distance = back ? out.start - end : end - out.start;
  const uint64_t stride = back ? uint64_t{0} - static_cast<uint64_t>(out.step) : static_cast<uint64_t>(out.step);
  if (distance > 0) out.count = static_cast<size_t>((static_cast<uint64_t>(distance) - 1) / stride + 1);
  return out;
}

std::string sliced(std::string_view text, const SliceRange& range) {
  if (range.step == 1) {
    const std::string_view rest = text.substr(bytes_of(text, static_cast<size_t>(range.start)));
    return std::string(rest.substr(0, bytes_of(rest, range.count)));
  }
  std::vector<std::string_view> characters;
  for (size_t at = 0; at < text.size(); at += characters.back().size())
    characters.push_back(text.substr(at, character_length(text.substr(at))));
  std::string out;
  for (size_t i = 0; i < range.count; ++i)
    out += characters[static_cast<size_t>(range.start + static_cast<int64_t>(i) * range.step)];
  return out;
}

}  // namespace

const Value* find_member(Runtime& runtime, const Dict& dict, const Value& key) {
  need_hash(runtime, key);
  runtime.step(1 + static_cast<int64_t>(dict.members.size() / 16));
  if (const Text* text = key.text()) {
    for (const auto& [name, value] : dict.members)
      if (name.is_text() && name.text()->text == text->text) return &value;
    return nullptr;
  }
  for (const auto& [name, value] : dict.members)
    if (equal(runtime, name, key)) return &value;
  return nullptr;
}

void set_member(Runtime& runtime, Members& members, Value key, Value value) {
  need_hash(runtime, key);
  for (auto& [name, old] : members) {
    if (!equal(runtime, name, key)) continue;
    old = std::move(value);
    return;
  }
  members.emplace_back(std::move(key), std::move(value));
}

Value item(Runtime& runtime, const Value& object, const Value& key, const Expression* origin) {
  if (object.is_undefined()) runtime.undefined_error(object);
  if (std::optional<Value> found = own_item(runtime, object, key)) return *std::move(found);
  bool refused = false;
  if (const Text* name = key.text())
    if (std::optional<Value> found = own_attribute(runtime, object, name->text, refused)) return *std::move(found);
  return Undefined{origin};
}

Value attribute(Runtime& runtime, const Value& object, const std::string& name, const Expression* origin) {
  if (object.is_undefined()) runtime.undefined_error(object);
  bool refused = false;
  if (std::optional<Value> found = own_attribute(runtime, object, name, refused)) return *std::move(found);
  if (const Dict* dict = object.dict(); dict != nullptr && !refused) {
    runtime.step(1 + static_cast<int64_t>(dict->members.size() / 16));
    for (const auto& [key, value] : dict->members)
      if (key.is_text() && key.text()->text == name) return value;
  }
  return Undefined{origin};
}

Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (const Text* text = object.text()) {
    runtime.read(text->text);
    const SliceRange range = slice_range(runtime, start, stop, step, code_points(text->text));
    if (range.step != 1) runtime.grow(text->text.size() * sizeof(std::string_view));
    return runtime.text(sliced(text->text, range), text->markup);
  }
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr || !is_indexed(*sequence)) runtime.type_error("no slices can be taken of", object);
  const SliceRange range = slice_range(runtime, start, stop, step, sequence->items.size());
  runtime.step(static_cast<int64_t>(range.count));
  Values out;
  for (size_t i = 0; i < range.count; ++i)
    out.push_back(sequence->items[static_cast<size_t>(range.start + static_cast<int64_t>(i) * range.step)]);
  if (sequence->flavour == Flavour::group) return runtime.list(std::move(out), Flavour::tuple);
  Value sliced = runtime.list(std::move(out), sequence->flavour);
  const Range& whole = sequence->range;
  const int64_t stride = whole.step * range.step;
  sliced.sequence()->range = {whole.start + range.start * whole.step, whole.start + range.stop * whole.step, stride};
  return sliced;
}

Values iterate(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return {};
  if (Sequence* sequence = value.sequence()) {
    if (sequence->taken) return {};
    runtime.step(static_cast<int64_t>(sequence->items.size()));
    runtime.grow(sequence->items.size() * sizeof(Value));
    if (sequence->flavour == Flavour::iterator) sequence->taken = true;
    if (sequence->failure) std::rethrow_exception(sequence->failure);
    return sequence->items;
  }
  if (const Dict* dict = value.dict()) {
    runtime.step(static_cast<int64_t>(dict->members.size()));
    runtime.grow(dict->members.size() * sizeof(Value));
    Values keys;
    for (const auto& [key, one] : dict->members) keys.push_back(key);
    return keys;
  }
  if (const Text* text = value.text()) {
    Values characters;
    for (std::string_view rest = text->text; !rest.empty(); rest.remove_prefix(character_length(rest))) {
      runtime.step();
      characters.push_back(runtime.text(rest.substr(0, character_length(rest))));
    }
    return characters;
  }
  if (Object* object = value.object())
    if (Values* items = object->iterate(runtime)) return std::exchange(*items, {});
  runtime.type_error("not iterable:", value);
}

std::optional<size_t> length(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.text()) {
    runtime.read(text->text);
    return code_points(text->text);
  }
  if (const Dict* dict = value.dict()) return dict->members.size();
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr || sequence->flavour == Flavour::iterator) return {};
  return sequence->items.size();
}

}  // namespace sil::jinja
