#include <algorithm>

#include "recipe/grammar.h"
#include "recipe/overrides.h"
#include "recipe/paths.h"

namespace sil {
namespace {

constexpr size_t kMostLinks = 32;              // of references to references
constexpr size_t kMostWork = size_t{1} << 20;  // bytes, nodes and look-ups that references may take

bool has_reference(const Node& node) {
  return node.kind == Node::Kind::scalar && node.scalar.find("${") != std::string::npos;
}

class Interpolation {
 public:
  Interpolation(const Node& tree, const std::map<std::string, std::string>& environment, std::vector<Finding>& findings)
      : tree_(tree), environment_(environment), findings_(findings), cost_(1 + step_positions(tree).size()) {}

  void expand(Node& node) {
    if (has_reference(node)) return expand_scalar(node);  // what it gives is expanded already
    for (Node& item : node.items) expand(item);
    for (Node::Member& member : node.members) expand(member.value);
  }

 private:
  void expand_scalar(Node& node) {
    const Place place = node.place;
    const Origin origin = node.origin;
    const std::string text = node.scalar;
    const std::string_view body = whole_reference(text);
    try {
      if (!body.empty()) {
        node = value_of(body, place);
        node.place = place;
        node.origin = origin;
      } else {
        node.scalar = with_values(text, place);
      }
    } catch (const Error& error) {
      if (error.code() != Exit::usage) throw;
      findings_.insert(findings_.end(), error.findings().begin(), error.findings().end());
      node.scalar.clear();
      if (!open_.empty()) throw;  // the reference that led here has no value either
    }
  }

  // "a.b" of a text that is "${a.b}" and nothing else.
  static std::string_view whole_reference(std::string_view text) {
    if (!text.starts_with("${") || text.find('}') != text.size() - 1) return {};
    return text.substr(2, text.size() - 3);
  }

  std::string with_values(std::string_view text, const Place& place) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = std::min(text.find("${", at), text.size());
      if (begin > at && begin < text.size() && text[begin - 1] == '$') {
        out += text.substr(at, begin - 1 - at);
        out += "${";
        at = begin + 2;
        continue;
      }
      out += text.substr(at, begin - at);
      if (begin == text.size()) break;
      const size_t end = text.find('}', begin);
      if (end == std::string_view::npos)
        throw Error(Exit::usage, "'${' without '}'", "write $${ where ${ is meant as text", place);
      const Node value = value_of(text.substr(begin + 2, end - begin - 2), place);
      if (value.kind != Node::Kind::scalar)
        throw Error(Exit::usage,
                    "'" + std::string(text.substr(begin, end + 1 - begin)) + "' is " + value.kind_name() +
                        " and cannot stand within a text",
                    {}, place);
      out += value.scalar;
      at = end + 1;
    }
    return out;
  }

  Node value_of(std::string_view body, const Place& place) {
    if (body.starts_with("env:")) return environment_value(body.substr(4), place);
    spend(cost_, place);
    const Path path = tree_path(tree_, body, place, false);
    const Node* target = find_value(tree_, path);
    if (!target)
      throw Error(Exit::usage, "the recipe says nothing at '${" + std::string(body.substr(0, 80)) + "}'",
                  "a reference reads what is written, not defaults", place);
    const bool cycle = std::find(open_.begin(), open_.end(), target) != open_.end();
    if (cycle || open_.size() >= kMostLinks)
      throw Error(Exit::usage,
                  "'${" + std::string(body.substr(0, 80)) + "}' refers to itself" + (cycle ? "" : " or too far"),
                  "break the circle of references", place);
    charge(*target, place);
    Node value = *target;
    open_.push_back(target);
    try {
      expand(value);
    } catch (...) {
      open_.pop_back();
      throw Error(Exit::usage, "'${" + std::string(body.substr(0, 80)) + "}' has no value",
                  "see the finding at its place", place);
    }
    open_.pop_back();
    charge(value, place);
    return value;
  }

  Node environment_value(std::string_view body, const Place& place) const {
    const size_t comma = body.find(',');
    const std::string name(body.substr(0, comma));
    const auto found = environment_.find(name);
    if (found == environment_.end() && comma == std::string_view::npos)
      throw Error(Exit::usage, "the environment variable '" + name.substr(0, 80) + "' is not set",
                  "set it, or give a default: ${env:" + name.substr(0, 80) + ",default}", place);
    Node value = Node::text(found != environment_.end() ? found->second : std::string(body.substr(comma + 1)), place,
                            Origin::file);
    value.quoted = false;
    return value;
  }

  void charge(const Node& node, const Place& place) {
    spend(1 + node.scalar.size(), place);
    for (const Node& item : node.items) charge(item, place);
    for (const Node::Member& member : node.members) charge(member.value, place);
  }

  void spend(size_t work, const Place& place) {
    work_ += work;
    if (work_ > kMostWork)
      throw Error(Exit::usage, "references make the recipe too large", "write some values out", place);
  }

  const Node& tree_;
  const std::map<std::string, std::string>& environment_;
  std::vector<Finding>& findings_;
  std::vector<const Node*> open_;  // what is being expanded
  size_t cost_;                    // of looking a path up
  size_t work_ = 0;
};

}  // namespace

void interpolate(Node& tree, const std::map<std::string, std::string>& environment, std::vector<Finding>& findings) {
  const Node written = tree;
  Interpolation(written, environment, findings).expand(tree);
}

}  // namespace sil
