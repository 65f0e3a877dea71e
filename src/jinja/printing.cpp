// str() and repr() as Python prints values.
#include <charconv>
#include <cmath>

#include "jinja/operations.h"
#include "jinja/text_scan.h"
#include "jinja/unicode.h"

namespace sil::jinja {
namespace {

void append_hex(std::string& out, char32_t point, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(point >> shift) & 15];
}

void append_items(Runtime& runtime, std::string& out, const Values& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    out += repr(runtime, items[i]);
  }
}

std::string repr_range(const Range& range) {
  return "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop) +
         (range.step == 1 ? "" : ", " + std::to_string(range.step)) + ")";
}

std::string repr_sequence(Runtime& runtime, const Sequence& sequence) {
  if (sequence.flavour == Flavour::range) return repr_range(sequence.range);
  if (sequence.flavour == Flavour::iterator) runtime.fail("an iterator is printed", "make it a list with |list");
  constexpr std::pair<const char*, const char*> kBrackets[] = {{"[", "]"},
                                                               {"(", ")"},
                                                               {"(", ")"},
                                                               {"", ""},
                                                               {"dict_keys([", "])"},
                                                               {"dict_values([", "])"},
                                                               {"dict_items([", "])"}};
  const auto& [open, close] = kBrackets[static_cast<size_t>(sequence.flavour)];
  std::string out = open;
  append_items(runtime, out, sequence.items);
  const bool tuple = sequence.flavour == Flavour::tuple || sequence.flavour == Flavour::group;
  return out + (tuple && sequence.items.size() == 1 ? "," : "") + close;
}

std::string repr_dict(Runtime& runtime, const Dict& dict) {
  std::string out = "{";
  for (const auto& [key, value] : dict.members) {
    if (out.size() > 1) out += ", ";
    out += repr(runtime, key) + ": " + repr(runtime, value);
  }
  return out + "}";
}

}  // namespace

void append_repr(std::string& out, std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  out += quote;
  while (!text.empty()) {
    const char32_t point = first_code_point(text);
    const std::string_view character = text.substr(0, character_length(text));
    text.remove_prefix(character.size());
    if (point == static_cast<unsigned char>(quote) || point == '\\') {
      (out += '\\') += character;
    } else if (point == '\n' || point == '\r' || point == '\t') {
      (out += '\\') += point == '\n' ? 'n' : point == '\r' ? 'r' : 't';
    } else if (is_printable(point)) {
      out += character;
    } else {
      out += point < 0x100 ? "\\x" : point < 0x10000 ? "\\u" : "\\U";
      append_hex(out, point, point < 0x100 ? 2 : point < 0x10000 ? 4 : 8);
    }
  }
  out += quote;
}

std::string repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[40];
  // The shortest digits that read back; Python writes exponents below -4 and from 16 on.
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string_view shown(text, static_cast<size_t>(end - text));
  const size_t mark = shown.find('e');
  int exponent = 0;
  const char* digits = shown.data() + mark + 1 + (shown[mark + 1] == '+' ? 1 : 0);
  std::from_chars(digits, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shown);
  const auto fixed = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  std::string out(text, fixed);
  return out.find('.') == std::string::npos ? out + ".0" : out;
}

std::string repr(Runtime& runtime, const Value& value) {
  const Runtime::Nested nested(runtime);
  runtime.step();
  std::string out;
  if (value.is_undefined()) return "Undefined";
  if (const Text* text = value.text()) {
    append_repr(out, text->text);
    if (text->markup) out = "Markup(" + out + ")";
  } else if (const Sequence* sequence = value.sequence()) {
    out = repr_sequence(runtime, *sequence);
  } else if (const Dict* dict = value.dict()) {
    out = repr_dict(runtime, *dict);
  } else {
    append_text(runtime, out, value);
  }
  runtime.grow(out.size());
  return out;
}

void append_text(Runtime& runtime, std::string& out, const Value& value) {
  if (value.is_undefined()) return;
  if (const Text* text = value.text()) {
    runtime.grow(text->text.size());
    out += text->text;
  } else if (value.is_none()) {
    out += "None";
  } else if (value.is_bool()) {
    out += value.integer() != 0 ? "True" : "False";
  } else if (value.is_int()) {
    out += std::to_string(value.integer());
  } else if (value.is_float()) {
    out += repr(value.number());
  } else if (const Object* object = value.object()) {
    out += object->shown();
  } else {
    out += repr(runtime, value);
  }
}

std::string text_of(Runtime& runtime, const Value& value) {
  std::string out;
  append_text(runtime, out, value);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    const size_t which = std::string_view("&<>'\"").find(c);
    constexpr const char* kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    if (which == std::string_view::npos) {
      out += c;
    } else {
      out += kEscapes[which];
    }
  }
  return out;
}

}  // namespace sil::jinja
