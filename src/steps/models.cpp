#include "steps/models.h"

#include <set>

namespace sil {
namespace {

class StringSink final : public ByteSink {
 public:
  void write(std::string_view bytes) override { text.append(bytes); }
  std::string text;
};

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
  std::string optimizer = ref.optimizer ? objects_.read(*ref.optimizer) : std::string();
  Version version = held.engine->load(objects_.read(ref.weights), optimizer);
  held.resident[ref.weights] = version;
  return version;
}

VersionRef Models::store(const std::string& model, Version version, bool with_optimizer) {
  Held& held = models_.at(model);
  VersionRef ref;
  ref.digest = held.engine->digest(version);
  ref.weights = objects_.put([&](ByteSink& out) { held.engine->save(version, Part::weights, out); });
  if (with_optimizer) {
    StringSink bytes;
    held.engine->save(version, Part::optimizer, bytes);
    if (!bytes.text.empty()) ref.optimizer = objects_.put(bytes.text);
  }
  auto [it, is_new] = held.resident.emplace(ref.weights, version);
  if (!is_new) {  // the same weights with another optimizer state: the later one stays
    held.engine->drop(it->second);
    it->second = version;
  }
  return ref;
}

void Models::trim(const RunState& state) {
  for (auto& [name, held] : models_) {
    const ModelState& model = state.models.at(name);
    std::set<Digest> wanted{model.base.weights, model.live.weights, model.start.weights, model.incumbent.weights};
    if (model.best) wanted.insert(model.best->weights);
    if (model.candidate) wanted.insert(model.candidate->weights);
    for (auto it = held.resident.begin(); it != held.resident.end();) {
      if (wanted.count(it->first)) {
        ++it;
        continue;
      }
      held.engine->drop(it->second);
      it = held.resident.erase(it);
    }
  }
}

VersionRef find_version(const Json& rule, const std::string& model, const RunState& state) {
  const ModelState& versions = state.models.at(model);
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
    throw Error(Exit::usage, "no version of " + model + " was accepted in round " + std::to_string(round),
                "name a round that is over, or count back with a negative number");
  }
  throw Error(Exit::usage, "unknown version " + dump(rule) + " of " + model,
              "allowed: live, base, start, best, {round: k}");
}

}  // namespace sil
