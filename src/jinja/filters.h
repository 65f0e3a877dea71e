// What the shelves of filters share.
#pragma once

#include <functional>
#include <string>

#include "jinja/builtins.h"
#include "jinja/operations.h"

namespace sil::jinja {

// Reads `attribute` of an item: "a.b.0" through items and attributes; the item itself for nullptr or none. What is
// undefined on the way becomes `otherwise` where that is given. Text loses its case unless `case_sensitive`.
class Getter {
 public:
  Getter(Runtime& runtime, const Value* attribute, const Value* otherwise = nullptr, bool case_sensitive = true);
  Value operator()(const Value& item) const;

 private:
  Runtime& runtime_;
  Values path_;
  const Value* otherwise_;
  bool case_sensitive_;
};

// What `fill` gives, as an iterator. As in Python, where iterators are lazy, a failure is met by whoever reads it.
Value iterator_of(Runtime& runtime, const std::function<void(Values&)>& fill);

// As sorted(): stable, `reverse` keeps the order of equals.
Values sorted(Runtime& runtime, Values items, const std::function<Value(const Value&)>& key, bool reverse);

}  // namespace sil::jinja
