#include "recipe/option_reader.h"

#include <algorithm>
#include <cmath>

#include "recipe/scalars.h"
#include "sil/error.h"

namespace sil {
namespace {

std::string quoted(std::string_view name) {
  return "'" + std::string(name.substr(0, 80)) + "'";
}

void collect_words(const Json& value, std::vector<std::string>& out) {
  if (value.is_string()) out.push_back(value.as_string());
  if (value.is_array())
    for (const Json& item : value.as_array()) collect_words(item, out);
  if (value.is_object())
    for (const auto& [key, member] : value.as_object()) {
      out.push_back(key);
      collect_words(member, out);
    }
}

template <class T>
Json json_list(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push(value);
  return list;
}

bool all_finite(const Json& value) {
  const auto finite_item = [](const Json& item) { return all_finite(item); };
  const auto finite_member = [](const auto& member) { return all_finite(member.second); };
  if (value.is_array()) return std::all_of(value.as_array().begin(), value.as_array().end(), finite_item);
  if (value.is_object()) return std::all_of(value.as_object().begin(), value.as_object().end(), finite_member);
  return !value.is_number() || std::isfinite(value.as_double());
}

std::vector<const Node*> one_or_many(const Node& node) {
  std::vector<const Node*> out;
  if (node.kind != Node::Kind::list) return {&node};
  for (const Node& item : node.items) out.push_back(&item);
  return out;
}

// The options that the resolved parent holds for its plug-in number `index`.
void take_resolved_options(PluginSpec& spec, const Json* resolved, size_t index) {
  if (!resolved) return;
  const Json* entry = resolved;
  if (resolved->is_array()) entry = index < resolved->as_array().size() ? &resolved->as_array()[index] : nullptr;
  if (const Json* options = entry ? entry->find(spec.name) : nullptr) spec.options = *options;
}

// {name: {options}, weight: w}: how canonical nodes hold a plug-in.
Node canonical_entry(const PluginSpec& spec) {
  Node entry;
  entry.kind = Node::Kind::map;
  entry.place = spec.place;
  entry.origin = spec.node.origin;
  entry.members.push_back({spec.name, spec.place, spec.node});
  if (spec.weight != 1)
    entry.members.push_back({"weight", spec.place, Node::from_json(spec.weight, spec.place, spec.node.origin)});
  return entry;
}

}  // namespace

const AnyRegistry* Reading::shelf(std::string_view kind) const {
  if (!shelves) return nullptr;
  for (const AnyRegistry* registry : *shelves)
    if (registry->kind() == kind) return registry;
  return nullptr;
}

void Reading::find(const Place& place, std::string message, std::string hint) {
  findings.push_back({place, printable(message), printable(hint)});
}

std::string origin_text(const Node& node) {
  switch (node.origin) {
    case Origin::file:
      return Place{node.place.file, node.place.line, 0}.text();
    case Origin::override_:
      return "override";
    case Origin::control:
      return "control";
    case Origin::default_:
      return "default";
  }
  SIL_CHECK(!"an origin");
}

OptionReader::OptionReader(const Node& node, OptionOwner owner, Reading& reading)
    : node_(node), owner_(std::move(owner)), reading_(reading) {
  canonical_.kind = Node::Kind::map;
  canonical_.place = node.place;
  canonical_.origin = node.origin;
}

const Node* OptionReader::given(std::string_view name, const OptionInfo& about, const Json& default_value) {
  names_.emplace_back(name);
  if (const Node* node = node_.find(name)) return node;
  const Json* value = owner_.resolved ? owner_.resolved->find(name) : nullptr;
  if (value && *value == default_value) return nullptr;
  if (value && !value->is_null())
    return &from_resolved_.emplace_back(Node::from_json(*value, owner_.place, Origin::default_));
  if (about.required)
    reading_.find(owner_.place, owner_.title + " needs " + quoted(name),
                  std::string(about.help) + (about.help.empty() ? "" : " (no default: it must be said)"));
  return nullptr;
}

void OptionReader::refuse(std::string_view name, OptionType type, const OptionInfo& about, const Node& node,
                          std::string hint) {
  const bool number = type == OptionType::integer || type == OptionType::number || type == OptionType::numbers ||
                      type == OptionType::integers;
  if (hint.empty() && number) hint = number_hint(node);
  if (hint.empty() && !about.choices.empty() && node.kind == Node::Kind::scalar) {
    const std::string near = nearest(node.scalar.substr(0, 80), {about.choices.begin(), about.choices.end()});
    if (!near.empty()) hint = "did you mean '" + near + "'?";
  }
  reading_.find(node.place, quoted(name) + " must be " + allowed_values(type, about) + "; found " + value_seen(node),
                std::move(hint));
}

void OptionReader::keep(std::string_view name, Json value, const Node* node) {
  resolved_.set(name, std::move(value));
  reading_.origins[path_of(name)] = node ? origin_text(*node) : "default";
  if (node) canonical_.members.push_back({std::string(name), node->place, *node});
}

std::string OptionReader::path_of(std::string_view name) const {
  return owner_.path.empty() ? std::string(name) : owner_.path + "." + std::string(name);
}

std::string OptionReader::label_of(std::string_view name) const {
  if (name == owner_.unlabelled) return owner_.label;
  return owner_.label.empty() ? std::string(name) : owner_.label + "." + std::string(name);
}

void OptionReader::option(std::string_view name, int64_t& value, const OptionInfo& about) {
  const Node* node = given(name, about, value);
  if (node) {
    const std::optional<int64_t> read = integer_of(*node);
    if (read && in_range(static_cast<double>(*read), about)) {
      value = *read;
    } else {
      refuse(name, OptionType::integer, about, *node);
    }
  }
  keep(name, value, node);
}

void OptionReader::option(std::string_view name, double& value, const OptionInfo& about) {
  const Node* node = given(name, about, value);
  if (node) {
    const std::optional<double> read = number_of(*node);
    if (read && in_range(*read, about)) {
      value = *read;
    } else {
      refuse(name, OptionType::number, about, *node);
    }
  }
  keep(name, value, node);
}

void OptionReader::option(std::string_view name, bool& value, const OptionInfo& about) {
  const Node* node = given(name, about, value);
  if (node) {
    if (const std::optional<bool> read = boolean_of(*node)) {
      value = *read;
    } else {
      refuse(name, OptionType::boolean, about, *node);
    }
  }
  keep(name, value, node);
}

bool OptionReader::one_string(std::string_view name, OptionType type, const OptionInfo& about, const Node& node,
                              std::string& value) {
  const std::optional<std::string> read = string_of(node);
  const bool known = about.choices.empty() ||
                     (read && std::find(about.choices.begin(), about.choices.end(), *read) != about.choices.end());
  if (!read || !known) {
    refuse(name, type, about, node);
    return false;
  }
  value = *read;
  const bool said = type == OptionType::strings || !value.empty();  // one text alone may say that there is none
  if (!about.refers.empty() && said)
    reading_.references.push_back({std::string(about.refers), value, node.place, reading_.section});
  return true;
}

void OptionReader::option(std::string_view name, std::string& value, const OptionInfo& about) {
  const Node* node = given(name, about, value);
  if (node) one_string(name, OptionType::string, about, *node, value);
  keep(name, value, node);
}

void OptionReader::check_length(std::string_view name, size_t length, const OptionInfo& about, const Node& node) {
  if (in_range(static_cast<double>(length), about)) return;
  std::string range = allowed_values(OptionType::integer, about).substr(sizeof("a whole number") - 1);
  if (range.starts_with(" of ")) range.erase(0, 3);
  reading_.find(node.place, quoted(name) + " has " + std::to_string(length) + " entries; it must have" + range);
}

// What must be said is not said by an empty list.
void OptionReader::refuse_empty(std::string_view name, const Node& node) {
  reading_.find(node.place, quoted(name) + " is an empty list", "name at least one");
}

void OptionReader::option(std::string_view name, std::vector<std::string>& value, const OptionInfo& about) {
  const Node* node = given(name, about, json_list(value));
  if (node) {
    value.clear();
    for (const Node* item : one_or_many(*node)) {
      std::string text;
      if (one_string(name, OptionType::strings, about, *item, text)) value.push_back(std::move(text));
    }
    if (node->kind == Node::Kind::list) check_length(name, node->items.size(), about, *node);
    if (about.required && node->kind == Node::Kind::list && node->items.empty()) refuse_empty(name, *node);
  }
  keep(name, json_list(value), node);
}

template <class Number, class Read>
void OptionReader::number_list(std::string_view name, OptionType type, std::vector<Number>& value,
                               const OptionInfo& about, const Read& number_of_node) {
  const Node* node = given(name, about, json_list(value));
  if (node) {
    value.clear();
    for (const Node* item : one_or_many(*node)) {
      const std::optional<Number> read = number_of_node(*item);
      if (read && in_range(static_cast<double>(*read), about)) {
        value.push_back(*read);
      } else {
        refuse(name, type, about, *item);
      }
    }
  }
  keep(name, json_list(value), node);
}

void OptionReader::option(std::string_view name, std::vector<double>& value, const OptionInfo& about) {
  number_list(name, OptionType::numbers, value, about, number_of);
}

void OptionReader::option(std::string_view name, std::vector<int64_t>& value, const OptionInfo& about) {
  number_list(name, OptionType::integers, value, about, integer_of);
}

void OptionReader::option(std::string_view name, Json& value, const OptionInfo& about) {
  const Node* node = given(name, about, value);
  if (node) {
    value = node->to_json();
    collect_words(value, reading_.words);
    if (!all_finite(value))
      reading_.find(node->place,
                    quoted(name) + " holds a number that is not finite; found " +
                        (node->kind == Node::Kind::scalar ? value_seen(*node) : dump(value)),
                    "NaN and infinities can be neither compared nor recorded");
    if (value.is_string() && !about.refers.empty())
      reading_.references.push_back({std::string(about.refers), value.as_string(), node->place, reading_.section});
    if (value.is_string() && !about.choices.empty() &&
        std::find(about.choices.begin(), about.choices.end(), value.as_string()) == about.choices.end())
      refuse(name, OptionType::any, about, *node);
  }
  keep(name, value, node);
}

void OptionReader::option(std::string_view name, Expression& value, const OptionInfo& about) {
  const Node* node = given(name, about, value.source());
  if (node) {
    if (node->kind != Node::Kind::scalar || node->scalar.empty()) {
      refuse(name, OptionType::expression, about, *node, "quote it where YAML reads something else");
    } else {
      value = Expression(node->scalar, node->place);
      reading_.expressions.push_back({value, reading_.step, label_of(name)});
    }
  }
  keep(name, value.source(), node);
}

void OptionReader::plugins(std::string_view name, std::string_view kind, std::vector<PluginSpec>& value,
                           const OptionInfo& about) {
  const Node* node = given(name, about, {});
  const std::string path = path_of(name);
  std::vector<Node> defaults;
  std::vector<const Node*> entries;
  if (node) {
    entries = one_or_many(*node);
    const bool none = about.single && !about.required;  // `weigh: null`, as the resolved dump writes it
    if (node->kind == Node::Kind::null && !none) refuse(name, OptionType::plugins, about, *node);
    if (node->kind == Node::Kind::null) entries.clear();
    if (node->kind == Node::Kind::list) check_length(name, entries.size(), about, *node);
    if (about.required && node->kind == Node::Kind::list && entries.empty()) refuse_empty(name, *node);
    if (about.single && entries.size() > 1)
      reading_.find(node->place, quoted(name) + " takes one plug-in; found " + std::to_string(entries.size()));
  } else {
    for (const PluginSpec& spec : value) defaults.push_back(Node::text(spec.name, owner_.place, Origin::default_));
    for (const Node& entry : defaults) entries.push_back(&entry);
  }
  value.clear();
  Node list;
  list.kind = Node::Kind::list;
  list.place = node ? node->place : owner_.place;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string entry_path = about.single ? path : path + "." + std::to_string(i);
    std::optional<PluginSpec> spec = read_plugin(*entries[i], kind, {entry_path, label_of(name)}, reading_);
    if (!spec) continue;
    if (!reading_.shelves) take_resolved_options(*spec, owner_.resolved ? owner_.resolved->find(name) : nullptr, i);
    list.items.push_back(canonical_entry(*spec));
    value.push_back(std::move(*spec));
  }
  if (node) list.origin = node->origin;
  keep(name, plugins_json(value, about.single), node);
  if (node) canonical_.members.back().value = std::move(list);
}

void OptionReader::finish() {
  if (node_.kind != Node::Kind::map && node_.kind != Node::Kind::null) {
    reading_.find(node_.place, owner_.title + " takes its options as a map; found " + value_seen(node_),
                  "write {option: value}");
    return;
  }
  for (const Node::Member& member : node_.members) {
    if (std::find(names_.begin(), names_.end(), member.key) != names_.end()) continue;
    std::vector<std::string> known = names_;
    known.insert(known.end(), owner_.also_known.begin(), owner_.also_known.end());
    std::string hint = known.empty() ? "it takes no options" : nearest_hint(member.key, known);
    reading_.find(member.place, "unknown option " + quoted(member.key) + " of " + owner_.title, std::move(hint));
  }
}

Json plugins_json(const std::vector<PluginSpec>& specs, bool single) {
  Json list = Json::array();
  for (const PluginSpec& spec : specs) {
    Json entry = Json::object();
    entry.set(spec.name, spec.options);
    if (spec.kind == "verifier") entry.set("weight", spec.weight);
    list.push(std::move(entry));
  }
  if (!single) return list;
  return list.as_array().empty() ? Json() : list.as_array()[0];
}

void read_options(const PluginSpec& spec, void (*visit)(OptionVisitor&, void*), void* options) {
  Reading reading;
  OptionReader reader(spec.node, {spec.name, spec.name, {}, {}, spec.place, &spec.options, {}}, reading);
  visit(reader, options);
  reader.finish();
  if (!reading.findings.empty()) throw Error(Exit::usage, std::move(reading.findings));
}

}  // namespace sil
