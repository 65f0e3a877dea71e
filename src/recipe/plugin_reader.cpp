// What a recipe may write where a plug-in stands, brought to one form: a name and a map of options.
#include <algorithm>

#include "recipe/option_reader.h"
#include "recipe/scalars.h"
#include "recipe/yaml.h"
#include "sil/error.h"

namespace sil {
namespace {

constexpr std::string_view kWeight = "weight";

Node map_at(const Node& origin) {
  Node map;
  map.kind = Node::Kind::map;
  map.place = origin.place;
  map.origin = origin.origin;
  return map;
}

Node map_of(std::string_view key, const Node& value) {
  Node map = map_at(value);
  map.members.push_back({std::string(key), value.place, value});
  return map;
}

// The entry as written: a name, what stands under it, and a weight beside it.
struct Entry {
  std::string name;
  Place place;
  Node value;
  const Node* weight = nullptr;
};

std::optional<Entry> entry_of(const Node& node, std::string_view kind, const AnyRegistry* shelf, Reading& reading) {
  Entry entry;
  entry.place = node.place;
  if (node.kind == Node::Kind::scalar) {
    entry.name = node.scalar;
    if (is_name(node.scalar)) return entry;
    const PluginAbout* lua = shelf ? shelf->find("lua") : nullptr;
    if (lua) return Entry{"lua", node.place, node, nullptr};
    reading.find(node.place, value_seen(node) + " is no name of a " + std::string(kind),
                 shelf ? nearest_hint(node.scalar, shelf->names()) : std::string());
    return std::nullopt;
  }
  std::vector<const Node::Member*> named;
  for (const Node::Member& member : node.members) {
    const bool weight = kind == "verifier" && member.key == kWeight && node.members.size() > 1;
    if (weight) entry.weight = &member.value;
    if (!weight) named.push_back(&member);
  }
  if (named.size() != 1) {
    std::string found = named.empty() ? std::string(node.kind_name()) : std::to_string(named.size()) + " keys";
    reading.find(node.place, "a " + std::string(kind) + " is written as `name` or `{name: options}`; found " + found,
                 named.size() > 1 ? "write several as a list: [{a: …}, {b: …}]" : "");
    return std::nullopt;
  }
  entry.name = named[0]->key;
  entry.place = named[0]->place;
  entry.value = named[0]->value;
  return entry;
}

// Keys of an options map that are the plug-in itself, moved below the option that takes plug-ins in place.
class InlinePlugins {
 public:
  InlinePlugins(const Declarations& declared, const Declaration& option, Reading& reading)
      : declared_(declared), option_(option), shelf_(reading.shelf(option.kind)) {
    if (shelf_ && !option.about.fallback.empty()) {
      fallback_ = shelf_->find(option.about.fallback);
      if (fallback_) fallback_options_ = Declarations::of(*fallback_);
    }
  }

  Node moved(const Node& options, Reading& reading) const {
    Node out = map_at(options), list = map_at(options), rest = map_at(options);
    list.kind = Node::Kind::list;
    for (const Node::Member& member : options.members) {
      if (declared_.find(member.key)) {
        out.members.push_back(member);
      } else if (is_plugin(member)) {
        Node entry = map_at(member.value);
        entry.place = member.place;
        entry.members.push_back(member);
        list.items.push_back(std::move(entry));
      } else {
        (fallback_ ? rest : out).members.push_back(member);
      }
    }
    if (!rest.members.empty()) {
      rest.place = rest.members[0].place;
      list.items.push_back(map_of(option_.about.fallback, rest));
    }
    if (!list.items.empty()) add(std::move(list), out, reading);
    return out;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out = fallback_options_.names();
    if (!shelf_) return out;
    for (std::string& name : shelf_->names()) out.push_back(std::move(name));
    return out;
  }

 private:
  // A word that is both a plug-in and an option of the fallback is the plug-in only where options stand below it.
  bool is_plugin(const Node::Member& member) const {
    if (!shelf_ || !shelf_->find(member.key)) return false;
    return !fallback_options_.find(member.key) || member.value.kind == Node::Kind::map;
  }

  void add(Node list, Node& out, Reading& reading) const {
    list.place = list.items[0].place;
    if (out.find(option_.name)) {
      reading.find(list.place, "the " + option_.kind + " is given twice: here and under '" + option_.name + "'",
                   "keep one of them");
      return;
    }
    const Place place = list.place;
    out.members.push_back({option_.name, place, std::move(list)});
  }

  const Declarations& declared_;
  const Declaration& option_;
  const AnyRegistry* shelf_;
  const PluginAbout* fallback_ = nullptr;
  Declarations fallback_options_;
};

// A map under a plug-in's name is the value of its shorthand only where no key can be a misspelt option: plug-ins, or
// keys that are no names, as in {schedule: {1: 0, 101: 10}}.
bool is_shorthand_map(const Node& value, const Declarations& declared, const Declaration* shorthand,
                      const Reading& reading) {
  if (!shorthand || value.members.empty()) return false;
  const AnyRegistry* shelf = shorthand->type == OptionType::plugins ? reading.shelf(shorthand->kind) : nullptr;
  if (!shelf && shorthand->type != OptionType::any) return false;
  return std::none_of(value.members.begin(), value.members.end(), [&](const Node::Member& member) {
    return declared.find(member.key) || (shelf ? !shelf->find(member.key) : is_name(member.key));
  });
}

// Options as a map, whatever short form they were written in.
Node as_map(const Node& value, const PluginAbout& about, const Declarations& declared, Reading& reading) {
  const Declaration* in_place = declared.inline_option();
  const Declaration* shorthand = about.shorthand.empty() ? nullptr : declared.find(about.shorthand);
  if (value.kind == Node::Kind::null) return map_at(value);
  if (value.kind == Node::Kind::map) {
    if (in_place) return InlinePlugins(declared, *in_place, reading).moved(value, reading);
    return is_shorthand_map(value, declared, shorthand, reading) ? map_of(about.shorthand, value) : value;
  }
  if (in_place) return map_of(in_place->name, value);
  if (shorthand) return map_of(about.shorthand, value);
  const bool none = declared.all().empty();
  reading.find(
      value.place,
      "'" + about.name + "' takes " + (none ? "no options" : "its options as a map") + "; found " + value_seen(value),
      none ? "write `" + about.name + "` alone" : "write {" + about.name + ": {" + declared.all()[0].name + ": …}}");
  return map_at(value);
}

void read_weight(const Node& node, PluginSpec& spec, Reading& reading) {
  if (const std::optional<double> weight = number_of(node)) {
    spec.weight = *weight;
  } else {
    reading.find(node.place, "'weight' must be a number; found " + value_seen(node), number_hint(node));
  }
}

// Takes the weight of a verifier out of what stands under its name.
void take_weight(Node& value, const Declarations* declared, PluginSpec& spec, Reading& reading) {
  if (number_of(value)) {
    read_weight(value, spec, reading);
    value = Node{.place = value.place, .origin = value.origin, .scalar = {}, .items = {}, .members = {}};
    return;
  }
  if (value.kind != Node::Kind::map || (declared && declared->find(kWeight))) return;
  auto it = std::find_if(value.members.begin(), value.members.end(), [](const auto& m) { return m.key == kWeight; });
  if (it == value.members.end()) return;
  read_weight(it->value, spec, reading);
  value.members.erase(it);
}

}  // namespace

void read_plugin_options(const Node& value, const PluginAbout& about, PluginSpec& spec, const PluginPlace& where,
                         Reading& reading) {
  const Declarations declared = Declarations::of(about);
  const Node options = as_map(value, about, declared, reading);
  const Declaration* in_place = declared.inline_option();
  OptionOwner owner{about.name, where.path, where.label, in_place ? in_place->name : about.shorthand,
                    spec.place, nullptr,    {}};
  if (in_place) owner.also_known = InlinePlugins(declared, *in_place, reading).names();
  OptionReader reader(options, std::move(owner), reading);
  about.visit(reader);
  reader.finish();
  spec.node = reader.take_canonical();
  spec.options = reader.take_resolved();
}

std::optional<PluginSpec> read_plugin(const Node& node, std::string_view kind, const PluginPlace& where,
                                      Reading& reading) {
  const AnyRegistry* shelf = reading.shelf(kind);
  std::optional<Entry> entry = entry_of(node, kind, shelf, reading);
  if (!entry) return std::nullopt;
  PluginSpec spec;
  spec.kind = kind;
  spec.name = entry->name;
  spec.place = entry->place;
  const PluginAbout* about = shelf ? shelf->find(entry->name) : nullptr;
  if (reading.shelves && !about) {
    reading.find(entry->place, "there is no " + spec.kind + " called '" + spec.name.substr(0, 80) + "'",
                 nearest_hint(spec.name, shelf ? shelf->names() : std::vector<std::string>()));
    return std::nullopt;
  }
  const std::optional<Declarations> declared = about ? std::optional(Declarations::of(*about)) : std::nullopt;
  if (kind == "verifier") {
    if (entry->weight) read_weight(*entry->weight, spec, reading);
    take_weight(entry->value, declared ? &*declared : nullptr, spec, reading);
  }
  if (!about) {
    spec.node = std::move(entry->value);
    return spec;
  }
  const std::string label = where.label.empty() ? spec.name : where.label + "." + spec.name;
  read_plugin_options(entry->value, *about, spec, {where.path + "." + spec.name, label}, reading);
  reading.plugins.push_back(spec);
  return spec;
}

PluginSpec parse_plugin(std::string_view text, std::string_view kind, const Shelves& shelves, const Place& place) {
  Reading reading;
  reading.shelves = &shelves;
  const Node node = parse_flow_value(text, place, Origin::override_);
  std::optional<PluginSpec> spec = read_plugin(node, kind, {std::string(kind), {}}, reading);
  if (!reading.findings.empty()) throw Error(Exit::usage, std::move(reading.findings));
  SIL_CHECK(spec.has_value());
  return *spec;
}

}  // namespace sil
