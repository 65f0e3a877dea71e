#include "recipe/sections.h"

#include <algorithm>
#include <cmath>

#include "recipe/grammar.h"
#include "recipe/scalars.h"

namespace sil {
namespace {

constexpr size_t kMostControls = 64;  // each is tried before the run

// The members of a section that maps names to entries.
const std::vector<Node::Member>& entries(const Recipe& recipe, std::string_view section, Reading& reading) {
  static const std::vector<Node::Member> kNone;
  const Node* node = recipe.tree.find(section);
  if (!node) return kNone;
  if (node->kind == Node::Kind::map) return node->members;
  reading.find(node->place, "'" + std::string(section) + "' must be a map of names; found " + value_seen(*node),
               "write " + std::string(section) + ": {name: {…}}, or leave it out");
  return kNone;
}

// Parts `entry` into the one key that is a plug-in of `shelf` and the rest; a finding where there are two, or none and
// one is wanted.
struct Parted {
  const Node::Member* plugin = nullptr;
  Node rest;
};

std::vector<std::string> also_known(const AnyRegistry* shelf, std::vector<std::string> words) {
  if (shelf)
    for (std::string& name : shelf->names()) words.push_back(std::move(name));
  return words;
}

Parted part(const Node& entry, const AnyRegistry* shelf, std::string_view what, Reading& reading, bool wanted = true) {
  Parted out;
  out.rest.kind = Node::Kind::map;
  out.rest.place = entry.place;
  out.rest.origin = entry.origin;
  std::vector<const Node::Member*> plugins;
  for (const Node::Member& member : entry.members) {
    const bool plugin = shelf && shelf->find(member.key);
    if (plugin) plugins.push_back(&member);
    if (!plugin) out.rest.members.push_back(member);
  }
  if (plugins.size() == 1) {
    out.plugin = plugins[0];
    return out;
  }
  const std::string kind = shelf ? std::string(shelf->kind()) : "plug-in";
  if (plugins.size() > 1) {
    reading.find(
        plugins[1]->place,
        std::string(what) + " names two " + kind + "s: '" + plugins[0]->key + "' and '" + plugins[1]->key + "'",
        "keep one");
    return out;
  }
  if (!wanted) return out;
  std::string hint = "write {NAME: {options}} with one of:";
  if (shelf)
    for (const std::string& name : shelf->names()) hint += " " + name;
  const bool map = entry.kind == Node::Kind::map;
  for (const Node::Member& member : entry.members)
    if (shelf && !nearest(member.key, shelf->names()).empty())
      hint = "'" + member.key + "': " + nearest_hint(member.key, shelf->names());
  reading.find(entry.place,
               std::string(what) + " names no " + kind + (map ? std::string() : "; found " + value_seen(entry)), hint);
  return out;
}

// `lm: scripted` stands for `lm: {scripted: {}}`.
Node spelled_out(const Node& entry) {
  if (entry.kind != Node::Kind::scalar || !is_name(entry.scalar)) return entry;
  Node map;
  map.kind = Node::Kind::map;
  map.place = entry.place;
  map.origin = entry.origin;
  map.members.push_back({entry.scalar, entry.place, {}});
  map.members[0].value.place = entry.place;
  map.members[0].value.origin = entry.origin;
  return map;
}

void check_name(const Node::Member& member, std::string_view what, Reading& reading) {
  if (!is_name(member.key))
    reading.find(member.place, "'" + member.key.substr(0, 60) + "' is no name of a " + std::string(what),
                 "names are small letters, digits and _, and begin with a letter");
}

constexpr std::string_view kSplits[] = {"train", "dev", "test"};

bool is_split_name(const Json* name) {
  return name != nullptr && name->is_string() && is_one_of(name->as_string(), kSplits);
}

// train | dev | test | {fraction: f, name: one of these}
bool is_split(const Json& split) {
  if (!split.is_object()) return is_split_name(&split);
  const Json* fraction = split.find("fraction");
  return split.as_object().size() == 2 && is_split_name(split.find("name")) && fraction != nullptr &&
         fraction->is_number() && fraction->as_double() > 0 && fraction->as_double() < 1;
}

void check_split(const Node& options, const TaskSpec& task, Reading& reading) {
  const Json* split = task.plugin.options.find("split");
  const Node* written = options.find("split");
  if (split == nullptr || written == nullptr || is_split(*split)) return;
  const Json* fraction = split->find("fraction");
  if (fraction && fraction->is_number() && std::isnan(fraction->as_double())) return;  // found already
  reading.find(
      written->place,
      "'split' must be train, dev, test or {fraction: f, name: one of these} with f above 0 and below 1; found " +
          (written->kind == Node::Kind::scalar ? value_seen(*written) : dump(*split)),
      split->is_string() ? nearest_hint(split->as_string(), strings(kSplits)) : std::string());
}

}  // namespace

bool is_version_rule(const Json& rule) {
  if (rule.is_string()) {
    const std::string& word = rule.as_string();
    return word == "live" || word == "base" || word == "start" || word == "best";
  }
  if (!rule.is_object() || rule.as_object().size() != 1) return false;
  const auto& [key, value] = rule.as_object()[0];
  if (key == "round") return value.is_int();
  return key == "ema" && value.is_number() && value.as_double() > 0 && value.as_double() < 1;
}

namespace {

void merge_task_options(const Node::Member& plugin, Node& beside, const PluginAbout& about, Reading& reading) {
  const Declarations declared = Declarations::of(about);
  auto add = [&](const std::string& key, const Place& place, const Node& value) {
    if (beside.find(key)) {
      reading.find(place, "'" + key + "' is given twice: below '" + plugin.key + "' and beside it", "keep one of them");
    } else {
      beside.members.push_back({key, place, value});
    }
  };
  if (plugin.value.kind == Node::Kind::map) {
    for (const Node::Member& member : plugin.value.members) add(member.key, member.place, member.value);
  } else if (plugin.value.kind != Node::Kind::null && !about.shorthand.empty()) {
    add(about.shorthand, plugin.value.place, plugin.value);
  } else if (plugin.value.kind != Node::Kind::null) {
    reading.find(plugin.value.place,
                 "task '" + plugin.key + "' takes its options as a map; found " + value_seen(plugin.value));
  }
}

PluginSpec read_part(const Node::Member& plugin, const AnyRegistry& shelf, const std::string& path, Reading& reading) {
  PluginSpec spec;
  spec.kind = shelf.kind();
  spec.name = plugin.key;
  spec.place = plugin.place;
  read_plugin_options(plugin.value, *shelf.find(spec.name), spec, {path + "." + spec.name, {}}, reading);
  return spec;
}

}  // namespace

void ModelOptions::visit(OptionVisitor& v) {
  v.plugins("tokenizer", "tokenizer", tokenizer,
            {.help = "text to ids, where the model brings none of its own", .single = true});
  v.option("members", members,
           {.help = "versions side by side: each samples as many rollouts as asked for, each is finetuned on the same "
                    "examples in an order of its own; evaluate gives their mean, a gate moves all of them together",
            .low = 1,
            .high = 64});
}

void RoleOptions::visit(OptionVisitor& v) {
  v.option("model", model, {.help = "model; with one model it may be left out", .refers = "model"});
  v.option("weights", weights, {.help = "version: live, base, start, best, {round: k} or {ema: a}"});
  v.option("view", view,
           {.help = "what the model is shown: a template's file, {text: …}, {hint: answer}, {plain: true}"});
}

void StoreOptions::visit(OptionVisitor& v) {
  v.option("holds", holds, {.help = "what a record is", .choices = {"groups", "examples"}});
  v.plugins("draw", "draw", draw, {.help = "which records are drawn; default all", .single = true});
  v.plugins("evict", "evict", evict, {.help = "which records are forgotten"});
  v.option("max", max, {.help = "most records, the oldest go first; 0 = no bound", .low = 0, .unit = "records"});
}

void ControlOptions::visit(OptionVisitor& v) {
  v.option("set", set, {.help = "option to set, as in an override: generate.temperature", .required = true});
  v.plugins("by", "control", by, {.help = "rule that gives the value", .required = true, .single = true});
}

void read_models(Recipe& recipe, Reading& reading) {
  const AnyRegistry* shelf = reading.shelf("engine");
  const AnyRegistry* adapters = reading.shelf("adapter");
  Json::Object resolved;
  for (const Node::Member& member : entries(recipe, "models", reading)) {
    check_name(member, "model", reading);
    const Node entry = spelled_out(member.value);
    const std::string title = "model '" + member.key + "'";
    const Parted parted = part(entry, shelf, title, reading);
    const Parted adapted = part(parted.rest, adapters, title, reading, false);
    ModelSpec model;
    model.name = member.key;
    model.place = member.place;
    const std::string path = "models." + member.key;
    ModelOptions options;
    OptionOwner owner{title, path, {}, {}, member.place, nullptr, {}};
    owner.also_known = also_known(shelf, also_known(adapters, {}));
    Json json = Json::object();
    if (parted.plugin) {
      json = read_struct(adapted.rest, owner, options, reading);
      model.engine = read_part(*parted.plugin, *shelf, path, reading);
      json.set(model.engine.name, model.engine.options);
    }
    if (adapted.plugin) {
      model.adapter = read_part(*adapted.plugin, *adapters, path, reading);
      json.set(model.adapter->name, model.adapter->options);
    }
    model.members = options.members;
    if (!options.tokenizer.empty()) model.tokenizer = options.tokenizer[0];
    resolved.emplace_back(model.name, std::move(json));
    recipe.models.push_back(std::move(model));
  }
  recipe.resolved.set("models", Json(std::move(resolved)));
}

void read_roles(Recipe& recipe, Reading& reading) {
  Json::Object resolved;
  for (const ModelSpec& model : recipe.models) {
    RoleSpec role;
    role.name = role.model = model.name;
    role.place = model.place;
    recipe.roles.push_back(std::move(role));
  }
  for (const Node::Member& member : entries(recipe, "roles", reading)) {
    check_name(member, "role", reading);
    RoleOptions options;
    const OptionOwner owner{"role '" + member.key + "'", "roles." + member.key, {}, {}, member.place, nullptr, {}};
    Json json = read_struct(member.value, owner, options, reading);
    const Node* weights = member.value.find("weights");
    if (weights && !is_version_rule(options.weights))
      reading.find(weights->place,
                   "'weights' must be " + std::string(kVersionRules) + "; found " + value_seen(*weights));
    if (options.model.empty() && recipe.models.size() > 1)
      reading.find(member.place, "role '" + member.key + "' needs 'model'",
                   "the recipe has " + std::to_string(recipe.models.size()) + " models: say which");
    if (options.model.empty() && recipe.models.size() == 1) options.model = recipe.models[0].name;
    json.set("model", options.model);
    resolved.emplace_back(member.key, std::move(json));
    recipe.roles.push_back({member.key, options.model, options.weights, options.view, member.place});
  }
  recipe.resolved.set("roles", Json(std::move(resolved)));
}

void read_tasks(Recipe& recipe, Reading& reading) {
  const AnyRegistry* shelf = reading.shelf("task");
  Json::Object resolved;
  for (const Node::Member& member : entries(recipe, "tasks", reading)) {
    check_name(member, "task", reading);
    const Node entry = spelled_out(member.value);
    Parted parted = part(entry, shelf, "task '" + member.key + "'", reading);
    if (!parted.plugin) continue;
    TaskSpec task;
    task.name = member.key;
    task.plugin.kind = "task";
    task.plugin.name = parted.plugin->key;
    task.plugin.place = member.place;
    const PluginAbout& about = *shelf->find(task.plugin.name);
    merge_task_options(*parted.plugin, parted.rest, about, reading);
    read_plugin_options(parted.rest, about, task.plugin, {"tasks." + task.name + "." + task.plugin.name, {}}, reading);
    check_split(parted.rest, task, reading);
    resolved.emplace_back(task.name, Json::Object{{task.plugin.name, task.plugin.options}});
    recipe.tasks.push_back(std::move(task));
  }
  recipe.resolved.set("tasks", Json(std::move(resolved)));
}

void read_stores(Recipe& recipe, Reading& reading) {
  Json::Object resolved;
  for (const Node::Member& member : entries(recipe, "stores", reading)) {
    check_name(member, "store", reading);
    StoreOptions options;
    const OptionOwner owner{"store '" + member.key + "'", "stores." + member.key, {}, {}, member.place, nullptr, {}};
    resolved.emplace_back(member.key, read_struct(member.value, owner, options, reading));
    StoreSpec store;
    store.name = member.key;
    store.holds = options.holds;
    if (!options.draw.empty()) store.draw = std::move(options.draw[0]);
    store.evict = std::move(options.evict);
    store.max = options.max;
    store.place = member.place;
    recipe.stores.push_back(std::move(store));
  }
  recipe.resolved.set("stores", Json(std::move(resolved)));
}

void read_controls(Recipe& recipe, Reading& reading) {
  Json resolved = Json::array();
  const Node* section = recipe.tree.find("control");
  if (section && section->kind != Node::Kind::list)
    reading.find(section->place, "'control' must be a list; found " + value_seen(*section),
                 "write control: [{set: generate.temperature, by: {…}}]");
  if (section && section->items.size() > kMostControls) {
    reading.find(section->place, "'control' has " + std::to_string(section->items.size()) + " entries",
                 "at most " + std::to_string(kMostControls));
    return;
  }
  for (size_t i = 0; section && i < section->items.size(); ++i) {
    const Node& entry = section->items[i];
    ControlOptions options;
    const OptionOwner owner{"this control", "control." + std::to_string(i), {}, {}, entry.place, nullptr, {}};
    resolved.push(read_struct(entry, owner, options, reading));
    if (options.by.empty() || options.set.empty()) continue;
    recipe.control.push_back({options.set, std::move(options.by[0]), entry.find("set")->place});
  }
  recipe.resolved.set("control", std::move(resolved));
}

}  // namespace sil
