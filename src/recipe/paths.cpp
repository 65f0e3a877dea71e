#include "recipe/paths.h"

#include <algorithm>
#include <charconv>

#include "recipe/declarations.h"
#include "recipe/grammar.h"
#include "recipe/scalars.h"
#include "sil/error.h"

namespace sil {
namespace {

constexpr size_t kMostParts = 32;

Path split(std::string_view text, const Place& place) {
  Path parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const bool empty = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
  if (empty || parts.size() > kMostParts)
    throw Error(Exit::usage, "'" + std::string(text.substr(0, 80)) + "' is no path of an option", "write it as a.b.c",
                place);
  return parts;
}

std::optional<size_t> index_of(std::string_view part, size_t size) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || end != part.data() + part.size() || index >= size) return std::nullopt;
  return index;
}

// Position of a list's entry: by number, or by the name of the plug-in it holds.
std::optional<size_t> entry_position(const Node& list, std::string_view part) {
  if (const auto index = index_of(part, list.items.size())) return index;
  for (size_t i = 0; i < list.items.size(); ++i) {
    const Node& item = list.items[i];
    if ((item.kind == Node::Kind::scalar && item.scalar == part) || item.find(part)) return i;
  }
  return std::nullopt;
}

const Node* child(const Node& node, std::string_view part) {
  if (node.kind == Node::Kind::map) return node.find(part);
  if (node.kind != Node::Kind::list) return nullptr;
  const auto position = entry_position(node, part);
  if (!position) return nullptr;
  const Node& entry = node.items[*position];
  const Node* named = entry.find(part);
  return named ? named : &entry;
}

std::vector<std::string> parts_known(const Node& node) {
  std::vector<std::string> out;
  for (const Node::Member& member : node.members) out.push_back(member.key);
  for (size_t i = 0; i < node.items.size(); ++i) out.push_back(std::to_string(i));
  return out;
}

std::string joined(const Path& path, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ".") + path[i];
  return out;
}

Node empty_map(const Place& place, Origin origin) {
  Node map;
  map.kind = Node::Kind::map;
  map.place = place;
  map.origin = origin;
  return map;
}

// One walk down the tree that leaves maps behind it where it must go on.
class Setter {
 public:
  Setter(Node& tree, Path path, Missing missing, const Shelves& shelves, const Node& value)
      : path_(std::move(path)),
        missing_(missing),
        shelves_(shelves),
        place_(value.place),
        origin_(value.origin),
        at_(&tree) {}

  void set(Node value) {
    for (; depth_ + 1 < path_.size(); ++depth_) go_down();
    prepare();
    const std::string& last = path_.back();
    if (at_->kind == Node::Kind::list) {
      const auto position = entry_position(*at_, last);
      if (!position) refuse();
      Node& entry = at_->items[*position];
      Node* named = entry.find(last);
      (named ? *named : entry) = std::move(value);
      return;
    }
    if (depth_ == 2 && path_[0] == "tasks") enter_task_options(last);
    if (Node* existing = at_->find(last)) {
      *existing = std::move(value);
    } else {
      at_->members.push_back({last, place_, std::move(value)});
    }
  }

 private:
  const std::string& part() const { return path_[depth_]; }

  [[noreturn]] void refuse() const {
    const std::string where = depth_ == 0 ? "the recipe" : "'" + joined(path_, depth_) + "'";
    std::string hint = nearest_hint(part(), parts_known(*at_));
    if (missing_ == Missing::refuse)
      hint += std::string(hint.empty() ? "" : "; ") + "`++` before the path adds what is missing";
    throw Error(Exit::usage, where + " has no '" + part().substr(0, 80) + "'", hint, place_);
  }

  void go_down() {
    prepare();
    if (const Node* next = child(*at_, part())) {
      at_ = const_cast<Node*>(next);
      return;
    }
    const bool section = depth_ == 0 && part() == "retain";  // every option below it is declared
    if (at_->kind != Node::Kind::map || (missing_ == Missing::refuse && !section)) refuse();
    at_->members.push_back({part(), place_, empty_map(place_, origin_)});
    at_ = &at_->members.back().value;
  }

  // Makes `at_` something that has parts: the short form `exact` of {exact: {}}, a verb without options …
  void prepare() {
    if (at_->kind == Node::Kind::map) return;
    if (at_->kind == Node::Kind::null) {
      *at_ = empty_map(at_->place, at_->origin);
      return;
    }
    if (at_->kind == Node::Kind::list && entry_position(*at_, part())) return;
    const bool names_plugin = depth_ == 2 && (path_[0] == "tasks" || path_[0] == "models");
    if (at_->kind == Node::Kind::scalar && (at_->scalar == part() || names_plugin))
      return wrap(at_->scalar,
                  Node{.place = at_->place, .origin = at_->origin, .scalar = {}, .items = {}, .members = {}});
    const std::string option = depth_ == 0 ? std::string() : short_option(path_[depth_ - 1]);
    if (option.empty()) refuse();
    wrap(option, *at_);
  }

  void wrap(const std::string& key, Node value) {
    Node map = empty_map(at_->place, at_->origin);
    map.members.push_back({key, at_->place, std::move(value)});
    *at_ = std::move(map);
  }

  // The option that a bare value under plug-in `name` sets.
  std::string short_option(const std::string& name) const {
    const bool verb = depth_ == 3 && is_one_of(path_[0], kStepSections);
    for (const AnyRegistry* shelf : shelves_) {
      if (verb != (shelf->kind() == "step")) continue;
      const PluginAbout* about = shelf->find(name);
      if (!about) continue;
      const Declarations declared = Declarations::of(*about);
      if (const Declaration* option = declared.inline_option()) return option->name;
      if (!about->shorthand.empty()) return about->shorthand;
    }
    return {};
  }

  // A task's options may stand below its plug-in or beside it; what stands below already is set there.
  void enter_task_options(const std::string& option) {
    for (const AnyRegistry* shelf : shelves_)
      if (shelf->kind() == "task")
        for (Node::Member& member : at_->members)
          if (shelf->find(member.key) && member.value.find(option)) {
            at_ = &member.value;
            return;
          }
  }

  Path path_;
  Missing missing_;
  const Shelves& shelves_;
  Place place_;
  Origin origin_;
  Node* at_;
  size_t depth_ = 0;
};

// Looks for `part` in the plug-ins under an option of `resolved`: [{name: options}], {name: options}.
const Json* in_plugins(const Json& plugins, const std::string& part) {
  if (plugins.is_array()) {
    for (const Json& entry : plugins.as_array())
      if (const Json* found = entry.find(part)) return found;
    return nullptr;
  }
  if (!plugins.is_object() || plugins.as_object().size() != 1) return plugins.find(part);
  const Json& options = plugins.as_object()[0].second;
  const Json* option = options.find(part);  // `gate.at_least` is an option of the plug-in `at_least`
  return option ? option : plugins.find(part);
}

// What a part means in `resolved`; the option that holds a plug-in, and a task's plug-in, may be left out.
const Json* json_child(const Json& value, const std::string& part) {
  if (value.is_array()) {
    if (const auto index = index_of(part, value.as_array().size())) return &value.as_array()[*index];
    return in_plugins(value, part);
  }
  if (const Json* found = value.find(part)) return found;
  if (!value.is_object()) return nullptr;
  for (const auto& [key, member] : value.as_object())
    if (const Json* found = in_plugins(member, part)) return found;
  return nullptr;
}

}  // namespace

Path tree_path(const Node& tree, std::string_view text, const Place& place, bool whole_step) {
  Path path = split(text, place);
  if (is_one_of(path[0], kTopLevel)) return path;
  std::vector<std::string> known = strings(kTopLevel);
  for (const StepPosition& step : step_positions(tree)) {
    known.push_back(step.name);
    if (step.name != path[0]) continue;
    Path out{step.section, std::to_string(step.index)};
    const bool common = path.size() > 1 && is_one_of(path[1], kCommonKeys);
    if (!common && !(whole_step && path.size() == 1)) out.push_back(step.verb);
    out.insert(out.end(), path.begin() + 1, path.end());
    return out;
  }
  throw Error(Exit::usage, "neither a section nor a step is called '" + path[0].substr(0, 80) + "'",
              nearest_hint(path[0], known), place);
}

const Node* find_value(const Node& tree, const Path& path) {
  const Node* at = &tree;
  for (const std::string& part : path) {
    at = child(*at, part);
    if (!at) return nullptr;
  }
  return at;
}

void set_value(Node& tree, std::string_view path, Node value, Missing missing, const Shelves& shelves) {
  Setter setter(tree, tree_path(tree, path, value.place, false), missing, shelves, value);
  setter.set(std::move(value));
}

void delete_value(Node& tree, std::string_view text, const Place& place) {
  Path path = tree_path(tree, text, place, true);
  const std::string last = path.back();
  path.pop_back();
  Node* parent = const_cast<Node*>(find_value(tree, path));
  const bool known = parent && child(*parent, last);
  if (!known)
    throw Error(Exit::usage, "there is nothing to delete at '" + std::string(text.substr(0, 80)) + "'",
                parent ? nearest_hint(last, parts_known(*parent)) : std::string(), place);
  if (parent->kind == Node::Kind::list) {
    parent->items.erase(parent->items.begin() + static_cast<std::ptrdiff_t>(*entry_position(*parent, last)));
  } else {
    std::erase_if(parent->members, [&](const Node::Member& member) { return member.key == last; });
  }
}

std::optional<Json> option_value(const Recipe& recipe, std::string_view text) {
  const Json* at = &recipe.resolved;
  for (const std::string& part : tree_path(recipe.tree, text, {}, false)) {
    at = json_child(*at, part);
    if (!at) return std::nullopt;
  }
  return *at;
}

}  // namespace sil
