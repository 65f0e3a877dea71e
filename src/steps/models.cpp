#include "steps/models.h"

#include <algorithm>
#include <set>

namespace sil {
namespace {

void find_decays(const Json& json, std::set<double>& decays) {
  if (json.is_array())
    for (const Json& item : json.as_array()) find_decays(item, decays);
  if (!json.is_object()) return;
  if (const Json* decay = json.find("ema"); decay && is_version_rule(json)) decays.insert(decay->as_double());
  for (const auto& [name, value] : json.as_object()) find_decays(value, decays);
}

// What a step's options name under `from`, `reference` and `to`.
void find_rules(const Json& json, std::map<std::string, Json>& rules) {
  if (json.is_array())
    for (const Json& item : json.as_array()) find_rules(item, rules);
  if (!json.is_object()) return;
  for (const auto& [name, value] : json.as_object()) {
    const bool names = name == "from" || name == "reference" || name == "to";
    if (names && is_version_rule(value))
      rules.emplace(dump(value), value);
    else
      find_rules(value, rules);
  }
}

}  // namespace

void Models::add(const std::string& name, std::unique_ptr<Engine> engine) {
  models_[name].engine = std::move(engine);
}

Engine& Models::engine(const std::string& model) const {
  return *models_.at(model).engine;
}

std::unique_lock<std::mutex> Models::lock(const std::string& model) const {
  const Held& held = models_.at(model);
  return held.engine->caps().concurrent ? std::unique_lock<std::mutex>() : std::unique_lock(*held.mutex);
}

Version Models::resident(const std::string& model, const VersionRef& ref) {
  Held& held = models_.at(model);
  if (auto it = held.resident.find(ref.weights); it != held.resident.end()) return it->second;
  Version version = held.engine->load(objects_.read(ref.weights), {});
  held.resident[ref.weights] = version;
  return version;
}

OwnedVersion Models::load(const std::string& model, const VersionRef& ref, bool with_optimizer) {
  const Held& held = models_.at(model);
  Engine& engine = *held.engine;
  const bool state = with_optimizer && ref.optimizer;
  if (const auto it = held.resident.find(ref.weights); it != held.resident.end() && !state) {
    engine.pin(it->second);
    return {engine, it->second};
  }
  return {engine, engine.load(objects_.read(ref.weights), state ? objects_.read(*ref.optimizer) : std::string())};
}

VersionRef Models::write(const Engine& engine, Version version, bool with_optimizer) {
  VersionRef ref;
  ref.digest = engine.digest(version);
  ref.weights = objects_.put([&](ByteSink& out) { engine.save(version, Part::weights, out); });
  if (with_optimizer && engine.has_optimizer(version))
    ref.optimizer = objects_.put([&](ByteSink& out) { engine.save(version, Part::optimizer, out); });
  return ref;
}

VersionRef Models::store_initial(Engine& maker) {
  const Version version = maker.initial();
  VersionRef ref = write(maker, version, false);
  maker.drop(version);
  return ref;
}

VersionRef Models::store(const std::string& model, Version version, bool with_optimizer) {
  Held& held = models_.at(model);
  VersionRef ref = write(*held.engine, version, with_optimizer);
  held.engine->forget_optimizer(version);
  if (!held.resident.emplace(ref.weights, version).second) held.engine->drop(version);
  return ref;
}

VersionRef Models::hold(const std::string& model, Version version) {
  Held& held = models_.at(model);
  VersionRef ref;
  ref.digest = ref.weights = held.engine->digest(version);
  held.resident[ref.weights] = version;
  return ref;
}

VersionRef Models::average(const std::string& model, const VersionRef& average, const VersionRef& version,
                           double decay) {
  Version now = resident(model, version);
  return store(model, engine(model).ema(resident(model, average), now, decay), false);
}

void Models::keep_only(const std::string& model, const std::vector<VersionRef>& versions) {
  Held& held = models_.at(model);
  std::erase_if(held.resident, [&](const auto& entry) {
    const auto& [weights, version] = entry;
    const bool wanted = std::any_of(versions.begin(), versions.end(),
                                    [&, &object = weights](const VersionRef& ref) { return ref.weights == object; });
    if (!wanted) held.engine->drop(version);
    return !wanted;
  });
}

std::vector<Json> version_rules(const Recipe& recipe, const std::string& model) {
  std::map<std::string, Json> rules{{dump(Json("live")), "live"}};
  for (const RoleSpec& role : recipe.roles)
    if (role.model == model) rules.emplace(dump(role.weights), role.weights);
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *section) {
      const Json& options = step.options.options;
      const Json* of = options.find("model");
      if (of != nullptr && of->is_string() && !of->as_string().empty() && of->as_string() != model) continue;
      find_rules(options, rules);
      if (step.verb == "generate") rules.emplace(dump(Json("base")), "base");  // drift is measured from it
    }
  std::vector<Json> out;
  for (auto& [text, rule] : rules) out.push_back(std::move(rule));
  return out;
}

std::vector<VersionRef> named_versions(const Recipe& recipe, const ModelSpec& model, const RunState& state) {
  std::vector<VersionRef> out;
  for (const Json& rule : version_rules(recipe, model.name))
    for (int64_t member = 0; member < model.members; ++member) {
      try {
        out.push_back(find_version(rule, line_name(model.name, member), state));
      } catch (const Error& error) {
        if (error.code() != Exit::usage) throw;  // of a round to come
      }
    }
  return out;
}

std::set<double> average_decays(const Recipe& recipe, const std::string& model) {
  std::set<double> decays;
  for (const RoleSpec& role : recipe.roles)
    if (role.model == model) find_decays(role.weights, decays);
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *section) {
      const Json* of = step.options.options.find("model");
      bool concerned = of && of->is_string() && (of->as_string() == model || of->as_string().empty());
      if (concerned) find_decays(step.options.options, decays);
    }
  return decays;
}

void Models::drop_all() {
  for (auto& [name, held] : models_) {
    for (const auto& [weights, version] : held.resident) held.engine->drop(version);
    held.resident.clear();
  }
}

VersionRef find_version(const Json& rule, const std::string& line, const RunState& state) {
  const ModelState& versions = state.models.at(line);
  if (rule.is_string()) {
    const std::string& name = rule.as_string();
    if (name == "live") return versions.live;
    if (name == "base") return versions.base;
    if (name == "start") return versions.start;
    if (name == "best") return versions.best.value_or(versions.incumbent);
  } else if (const Json* number = rule.find("round")) {
    int64_t round = number->as_int();
    if (round < 0) round += state.sealed_rounds() + 1;
    if (auto it = versions.accepted.find(round); it != versions.accepted.end()) return it->second;
    if (round <= 0) return versions.base;
    throw Error(Exit::usage, "no version of " + line + " was accepted in round " + std::to_string(round),
                "name a round that is over, or count back with a negative number");
  }
  if (const Json* decay = rule.find("ema")) {
    auto it = versions.averages.find(decay->as_double());
    return it == versions.averages.end() ? versions.base : it->second;
  }
  throw Error(Exit::usage, "unknown version " + dump(rule) + " of " + line, "allowed: " + std::string(kVersionRules));
}

std::vector<VersionRef> find_versions(const Json& rule, const ModelSpec& model, const RunState& state) {
  std::vector<VersionRef> versions;
  for (int64_t m = 0; m < model.members; ++m) versions.push_back(find_version(rule, line_name(model.name, m), state));
  return versions;
}

}  // namespace sil
