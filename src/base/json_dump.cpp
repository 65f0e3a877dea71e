// Printing JSON. Hand-written because shards of token ids, log-probabilities and texts are printed at memory speed.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/utf8.h"
#include "sil/json.h"

namespace sil {
namespace {

// Nonzero when any of the eight bytes is a control character, '"', '\\' or not ASCII.
uint64_t special_bytes(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto zero = [](uint64_t w) { return (w - kOnes) & ~w & kHighs; };
  const uint64_t below_space = (word - kOnes * 0x20) & ~word & kHighs;
  return (word & kHighs) | below_space | zero(word ^ kOnes * '"') | zero(word ^ kOnes * '\\');
}

bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

size_t plain_prefix(const char* data, size_t size) {
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, data + i, 8);
    if (special_bytes(word)) break;
  }
  while (i < size && is_plain(static_cast<unsigned char>(data[i]))) ++i;
  return i;
}

void append_escape(std::string& out, char c) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[c >> 4 & 15];
      out += kHexDigits[c & 15];
  }
}

template <class Float>
void append_float(std::string& out, Float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[40];
  // Beyond int64 a number without point or exponent would read back as an integer that is too large.
  const bool large = std::abs(value) >= Float{0x1p63f};
  const auto end = large ? std::to_chars(text, text + sizeof text, value, std::chars_format::scientific)
                         : std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

enum class Style { plain, pretty, canonical };

class Printer {
 public:
  explicit Printer(Style style) : style_(style) {}

  void value(const Json& json) {
    if (json.is_null()) {
      out_ += "null";
    } else if (json.is_bool()) {
      out_ += json.as_bool() ? "true" : "false";
    } else if (json.is_int()) {
      append_json_number(out_, json.as_int());
    } else if (json.is_number()) {
      append_json_number(out_, json.as_double());
    } else if (json.is_string()) {
      append_json_string(out_, json.as_string());
    } else if (json.is_array()) {
      list(json.as_array());
    } else {
      map(json.as_object());
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void list(const Json::Array& items) {
    // People read a row of numbers or words better on one line.
    const bool nested = std::any_of(items.begin(), items.end(), [](const Json& item) {
      return (item.is_array() && !item.as_array().empty()) || (item.is_object() && !item.as_object().empty());
    });
    open('[');
    for (size_t i = 0; i < items.size(); ++i) {
      separate(i == 0, nested);
      value(items[i]);
    }
    close(']', nested);
  }

  void map(const Json::Object& members) {
    std::vector<size_t> order(members.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (style_ == Style::canonical)
      std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return members[a].first < members[b].first; });
    open('{');
    for (size_t i = 0; i < order.size(); ++i) {
      separate(i == 0, true);
      append_json_string(out_, members[order[i]].first);
      out_ += style_ == Style::pretty ? ": " : ":";
      value(members[order[i]].second);
    }
    close('}', !members.empty());
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }
  void separate(bool first, bool own_line) {
    if (!first) out_ += ',';
    if (style_ != Style::pretty) return;
    if (own_line) {
      line();
    } else if (!first) {
      out_ += ' ';
    }
  }
  void close(char bracket, bool own_line) {
    --depth_;
    if (style_ == Style::pretty && own_line) line();
    out_ += bracket;
  }
  void line() {
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  Style style_;
  size_t depth_ = 0;
  std::string out_;
};

std::string print(const Json& value, Style style) {
  Printer printer(style);
  printer.value(value);
  return printer.take();
}

}  // namespace

std::string dump(const Json& value) {
  return print(value, Style::plain);
}
std::string dump_pretty(const Json& value) {
  return print(value, Style::pretty);
}
std::string dump_canonical(const Json& value) {
  return print(value, Style::canonical);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t plain = plain_prefix(text.data(), text.size());
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_escape(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    const Utf8Step step = utf8_step(text);
    out += step.valid ? text.substr(0, step.length) : kReplacementCharacter;
    text.remove_prefix(step.length);
  }
  out += '"';
}

void append_json_number(std::string& out, double value) {
  append_float(out, value);
}
void append_json_number(std::string& out, float value) {
  append_float(out, value);
}

void append_json_number(std::string& out, int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace sil
