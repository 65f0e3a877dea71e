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

// A version of an engine that its holder drops.
class OwnedVersion {
 public:
  OwnedVersion(Engine& engine, Version version) : engine_(engine), version_(version) {}
  ~OwnedVersion() { engine_.drop(version_); }
  OwnedVersion(const OwnedVersion&) = delete;
  OwnedVersion& operator=(const OwnedVersion&) = delete;
  Version get() const { return version_; }

 private:
  Engine& engine_;
  Version version_;
};

class Models {
 public:
  explicit Models(ObjectStore& objects) : objects_(objects) {}

  void add(const std::string& name, std::unique_ptr<Engine> engine);
  Engine& engine(const std::string& model) const;
  // Held while a call to an engine that is not concurrent is under way.
  std::unique_lock<std::mutex> lock(const std::string& model) const;

  // The engine's handle of a recorded version's weights, loaded from their object when they are not resident. Owned by
  // this object.
  Version resident(const std::string& model, const VersionRef& ref);
  // The caller's own, whatever is resident; with the optimizer state where it is wanted and there is one.
  OwnedVersion load(const std::string& model, const VersionRef& ref, bool with_optimizer);
  // What `maker`, another engine of the model, starts with; in the record only.
  VersionRef store_initial(Engine& maker);
  // Takes ownership of a fresh version and writes its objects; its weights stay resident.
  VersionRef store(const std::string& model, Version version, bool with_optimizer);
  // Takes ownership of a version that no record has and none will: it is resident, and that is all.
  VersionRef hold(const std::string& model, Version version);
  // decay * average + (1 - decay) * version, weights only, stored.
  VersionRef average(const std::string& model, const VersionRef& average, const VersionRef& version, double decay);
  // Frees the model's resident versions other than these.
  void keep_only(const std::string& model, const std::vector<VersionRef>& versions);
  void drop_all();  // frees every resident version

 private:
  VersionRef write(const Engine& engine, Version version, bool with_optimizer);

  struct Held {
    std::unique_ptr<Engine> engine;
    std::unique_ptr<std::mutex> mutex = std::make_unique<std::mutex>();
    std::map<Digest, Version> resident;  // by the object of the weights
  };
  ObjectStore& objects_;
  std::map<std::string, Held> models_;
};

// How the recipe names versions of the model, once each: `live`, and what steps train from, compare with and roles
// sample.
std::vector<Json> version_rules(const Recipe& recipe, const std::string& model);
// The versions of all members that those rules name now, as far as they exist.
std::vector<VersionRef> named_versions(const Recipe& recipe, const ModelSpec& model, const RunState& state);
// Decays of every `{ema: a}` by which the recipe names versions of the model.
std::set<double> average_decays(const Recipe& recipe, const std::string& model);

// live | base | start | best | {round: k} | {ema: a} of one line. Error(Exit::usage) for a version that does not exist
// yet.
VersionRef find_version(const Json& rule, const std::string& line, const RunState& state);
// Of every member.
std::vector<VersionRef> find_versions(const Json& rule, const ModelSpec& model, const RunState& state);

}  // namespace sil
