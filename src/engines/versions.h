// The versions that an engine holds: states with a count of owners, whose weights nothing changes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "sil/engine.h"
#include "sil/error.h"

namespace sil {

// Thread-safe. A state that is being read lives until its reader lets go, even when its last owner drops it meanwhile.
template <class State>
class Versions {
 public:
  Version add(std::shared_ptr<State> state) {
    const std::unique_lock lock(mutex_);
    const Version version{++last_};
    held_.emplace(version.id, Held{std::move(state), 1});
    return version;
  }

  std::shared_ptr<const State> get(Version version) const {
    const std::shared_lock lock(mutex_);
    const auto it = held_.find(version.id);
    SIL_CHECK(it != held_.end());
    return it->second.state;
  }

  // Frees a part of a version that nobody reads.
  template <class Free>
  void free(Version version, const Free& part) {
    const std::unique_lock lock(mutex_);
    const auto it = held_.find(version.id);
    SIL_CHECK(it != held_.end());
    part(*it->second.state);
  }

  void pin(Version version) {
    const std::unique_lock lock(mutex_);
    const auto it = held_.find(version.id);
    SIL_CHECK(it != held_.end());
    ++it->second.owners;
  }

  void drop(Version version) {
    const std::unique_lock lock(mutex_);
    const auto it = held_.find(version.id);
    SIL_CHECK(it != held_.end());
    if (--it->second.owners == 0) held_.erase(it);
  }

 private:
  struct Held {
    std::shared_ptr<State> state;
    int64_t owners = 0;
  };

  mutable std::shared_mutex mutex_;
  std::map<uint32_t, Held> held_;
  uint32_t last_ = 0;
};

}  // namespace sil
