// Processes, faults and scenes of the simulated Env; its calls are in simulated_env.cpp.
#include <algorithm>
#include <utility>

#include "record/simulated_env.h"
#include "sil/error.h"

namespace sil {

void SimulatedEnv::fail_as(Exit code, const std::string& name, const std::string& path, const std::string& why) {
  throw Error(code, "cannot " + name + " " + path + ": " + why);
}

void SimulatedEnv::plan(Fault fault) {
  const std::lock_guard guard(mutex_);
  faults_.push_back(fault);
}

void SimulatedEnv::restart() {
  const std::lock_guard guard(mutex_);
  ++process_;
  crashed_ = false;
  calls_.clear();
  faults_.clear();
  locks_.clear();
}

void SimulatedEnv::lose_power(uint64_t seed) {
  restart();
  const std::lock_guard guard(mutex_);
  disk_.lose_power(seed);
}

std::optional<Fault> SimulatedEnv::count(const char* name, const std::string& path, Effect effect) {
  if (crashed_) throw SimulatedCrash{};
  now_ += kTick;
  const uint64_t number = calls_.size();
  calls_.push_back({name, path});
  const auto hits = [&](const Fault& fault) {
    if (number != fault.call && !(fault.for_ever && number > fault.call)) return false;
    switch (fault.kind) {
      case Fault::Kind::crash:
        return true;
      case Fault::Kind::no_space:
      case Fault::Kind::quota:
        return effect == Effect::grows;
      case Fault::Kind::io:
        return effect != Effect::asks;
      case Fault::Kind::read_only:
        return effect == Effect::grows || effect == Effect::shrinks;
    }
    return false;
  };
  const auto found = std::find_if(faults_.begin(), faults_.end(), hits);
  return found == faults_.end() ? std::nullopt : std::optional<Fault>(*found);
}

void SimulatedEnv::fail(const Fault& fault, const char* name, const std::string& path) {
  switch (fault.kind) {
    case Fault::Kind::crash:
      crashed_ = true;
      throw SimulatedCrash{};
    case Fault::Kind::no_space:
      fail_as(Exit::resources, name, path, "No space left on device");
    case Fault::Kind::quota:
      fail_as(Exit::resources, name, path, "Disk quota exceeded");
    case Fault::Kind::io:
      fail_as(Exit::io, name, path, "Input/output error");
    case Fault::Kind::read_only:
      break;
  }
  fail_as(Exit::io, name, path, "Read-only file system");
}

void SimulatedEnv::enter(const char* name, const std::string& path, Effect effect) {
  if (const std::optional<Fault> fault = count(name, path, effect)) fail(*fault, name, path);
}

void SimulatedEnv::put_file(const std::string& path, std::string_view bytes) {
  const std::lock_guard guard(mutex_);
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const SimulatedDisk::Slot folder = disk_.slot(path.substr(0, slash));
    if (!folder.node()) disk_.add(folder, DiskNode::Kind::folder);
  }
  const SimulatedDisk::Slot slot = disk_.slot(path);
  disk_.write(*disk_.add(slot, DiskNode::Kind::file), bytes);
  disk_.make_durable();
}

std::string SimulatedEnv::contents(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const DiskNodePtr node = disk_.find(path);
  SIL_CHECK(node && node->kind == DiskNode::Kind::file);
  return node->data;
}

void SimulatedEnv::flip_bit(const std::string& path, uint64_t bit) {
  const std::lock_guard guard(mutex_);
  const DiskNodePtr node = disk_.find(path);
  SIL_CHECK(node && node->kind == DiskNode::Kind::file && bit / 8 < node->data.size());
  char& byte = node->data[bit / 8];
  byte = static_cast<char>(byte ^ (1 << bit % 8));
  node->durable_data = node->data;
  node->pending.clear();
}

}  // namespace sil
