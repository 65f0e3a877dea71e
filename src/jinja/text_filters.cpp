// Filters that make text.
#include <algorithm>

#include "jinja/filters.h"
#include "jinja/text_edit.h"
#include "jinja/text_scan.h"
#include "jinja/text_split.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

std::string soft_text(Runtime& runtime, const Value& value) {
  std::string out = text_of(runtime, value);
  runtime.read(out);
  return out;
}

template <std::string (*change)(std::string_view)>
Value changed(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "the filter", {}, arguments);
  return runtime.text(change(soft_text(runtime, value)));
}

// Unlike str.title: words begin behind blanks, hyphens and brackets only.
std::string words_title(std::string_view text) {
  std::string out;
  size_t start = 0;
  const auto add_word = [&](size_t end) {
    const std::string_view word = text.substr(start, end - start);
    if (word.empty()) return;
    const size_t first = character_length(word);
    out += upper(word.substr(0, first)) + lower(word.substr(first));
  };
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_length(text.substr(at));
    const char32_t point = first_code_point(text.substr(at));
    if (is_space(point) || point == '-' || point == '(' || point == '{' || point == '[' || point == '<') {
      add_word(at);
      out += text.substr(at, length);
      start = at + length;
    }
    at += length;
  }
  add_word(text.size());
  return out;
}

Value trim(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "trim", {"chars"}, arguments);
  const std::string text = soft_text(runtime, value);
  if (bound[0] == nullptr || bound[0]->is_none()) return runtime.text(strip(text, Side::both, {}));
  const std::string characters = bound.text(0, {});
  runtime.step(static_cast<int64_t>(text.size() * (1 + characters.size() / 64)));
  return runtime.text(strip(text, Side::both, characters));
}

Value replace(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "replace", {"old", "new", "count"}, arguments, 2);
  const int64_t most = bound[2] == nullptr || bound[2]->is_none() ? -1 : bound.integer(2, -1);
  return runtime.text(
      replaced(runtime, soft_text(runtime, value), text_of(runtime, *bound[0]), text_of(runtime, *bound[1]), most));
}

Value center(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "center", {"width"}, arguments);
  return runtime.text(aligned_text(runtime, soft_text(runtime, value), bound.integer(0, 80), '^', " "));
}

Value indent(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "indent", {"width", "first", "blank"}, arguments);
  if (!value.is_text()) runtime.type_error("indent needs text, found", value);
  std::string indention;
  if (bound[0] != nullptr && bound[0]->is_text()) {
    indention = bound.text(0, {});
  } else {
    const int64_t width = std::max<int64_t>(bound.integer(0, 4), 0);
    runtime.grow(static_cast<size_t>(width));
    indention.assign(static_cast<size_t>(width), ' ');
  }
  const bool first = bound.flag(1, false), blank = bound.flag(2, false);
  runtime.read(value.text()->text);
  runtime.grow(value.text()->text.size() * 2);
  const std::string text = value.text()->text + "\n";
  std::string out = first ? indention : "";
  const Pieces lines = split_lines(text, false);
  for (size_t i = 0; i < lines.size(); ++i) {
    runtime.grow(indention.size());
    if (i > 0) out += '\n';
    if (i > 0 && (blank || !lines[i].empty())) out += indention;
    out += lines[i];
  }
  return runtime.text(std::move(out));
}

Value truncate(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "truncate", {"length", "killwords", "end", "leeway"}, arguments);
  const std::optional<size_t> size = length(runtime, value);
  if (!size) runtime.type_error("truncate needs text, found", value);
  const int64_t most = bound.integer(0, 255);
  const std::string end = bound.text(2, "...");
  const int64_t leeway = bound[3] == nullptr || bound[3]->is_none() ? 5 : bound.integer(3, 5);
  const int64_t kept = most - static_cast<int64_t>(code_points(end));
  if (kept < 0 || leeway < 0) runtime.fail("truncate: the length must be at least that of the end, the leeway 0");
  if (static_cast<int64_t>(*size) - leeway <= most) return value;
  if (!value.is_text()) runtime.type_error("truncate needs text, found", value);
  const std::string& text = value.text()->text;
  std::string out = text.substr(0, bytes_of(text, static_cast<size_t>(kept)));
  if (!bound.flag(1, false)) out = out.substr(0, std::min(out.rfind(' '), out.size()));
  return runtime.text(out + end);
}

Value wordcount(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "wordcount", {}, arguments);
  const std::string text = soft_text(runtime, value);
  int64_t count = 0;
  bool inside = false;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(character_length(rest))) {
    const char32_t point = first_code_point(rest);
    const bool word = is_alphabetic(point) || is_numeric(point) || point == '_';
    if (word && !inside) ++count;
    inside = word;
  }
  return count;
}

Value format(Runtime& runtime, const Value& value, Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    runtime.fail("format takes values or name=value, not both");
  if (arguments.named.empty())
    return runtime.text(
        percent_format(runtime, soft_text(runtime, value), runtime.list(arguments.positional, Flavour::tuple)));
  Members members;
  for (auto& [name, one] : arguments.named) members.emplace_back(runtime.text(name), std::move(one));
  return runtime.text(percent_format(runtime, soft_text(runtime, value), runtime.dict(std::move(members))));
}

template <bool again>
Value escape(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "escape", {}, arguments);
  if (!again && value.is_text() && value.text()->markup) return value;
  std::string text = soft_text(runtime, value);
  runtime.grow(text.size() * 5);
  return runtime.text(escaped(text), true);
}

Value safe(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "safe", {}, arguments);
  return runtime.text(text_of(runtime, value), true);
}

Value string(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "string", {}, arguments);
  return value.is_text() ? value : runtime.text(text_of(runtime, value));
}

Value tojson(Runtime& runtime, const Value& value, Arguments& arguments) {
  return runtime.text(to_json(runtime, value, arguments));
}

void append_quoted(std::string& out, std::string_view text, std::string_view kept) {
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
      out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
  }
}

Value urlencode(Runtime& runtime, const Value& value, Arguments& arguments) {
  const Bound bound(runtime, "urlencode", {}, arguments);
  std::string out;
  if (value.sequence() == nullptr && value.dict() == nullptr) {
    const std::string text = soft_text(runtime, value);
    runtime.grow(text.size() * 3);
    append_quoted(out, text, "_.-~/");
    return runtime.text(std::move(out));
  }
  Members pairs;
  if (value.dict() != nullptr) pairs = value.dict()->members;
  for (const Value& item : value.dict() != nullptr ? Values() : iterate(runtime, value)) {
    const Values both = iterate(runtime, item);
    if (both.size() != 2) runtime.fail("urlencode needs pairs of key and value");
    pairs.emplace_back(both[0], both[1]);
  }
  // Of a form: a blank becomes a plus.
  const auto append = [&](const Value& part) {
    const std::string text = soft_text(runtime, part);
    runtime.grow(text.size() * 3);
    std::string quoted;
    append_quoted(quoted, text, "_.-~ ");
    std::replace(quoted.begin(), quoted.end(), ' ', '+');
    out += quoted;
  };
  for (const auto& [key, one] : pairs) {
    if (!out.empty()) out += '&';
    append(key);
    out += '=';
    append(one);
  }
  return runtime.text(std::move(out));
}

}  // namespace

const Filters& text_filters() {
  static const Filters filters = {
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"capitalize", changed<capitalized>},
      {"title", changed<words_title>},
      {"trim", trim},
      {"replace", replace},
      {"center", center},
      {"indent", indent},
      {"truncate", truncate},
      {"wordcount", wordcount},
      {"format", format},
      {"escape", escape<false>},
      {"e", escape<false>},
      {"forceescape", escape<true>},
      {"safe", safe},
      {"string", string},
      {"tojson", tojson},
      {"urlencode", urlencode},
  };
  return filters;
}

}  // namespace sil::jinja
