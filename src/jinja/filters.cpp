#include "jinja/filters.h"

#include <algorithm>
#include <numeric>

#include "jinja/text_split.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

const Filters& all_filters() {
  static const Filters filters = [] {
    Filters out;
    for (const Filters* shelf : {&text_filters(), &number_filters(), &sequence_filters(), &selection_filters()})
      out.insert(out.end(), shelf->begin(), shelf->end());
    return out;
  }();
  return filters;
}

}  // namespace

const FilterEntry* find_filter(std::string_view name) {
  const Filters& filters = all_filters();
  const auto found =
      std::find_if(filters.begin(), filters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == filters.end() ? nullptr : &*found;
}

std::vector<std::string> filter_names() {
  std::vector<std::string> out;
  for (const FilterEntry& entry : all_filters()) out.emplace_back(entry.name);
  return out;
}

Getter::Getter(Runtime& runtime, const Value* attribute, const Value* otherwise, bool case_sensitive)
    : runtime_(runtime),
      otherwise_(otherwise != nullptr && otherwise->is_none() ? nullptr : otherwise),
      case_sensitive_(case_sensitive) {
  if (attribute == nullptr || attribute->is_none()) return;
  if (!attribute->is_text()) {
    path_.push_back(*attribute);
    return;
  }
  for (const std::string_view part : split(attribute->text()->text, ".", -1)) {
    const bool number =
        !part.empty() && part.size() < 18 && part.find_first_not_of("0123456789") == std::string_view::npos;
    path_.push_back(number ? Value(int64_t{std::stoll(std::string(part))}) : runtime.text(part));
  }
}

Value Getter::operator()(const Value& item) const {
  Value value = item;
  for (const Value& part : path_) {
    value = jinja::item(runtime_, value, part, nullptr);
    if (value.is_undefined() && otherwise_ != nullptr) value = *otherwise_;
  }
  if (!case_sensitive_ && value.is_text()) value = runtime_.text(lower(value.text()->text));
  return value;
}

Value iterator_of(Runtime& runtime, const std::function<void(Values&)>& fill) {
  Values items;
  std::exception_ptr failure;
  try {
    fill(items);
  } catch (const Error&) {
    failure = std::current_exception();
  }
  Value out = runtime.list(std::move(items), Flavour::iterator);
  out.sequence()->failure = failure;
  return out;
}

Values sorted(Runtime& runtime, Values items, const std::function<Value(const Value&)>& key, bool reverse) {
  Values keys;
  for (const Value& item : items) keys.push_back(key(item));
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return reverse ? less(runtime, keys[b], keys[a]) : less(runtime, keys[a], keys[b]);
  });
  Values out;
  for (const size_t i : order) out.push_back(std::move(items[i]));
  return out;
}

}  // namespace sil::jinja
