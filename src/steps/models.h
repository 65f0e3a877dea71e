// The engines of a run and which of the recorded versions they hold.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "recipe/recipe.h"
#include "record/objects.h"
#include "sil/engine.h"
#include "sil/registries.h"
#include "steps/run_state.h"

namespace sil {

class Models {
 public:
  explicit Models(ObjectStore& objects) : objects_(objects) {}

  void add(const std::string& name, std::unique_ptr<Engine> engine);
  Engine& engine(const std::string& model) const;
  // Held while a call to an engine that is not concurrent is under way.
  std::unique_lock<std::mutex> lock(const std::string& model) const;

  // The engine's handle of a recorded version, loaded from its objects when it is not resident. Owned by this object.
  Version resident(const std::string& model, const VersionRef& ref);
  // What `maker`, another engine of the model, starts with; in the record only.
  VersionRef store_initial(Engine& maker);
  // Takes ownership of a fresh version and writes its objects.
  VersionRef store(const std::string& model, Version version, bool with_optimizer);
  // decay * average + (1 - decay) * version, weights only, stored.
  VersionRef average(const std::string& model, const VersionRef& average, const VersionRef& version, double decay);
  // Frees resident versions other than those `state` still names as live, base, start, incumbent, best, candidate or
  // average of a line.
  void trim(const RunState& state);
  void drop_all();  // frees every resident version

 private:
  VersionRef write(const Engine& engine, Version version, bool with_optimizer);

  using Key = std::pair<Digest, std::optional<Digest>>;  // objects: equal weights may have other optimizer states
  static Key key(const VersionRef& ref) { return {ref.weights, ref.optimizer}; }
  struct Held {
    std::unique_ptr<Engine> engine;
    std::unique_ptr<std::mutex> mutex = std::make_unique<std::mutex>();
    std::map<Key, Version> resident;
  };
  ObjectStore& objects_;
  std::map<std::string, Held> models_;
};

// Decays of every `{ema: a}` by which the recipe names versions of the model.
std::set<double> average_decays(const Recipe& recipe, const std::string& model);

// live | base | start | best | {round: k} | {ema: a} of one line. Error(Exit::usage) for a version that does not exist
// yet.
VersionRef find_version(const Json& rule, const std::string& line, const RunState& state);
// Of every member.
std::vector<VersionRef> find_versions(const Json& rule, const ModelSpec& model, const RunState& state);

}  // namespace sil
