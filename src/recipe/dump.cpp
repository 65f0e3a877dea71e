#include <algorithm>

#include "recipe/help.h"
#include "recipe/scalars.h"

namespace sil {
namespace {

constexpr size_t kWidestValue = 60;  // longer lines do not push the origins to the right

struct Line {
  std::string text;
  std::string origin;
};

bool is_plain_text(const std::string& text) {
  if (text.empty() || !((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'))) return false;
  const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./@+- ").find(c) != std::string_view::npos;
  });
  Node plain = Node::text(text, {}, Origin::file);
  plain.quoted = false;
  return harmless && text.back() != ' ' && scalar_value(plain).is_string();
}

std::string inline_text(const Json& value) {
  return value.is_string() && is_plain_text(value.as_string()) ? value.as_string() : dump(value);
}

class Dump {
 public:
  explicit Dump(const Recipe& recipe) : recipe_(recipe) {}

  std::string text() {
    std::vector<Line> lines;
    for (const auto& [key, value] : recipe_.resolved.as_object()) member(key, value, key, 0, lines);
    size_t column = 0;
    for (const Line& line : lines)
      if (line.text.size() <= kWidestValue) column = std::max(column, line.text.size());
    std::string out;
    for (const Line& line : lines) {
      out += line.text;
      if (!line.origin.empty())
        out += std::string(line.text.size() < column ? column - line.text.size() : 0, ' ') + "  # " + line.origin;
      out += '\n';
    }
    return out;
  }

 private:
  std::string origin(const std::string& path) const {
    const auto found = recipe_.origins.find(path);
    return found == recipe_.origins.end() ? std::string() : found->second;
  }

  // Whether values below have origins of their own.
  bool is_open(const std::string& path) const {
    const auto next = recipe_.origins.lower_bound(path + ".");
    return next != recipe_.origins.end() && next->first.starts_with(path + ".");
  }

  void member(const std::string& key, const Json& value, const std::string& path, size_t indent,
              std::vector<Line>& out) const {
    const bool block =
        (value.is_object() && !value.as_object().empty()) || (value.is_array() && !value.as_array().empty());
    const std::string start = std::string(indent, ' ') + key + ":";
    if (!block || !is_open(path)) {
      out.push_back({start + " " + inline_text(value), origin(path)});
      return;
    }
    out.push_back({start, {}});
    children(value, path, indent + 2, out);
  }

  void children(const Json& value, const std::string& path, size_t indent, std::vector<Line>& out) const {
    if (value.is_object()) {
      for (const auto& [key, child] : value.as_object()) member(key, child, path + "." + key, indent, out);
      return;
    }
    for (size_t i = 0; i < value.as_array().size(); ++i) {
      const Json& item = value.as_array()[i];
      const std::string item_path = path + "." + std::to_string(i);
      if (!item.is_object() || item.as_object().empty() || !is_open(item_path)) {
        out.push_back({std::string(indent, ' ') + "- " + inline_text(item), origin(item_path)});
        continue;
      }
      const size_t first = out.size();
      children(item, item_path, indent + 2, out);
      out[first].text[indent] = '-';
    }
  }

  const Recipe& recipe_;
};

}  // namespace

std::string resolved_dump(const Recipe& recipe) {
  return Dump(recipe).text();
}

}  // namespace sil
