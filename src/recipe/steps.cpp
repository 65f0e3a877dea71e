// Steps: one verb with its options, and the common keys beside it.
#include <algorithm>
#include <map>
#include <set>

#include "recipe/grammar.h"
#include "recipe/scalars.h"
#include "recipe/sections.h"

namespace sil {
namespace {

constexpr std::string_view kLabels[] = {"passed", "failed", "abstained"};
constexpr std::string_view kUnits[] = {"turn", "rollout", "pair", "group", "problem", "pool", "record"};
constexpr std::string_view kPoolMakers[] = {"demonstrate", "generate", "pose", "filter"};
constexpr std::string_view kNeedInput[] = {"generate", "pose", "verify", "filter", "finetune", "edit", "observe"};

// How records are drawn from a store that is a step's input.
struct InputOptions {
  int64_t n = 0;
  std::vector<PluginSpec> draw;
  void visit(OptionVisitor& v) {
    v.option("n", n, {.help = "how many records; 0 = as many as the law gives", .low = 0});
    v.plugins("draw", "draw", draw, {.help = "in place of the store's own law", .single = true});
  }
};

// Reads one section, top to bottom; pools are known from where they are made.
class StepsReader {
 public:
  StepsReader(Recipe& recipe, std::string section, const std::vector<StepPosition>& positions, Reading& reading)
      : recipe_(recipe), section_(std::move(section)), reading_(reading) {
    for (const StepPosition& position : positions) {
      all_steps_.insert(position.name);
      if (position.section == section_) names_[position.index] = position.name;
    }
  }

  Json read(std::vector<StepSpec>& out) {
    Json resolved = Json::array();
    const Node* steps = recipe_.tree.find(section_);
    if (!steps) return resolved;
    if (steps->kind != Node::Kind::list) {
      reading_.find(steps->place, "'" + section_ + "' must be a list of steps; found " + value_seen(*steps),
                    "begin each step with `- `");
      return resolved;
    }
    for (size_t i = 0; i < steps->items.size(); ++i) {
      path_ = section_ + "." + std::to_string(i);
      if (std::optional<StepSpec> step = read_step(steps->items[i], i)) {
        resolved.push(std::move(json_));
        out.push_back(std::move(*step));
      } else {
        resolved.push({});
        pools_.insert(name_of(i));  // one fault, one finding: what works on it is no fault
      }
    }
    reading_.step.clear();
    return resolved;
  }

 private:
  std::optional<StepSpec> read_step(const Node& node, size_t index) {
    const Node::Member* verb = verb_member(node);
    if (!verb) return std::nullopt;
    StepSpec step;
    step.verb = verb->key;
    step.place = node.place;
    step.name = name_of(index);
    reading_.step = step.name;
    step.options.kind = "step";
    step.options.name = step.verb;
    step.options.place = verb->place;
    const PluginAbout& about = *reading_.shelf("step")->find(step.verb);
    read_plugin_options(without_common_keys(verb->value, about), about, step.options, {path_ + "." + step.verb, {}},
                        reading_);
    json_ = Json::object();
    json_.set(step.verb, step.options.options);
    json_.set("as", step.name);
    reading_.origins[path_ + ".as"] = "default";
    for (const Node::Member& member : node.members)
      if (is_one_of(member.key, kCommonKeys)) read_common(member, step);
    check_role(step);
    check_input(step);
    steps_above_.insert(step.name);
    if (makes_pool(step, node)) pools_.insert(step.name);
    return step;
  }

  std::string name_of(size_t index) const {
    const auto found = names_.find(index);
    return found == names_.end() ? std::string() : found->second;
  }

  const Node::Member* verb_member(const Node& node) {
    const AnyRegistry* shelf = reading_.shelf("step");
    const std::vector<std::string> verbs = shelf ? shelf->names() : std::vector<std::string>();
    if (node.kind != Node::Kind::map) {
      const bool verb = node.kind == Node::Kind::scalar && shelf && shelf->find(node.scalar);
      reading_.find(
          node.place, "a step is a map with one verb; found " + value_seen(node),
          verb ? "write `- " + node.scalar + ": {}`" : "write `- VERB: {options}`; " + nearest_hint("", verbs));
      return nullptr;
    }
    std::vector<const Node::Member*> known, unknown;
    for (const Node::Member& member : node.members) {
      if (is_one_of(member.key, kCommonKeys)) continue;
      (shelf && shelf->find(member.key) ? known : unknown).push_back(&member);
    }
    for (const Node::Member* member : unknown) refuse_key(*member, known.empty() ? nullptr : known[0], verbs);
    if (known.size() > 1)
      reading_.find(known[1]->place, "a step has one verb; found '" + known[0]->key + "' and '" + known[1]->key + "'",
                    "make it two steps");
    if (known.empty() && unknown.empty()) reading_.find(node.place, "this step has no verb", nearest_hint("", verbs));
    return known.size() == 1 ? known[0] : nullptr;
  }

  void refuse_key(const Node::Member& member, const Node::Member* verb, const std::vector<std::string>& verbs) {
    const std::string shown = "'" + member.key.substr(0, 60) + "'";
    std::vector<std::string> known = strings(kCommonKeys);
    if (!verb) {
      known.insert(known.begin(), verbs.begin(), verbs.end());
      reading_.find(member.place, "there is no step " + shown, nearest_hint(member.key, known));
      return;
    }
    const Declarations declared = Declarations::of(*reading_.shelf("step")->find(verb->key));
    reading_.find(member.place, "unknown key " + shown + " beside the verb '" + verb->key + "'",
                  declared.find(member.key) ? "it is an option: write {" + verb->key + ": {" + member.key + ": …}}"
                                            : nearest_hint(member.key, known));
  }

  // The keys that stand beside the verb are often written below it.
  Node without_common_keys(const Node& options, const PluginAbout& about) {
    Node out = options;
    const Declarations declared = Declarations::of(about);
    std::erase_if(out.members, [&](const Node::Member& member) {
      if (!is_one_of(member.key, kCommonKeys) || declared.find(member.key)) return false;
      reading_.find(member.place, "'" + member.key + "' stands beside the verb, not below it",
                    "write - {" + about.name + ": {…}, " + member.key + ": …}");
      return true;
    });
    return out;
  }

  void read_common(const Node::Member& member, StepSpec& step) {
    const Node& value = member.value;
    reading_.origins[path_ + "." + member.key] = origin_text(value);
    if (member.key == "of") return read_of(value, step);
    if (member.key == "per") return read_per(value, step);
    if (value.kind != Node::Kind::scalar || value.scalar.empty()) {
      reading_.find(value.place, "'" + member.key + "' must be " +
                                     (member.key == "as" || member.key == "put" ? "a name" : "an expression") +
                                     "; found " + value_seen(value));
      return;
    }
    json_.set(member.key, value.scalar);
    if (member.key == "as" && !is_name(value.scalar))
      reading_.find(value.place, value_seen(value) + " is no name of a step",
                    "names are small letters, digits and _, and begin with a letter");
    if (member.key == "put") {
      step.put = value.scalar;
      reading_.references.push_back({"store", value.scalar, value.place, reading_.section});
    }
    if (member.key == "where" && is_one_of(value.scalar, kLabels)) {
      step.where_label = value.scalar;
    } else if (member.key == "where") {
      step.where = expression(value, "where");
    }
    if (member.key == "when") step.when = expression(value, "when");
  }

  Expression expression(const Node& value, const std::string& option) {
    Expression out(value.scalar, value.place);
    reading_.expressions.push_back({out, reading_.step, option});
    return out;
  }

  void read_per(const Node& value, StepSpec& step) {
    json_.set("per", value.to_json());
    if (value.kind == Node::Kind::scalar && is_one_of(value.scalar, kUnits)) {
      step.per = value.scalar;
      return;
    }
    const Node* set = value.members.size() == 1 ? value.find("set") : nullptr;
    const std::optional<int64_t> n = set ? integer_of(*set) : std::nullopt;
    if (n && *n >= 1) {
      step.per_set = *n;
      return;
    }
    reading_.find(value.place,
                  "'per' must be one of turn, rollout, pair, group, problem, pool, record or {set: n}; found " +
                      value_seen(set ? *set : value),
                  value.kind == Node::Kind::scalar ? nearest_hint(value.scalar, strings(kUnits)) : std::string());
  }

  void read_of(const Node& value, StepSpec& step) {
    Json list = Json::array();
    if (value.kind == Node::Kind::list) {
      for (const Node& item : value.items) read_input(item, step, list);
    } else {
      read_input(value, step, list);
    }
    if (value.kind == Node::Kind::list && value.items.empty())
      reading_.find(value.place, "'of' is an empty list", "leave it out");
    json_.set("of", std::move(list));
  }

  void read_input(const Node& node, StepSpec& step, Json& list) {
    InputSpec input;
    input.place = node.place;
    const bool drawn = node.kind == Node::Kind::map && node.members.size() == 1;
    if (node.kind != Node::Kind::scalar && !drawn) {
      reading_.find(node.place, "'of' names a pool, a store or {STORE: {n, draw}}; found " + value_seen(node));
      return;
    }
    input.name = drawn ? node.members[0].key : node.scalar;
    Json json = Json::object();
    json.set("name", input.name);
    if (drawn) read_draw(node.members[0].value, input, list.as_array().size(), json);
    if (resolve_input(input, drawn)) step.of.push_back(std::move(input));
    list.push(std::move(json));
  }

  void read_draw(const Node& value, InputSpec& input, size_t index, Json& json) {
    Node options = value;
    if (value.kind == Node::Kind::scalar) {  // {STORE: n}
      options = Node{.kind = Node::Kind::map,
                     .place = value.place,
                     .origin = value.origin,
                     .scalar = {},
                     .items = {},
                     .members = {}};
      options.members.push_back({"n", value.place, value});
    }
    InputOptions read;
    const OptionOwner owner{
        "'of: " + input.name + "'", path_ + ".of." + std::to_string(index), "of", {}, input.place, nullptr, {}};
    const Json given = read_struct(options, owner, read, reading_);
    for (const auto& [key, member] : given.as_object()) json.set(key, member);
    input.n = read.n;
    if (!read.draw.empty()) input.draw = std::move(read.draw[0]);
  }

  bool resolve_input(const InputSpec& input, bool drawn) {
    if (recipe_.store(input.name)) {
      reading_.references.push_back({"store", input.name, input.place, reading_.section});
      return true;
    }
    const std::string shown = "'" + input.name.substr(0, 60) + "'";
    if (drawn) {
      reading_.find(input.place, "there is no store " + shown, nearest_hint(input.name, store_names()));
      return false;
    }
    if (pools_.count(input.name)) return true;
    std::vector<std::string> known(pools_.begin(), pools_.end());
    for (std::string& store : store_names()) known.push_back(std::move(store));
    std::string what = "there is no pool or store " + shown;
    if (input.name == "unit") what = "'unit' is known within a nested round only";
    if (steps_above_.count(input.name)) what = "step " + shown + " makes no pool of its own";
    if (!steps_above_.count(input.name) && all_steps_.count(input.name))
      what = "step " + shown + " does not stand above in '" + section_ + "'";
    reading_.find(input.place, std::move(what),
                  known.empty() ? "no step above makes a pool" : nearest_hint(input.name, known));
    return false;
  }

  std::vector<std::string> store_names() const {
    std::vector<std::string> out;
    for (const StoreSpec& store : recipe_.stores) out.push_back(store.name);
    return out;
  }
  static bool is_empty(const Json* value) {
    return !value || value->is_null() || (value->is_string() && value->as_string().empty()) ||
           (value->is_array() && value->as_array().empty());
  }

  bool makes_pool(const StepSpec& step, const Node& node) const {
    if (!is_one_of(step.verb, kPoolMakers)) return false;
    if (step.verb != "generate" || node.find("as") || !is_empty(step.options.options.find("tasks"))) return true;
    return std::any_of(step.of.begin(), step.of.end(),
                       [&](const InputSpec& input) { return recipe_.store(input.name); });
  }

  void check_input(const StepSpec& step) {
    const bool needs = is_one_of(step.verb, kNeedInput) && json_.find("of") == nullptr && pools_.empty();
    if (!needs || (step.verb == "generate" && !is_empty(step.options.options.find("tasks")))) return;
    reading_.find(
        step.place, "'" + step.verb + "' has nothing to work on: no step above it in '" + section_ + "' makes a pool",
        step.verb == "generate" ? "give it `tasks`" : "name its input with `of`, or put a `generate` above it");
  }

  void check_role(const StepSpec& step) {
    if (recipe_.models.size() < 2) return;
    const Declarations declared = Declarations::of(*reading_.shelf("step")->find(step.verb));
    for (const char* name : {"role", "model"}) {
      const Declaration* option = declared.find(name);
      if (!option || option->about.refers != name || !is_empty(step.options.options.find(name))) continue;
      reading_.find(step.options.place, "'" + step.verb + "' needs '" + name + "'",
                    "the recipe has " + std::to_string(recipe_.models.size()) + " models: say which");
    }
  }

  Recipe& recipe_;
  std::string section_;
  std::map<size_t, std::string> names_;  // of this section's steps
  std::set<std::string> all_steps_;      // of all sections
  Reading& reading_;
  std::string path_;
  Json json_;                    // of the step being read
  std::set<std::string> pools_;  // made above
  std::set<std::string> steps_above_;
};

}  // namespace

void read_steps(Recipe& recipe, Reading& reading) {
  const std::vector<StepPosition> positions = step_positions(recipe.tree);
  struct Part {
    const char* name;
    Section section;
    std::vector<StepSpec>& steps;
  };
  for (const Part& part : {Part{"before", Section::before, recipe.before}, Part{"round", Section::round, recipe.round},
                           Part{"after", Section::after, recipe.after}}) {
    reading.section = part.section;
    recipe.resolved.set(part.name, StepsReader(recipe, part.name, positions, reading).read(part.steps));
  }
  reading.section = Section::none;
}

}  // namespace sil
