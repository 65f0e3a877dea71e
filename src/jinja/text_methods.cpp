// Methods of Python's str.
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/operations.h"
#include "jinja/text_edit.h"
#include "jinja/text_scan.h"
#include "jinja/text_split.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

constexpr auto kNowhere = std::string_view::npos;

const std::string& self_text(Runtime& runtime, const Value& self) {
  runtime.read(self.text()->text);
  return self.text()->text;
}

// None counts as not given.
std::optional<std::string> optional_text(const Bound& bound, size_t i) {
  if (bound[i] == nullptr || bound[i]->is_none()) return {};
  return bound.text(i, {});
}

template <std::string (*change)(std::string_view)>
Value changed(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "the method", {}, arguments);
  return runtime.text(change(self_text(runtime, self)));
}

template <Side side>
Value stripped(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "strip", {"chars"}, arguments);
  const std::optional<std::string> characters = optional_text(bound, 0);
  if (characters) runtime.step(static_cast<int64_t>(self.text()->text.size() * (1 + characters->size() / 64)));
  return runtime.text(strip(self_text(runtime, self), side, characters));
}

Value pieces_list(Runtime& runtime, const Pieces& pieces, Flavour flavour = Flavour::list) {
  runtime.step(static_cast<int64_t>(pieces.size()));
  Values out;
  for (const std::string_view piece : pieces) out.push_back(runtime.text(piece));
  return runtime.list(std::move(out), flavour);
}

template <Pieces (*divide)(std::string_view, std::optional<std::string_view>, int64_t)>
Value divided(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "split", {"sep", "maxsplit"}, arguments);
  const std::optional<std::string> separator = optional_text(bound, 0);
  if (separator && separator->empty()) runtime.fail("split() needs a separator that is not empty");
  const std::string& text = self_text(runtime, self);
  // Looking from the right is not linear in the separator.
  if (separator) runtime.step(static_cast<int64_t>(text.size() / 64 * (1 + separator->size() / 64)));
  runtime.grow(text.size() * 2);
  return pieces_list(runtime, divide(text, separator, bound.integer(1, -1)));
}

Value splitlines(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "splitlines", {"keepends"}, arguments);
  const std::string& text = self_text(runtime, self);
  runtime.grow(text.size() * 2);
  return pieces_list(runtime, split_lines(text, bound.flag(0, false)));
}

template <bool from_right>
Value partition(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "partition", {"sep"}, arguments, 1);
  const std::string separator = bound.text(0, {});
  if (separator.empty()) runtime.fail("partition() needs a separator that is not empty");
  const std::string_view text = self_text(runtime, self);
  const size_t at = from_right ? rfind_text(text, separator) : find_text(text, separator);
  if (at == kNowhere)
    return pieces_list(runtime, from_right ? Pieces{"", "", text} : Pieces{text, "", ""}, Flavour::tuple);
  return pieces_list(runtime, {text.substr(0, at), separator, text.substr(at + separator.size())}, Flavour::tuple);
}

// self[start:end] with the offset that it begins at; nothing when start lies behind the end.
struct Part {
  std::string_view text;
  size_t start = 0;  // code points
  bool valid = true;
};

Part part_of(Runtime& runtime, const Value& self, const Bound& bound, size_t first) {
  const std::string& text = self_text(runtime, self);
  if (bound[first] == nullptr) return {text, 0, true};
  const int64_t size = static_cast<int64_t>(code_points(text));
  const auto position = [&](size_t i, int64_t otherwise) {
    if (bound[i] == nullptr || bound[i]->is_none()) return otherwise;
    int64_t at = bound.integer(i, 0);
    if (at < 0) at = std::max<int64_t>(at < -size ? 0 : at + size, 0);
    return at;
  };
  const int64_t start = position(first, 0), end = std::min(position(first + 1, size), size);
  if (start > size || start > end) return {{}, 0, false};
  const std::string_view rest = std::string_view(text).substr(bytes_of(text, static_cast<size_t>(start)));
  return {rest.substr(0, bytes_of(rest, static_cast<size_t>(end - start))), static_cast<size_t>(start), true};
}

template <bool at_end>
Value begins(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, at_end ? "endswith" : "startswith", {"prefix", "start", "end"}, arguments, 1);
  const Part part = part_of(runtime, self, bound, 1);
  const auto fits = [&](const Value& value) {
    if (!value.is_text()) runtime.type_error("startswith and endswith need text or a tuple of texts, found", value);
    const std::string& text = value.text()->text;
    return part.valid && (at_end ? part.text.ends_with(text) : part.text.starts_with(text));
  };
  if (!bound[0]->is(Flavour::tuple)) return fits(*bound[0]);
  const Values& items = bound[0]->sequence()->items;
  return std::any_of(items.begin(), items.end(), fits);
}

template <bool from_right, bool must_be>
Value found(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "find", {"sub", "start", "end"}, arguments, 1);
  const std::string wanted = bound.text(0, {});
  const Part part = part_of(runtime, self, bound, 1);
  const size_t at = !part.valid ? kNowhere : from_right ? rfind_text(part.text, wanted) : find_text(part.text, wanted);
  if (from_right) runtime.step(static_cast<int64_t>(count_of(part.text, wanted)));
  if (at != kNowhere) return static_cast<int64_t>(part.start + code_points(part.text.substr(0, at)));
  if (must_be) runtime.fail("the text does not hold the one that index() looks for");
  return int64_t{-1};
}

Value count(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "count", {"sub", "start", "end"}, arguments, 1);
  const std::string wanted = bound.text(0, {});
  const Part part = part_of(runtime, self, bound, 1);
  return part.valid ? static_cast<int64_t>(count_of(part.text, wanted)) : int64_t{0};
}

Value replace(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "replace", {"old", "new", "count"}, arguments, 2);
  return runtime.text(
      replaced(runtime, self_text(runtime, self), bound.text(0, {}), bound.text(1, {}), bound.integer(2, -1)));
}

Value join(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "join", {"iterable"}, arguments, 1);
  std::string out;
  bool first = true;
  for (const Value& item : iterate(runtime, *bound[0])) {
    if (!item.is_text()) runtime.type_error("join() needs texts, found", item);
    runtime.grow(self.text()->text.size() + item.text()->text.size());
    if (!std::exchange(first, false)) out += self.text()->text;
    out += item.text()->text;
  }
  return runtime.text(std::move(out));
}

// True when there is a character, and all are so.
template <bool (*test)(char32_t)>
Value all_are(Runtime& runtime, const Value& self, Arguments&) {
  std::string_view rest = self_text(runtime, self);
  if (rest.empty()) return false;
  for (; !rest.empty(); rest.remove_prefix(character_length(rest)))
    if (!test(first_code_point(rest))) return false;
  return true;
}

// Of those that have a case, and there is one at least.
template <bool (*wanted)(char32_t)>
Value cased_are(Runtime& runtime, const Value& self, Arguments&) {
  bool any = false;
  for (std::string_view rest = self_text(runtime, self); !rest.empty(); rest.remove_prefix(character_length(rest))) {
    const char32_t point = first_code_point(rest);
    if (!wanted(point) && is_cased(point)) return false;
    any = any || wanted(point);
  }
  return any;
}

// Capitals at the beginning of words, and only there.
Value is_titled(Runtime& runtime, const Value& self, Arguments&) {
  bool any = false, inside = false;
  for (std::string_view rest = self_text(runtime, self); !rest.empty(); rest.remove_prefix(character_length(rest))) {
    const char32_t point = first_code_point(rest);
    const bool capital = is_upper(point) || is_title(point);
    if (capital ? inside : is_lower(point) && !inside) return false;
    inside = is_cased(point);
    any = any || inside;
  }
  return any;
}

Value is_ascii(Runtime& runtime, const Value& self, Arguments&) {
  const std::string& text = self_text(runtime, self);
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_alphanumeric(char32_t point) {
  return is_alphabetic(point) || is_numeric(point);
}

template <bool at_end>
Value without(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, at_end ? "removesuffix" : "removeprefix", {"part"}, arguments, 1);
  const std::string part = bound.text(0, {});
  const std::string_view text = self_text(runtime, self);
  if (at_end) return runtime.text(text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text);
  return runtime.text(text.starts_with(part) ? text.substr(part.size()) : text);
}

template <char align>
Value aligned(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "center", {"width", "fillchar"}, arguments, 1);
  const std::string fill = bound.text(1, " ");
  if (code_points(fill) != 1) runtime.fail("the character to fill with must be one character");
  return runtime.text(aligned_text(runtime, self_text(runtime, self), bound.integer(0, 0), align, fill));
}

Value zfill(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "zfill", {"width"}, arguments, 1);
  const std::string& text = self_text(runtime, self);
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const int64_t width = bound.integer(0, 0) - static_cast<int64_t>(sign);
  return runtime.text(text.substr(0, sign) + aligned_text(runtime, text.substr(sign), width, '>', "0"));
}

Value expandtabs(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound(runtime, "expandtabs", {"tabsize"}, arguments);
  const int64_t size = bound.integer(0, 8);
  std::string out;
  int64_t column = 0;
  for (char c : self_text(runtime, self)) {
    if (c == '\t' && size > 0) runtime.grow(static_cast<size_t>(size));
    if (c == '\t') {
      const int64_t blanks = size > 0 ? size - column % size : 0;
      out.append(static_cast<size_t>(blanks), ' ');
      column += blanks;
    } else {
      out += c;
      column = c == '\n' || c == '\r' ? 0 : column + ((static_cast<unsigned char>(c) & 0xC0) == 0x80 ? 0 : 1);
    }
  }
  return runtime.text(std::move(out));
}

Value format(Runtime& runtime, const Value& self, Arguments& arguments) {
  return runtime.text(brace_format(runtime, self.text()->text, arguments));
}

}  // namespace

const std::vector<MethodEntry>& text_methods() {
  static const std::vector<MethodEntry> methods = {
      {"strip", stripped<Side::both>},
      {"lstrip", stripped<Side::left>},
      {"rstrip", stripped<Side::right>},
      {"split", divided<split>, true},
      {"rsplit", divided<split_right>, true},
      {"splitlines", splitlines, true},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"startswith", begins<false>},
      {"endswith", begins<true>},
      {"find", found<false, false>},
      {"rfind", found<true, false>},
      {"index", found<false, true>},
      {"rindex", found<true, true>},
      {"count", count},
      {"replace", replace},
      {"join", join},
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"casefold", changed<lower>},
      {"title", changed<title>},
      {"capitalize", changed<capitalized>},
      {"swapcase", changed<swapped_case>},
      {"isalpha", all_are<is_alphabetic>},
      {"isdigit", all_are<is_digit>},
      {"isdecimal", all_are<is_decimal>},
      {"isnumeric", all_are<is_numeric>},
      {"isalnum", all_are<is_alphanumeric>},
      {"isspace", all_are<is_space>},
      {"isupper", cased_are<is_upper>},
      {"islower", cased_are<is_lower>},
      {"istitle", is_titled},
      {"isascii", is_ascii},
      {"removeprefix", without<false>},
      {"removesuffix", without<true>},
      {"center", aligned<'^'>},
      {"ljust", aligned<'<'>},
      {"rjust", aligned<'>'>},
      {"zfill", zfill},
      {"expandtabs", expandtabs, true},
      {"format", format, true},
  };
  return methods;
}

}  // namespace sil::jinja
