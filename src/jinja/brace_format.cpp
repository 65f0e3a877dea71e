// "{} and {name:>8}".format(...), in the sandbox's way: fields may name attributes and items.
#include <algorithm>

#include "jinja/format.h"
#include "jinja/operations.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

constexpr int64_t kWidest = 1'000'000;

class BraceFormat {
 public:
  BraceFormat(Runtime& runtime, std::string_view format, const Arguments& arguments)
      : runtime_(runtime), format_(format), arguments_(arguments) {}

  std::string run() {
    std::string out;
    for (size_t at = 0; at < format_.size();) {
      const char c = format_[at];
      if (c != '{' && c != '}') {
        out += format_[at++];
      } else if (at + 1 < format_.size() && format_[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '}') {
        runtime_.fail("a single '}' in a format", "write }}");
      } else {
        const size_t end = format_.find('}', at);
        if (end == std::string_view::npos) runtime_.fail("a '{' in a format is not closed", "write {{");
        out += field(format_.substr(at + 1, end - at - 1));
        at = end + 1;
      }
    }
    runtime_.grow(out.size());
    return out;
  }

 private:
  std::string field(std::string_view text) {
    runtime_.step();
    if (text.find('{') != std::string_view::npos) runtime_.fail("fields inside a field are not supported");
    const size_t colon = std::min(text.find(':'), text.size());
    std::string_view name = text.substr(0, colon);
    const std::string_view spec = colon < text.size() ? text.substr(colon + 1) : std::string_view();
    char conversion = '\0';
    if (const size_t mark = name.find('!'); mark != std::string_view::npos) {
      if (name.size() != mark + 2) runtime_.fail("a conversion in a format is not !r, !s or !a");
      conversion = name[mark + 1];
      name = name.substr(0, mark);
    }
    const Value value = lookup(name);
    if (conversion == 'r') return format_text(runtime_, repr(runtime_, value), read_spec(spec));
    if (conversion == 'a') return format_text(runtime_, ascii_repr(runtime_, value), read_spec(spec));
    if (conversion == 's') return format_text(runtime_, text_of(runtime_, value), read_spec(spec));
    if (conversion != '\0') runtime_.fail("a conversion in a format is not !r, !s or !a");
    return formatted(value, spec);
  }

  Value lookup(std::string_view name) {
    const size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, end));
    name.remove_prefix(end);
    while (!name.empty()) {
      if (name.front() == '.') {
        const size_t stop = std::min(name.find_first_of(".[", 1), name.size());
        value = attribute(runtime_, value, std::string(name.substr(1, stop - 1)), nullptr);
        name.remove_prefix(stop);
      } else if (const size_t close = name.find(']'); name.front() == '[' && close != std::string_view::npos) {
        const std::string_view key = name.substr(1, close - 1);
        value = item(runtime_, value, is_number(key) ? Value(number(key)) : runtime_.text(key), nullptr);
        name.remove_prefix(close + 1);
      } else {
        runtime_.fail("a field of a format is not understood");
      }
    }
    return value;
  }

  Value argument(std::string_view name) {
    if (name.empty() || is_number(name)) {
      const size_t i = name.empty() ? next_++ : static_cast<size_t>(number(name));
      if (i >= arguments_.positional.size()) runtime_.fail("the format has more fields than values");
      return arguments_.positional[i];
    }
    for (const auto& [key, value] : arguments_.named)
      if (key == name) return value;
    runtime_.fail("the format has no value for '" + std::string(name) + "'");
  }

  std::string formatted(const Value& value, std::string_view text) {
    FormatSpec spec = read_spec(text);
    if (value.is_text() || text.empty()) {
      if (spec.type != '\0' && spec.type != 's') runtime_.type_error("the format needs a number, found", value);
      return format_text(runtime_, text_of(runtime_, value), spec);
    }
    if (!value.is_number()) runtime_.type_error("no format can be given for a", value);
    if (spec.type == 's') runtime_.type_error("the format needs text, found", value);
    if (spec.precision && value.is_integral() && (spec.type == '\0' || spec.type == 'd'))
      runtime_.fail("an integer has no precision");
    if (spec.type != '\0' && std::string_view("bdoxXneEfFgG%").find(spec.type) == std::string_view::npos)
      runtime_.fail(std::string("the format has an unknown type '") + spec.type + "'");
    return format_number(runtime_, value, spec);
  }

  FormatSpec read_spec(std::string_view text) {
    FormatSpec out;
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
    const size_t first = text.empty() ? 0 : character_length(text);
    if (text.size() > first && is_align(text[first])) {
      out.fill = text.substr(0, first);
      out.align = text[first];
      text.remove_prefix(first + 1);
    } else if (!text.empty() && is_align(text[0])) {
      out.align = text[0];
      text.remove_prefix(1);
    }
    const auto skip = [&](char c) { return text.starts_with(c) && (text.remove_prefix(1), true); };
    if (!text.empty() && (text[0] == '+' || text[0] == '-' || text[0] == ' ')) {
      out.sign = text[0];
      text.remove_prefix(1);
    }
    out.alternate = skip('#');
    if (text.starts_with('0') && out.align == '\0') {
      out.fill = "0";
      out.align = '=';
    }
    out.width = take_number(text);
    if (skip(',')) out.grouping = ',';
    if (skip('_')) out.grouping = '_';
    if (skip('.')) out.precision = take_number(text);
    if (text.size() == 1) out.type = text[0];
    if (text.size() > 1) runtime_.fail("a format's width and type are not understood: " + std::string(text));
    return out;
  }

  int64_t take_number(std::string_view& text) {
    const size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
    const int64_t out = length == 0 ? 0 : number(text.substr(0, length));
    text.remove_prefix(length);
    return out;
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  }
  int64_t number(std::string_view digits) {
    int64_t out = 0;
    for (char c : digits)
      if ((out = out * 10 + (c - '0')) > kWidest) runtime_.fail("a number beyond " + std::to_string(kWidest));
    return out;
  }

  Runtime& runtime_;
  std::string_view format_;
  const Arguments& arguments_;
  size_t next_ = 0;
};

}  // namespace

std::string brace_format(Runtime& runtime, const std::string& format, Arguments& arguments) {
  runtime.read(format);
  return BraceFormat(runtime, format, arguments).run();
}

}  // namespace sil::jinja
