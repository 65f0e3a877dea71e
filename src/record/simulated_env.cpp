#include "record/simulated_env.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "sil/error.h"

namespace sil {
namespace {

using Kind = DiskNode::Kind;

constexpr std::time_t kEpoch = 946684800;  // 2000-01-01
constexpr uint64_t kFirstPid = 1000;

}  // namespace

// Open files hold their node, as descriptors do: a rename or removal does not concern them.
class SimulatedEnv::Output final : public OutputFile {
 public:
  Output(SimulatedEnv& env, std::string path, DiskNodePtr node)
      : env_(env), path_(std::move(path)), node_(std::move(node)), size_(node_->data.size()), process_(env.process_) {}

  void write(std::string_view data) override {
    const std::lock_guard guard(env_.mutex_);
    const std::optional<Fault> fault = count("write");
    if (fault) data = data.substr(0, RandomStream(fault->seed, env_.calls_.size()).below(data.size() + 1));
    env_.disk_.write(*node_, data);
    size_ += data.size();
    if (fault) env_.fail(*fault, "write", path_);
  }

  void sync() override {
    const std::lock_guard guard(env_.mutex_);
    if (const std::optional<Fault> fault = count("sync")) {
      if (fault->kind != Fault::Kind::crash) env_.disk_.fail_sync(*node_, fault->seed);
      sync_failed_ = true;
      env_.fail(*fault, "sync", path_);
    }
    env_.disk_.sync(*node_);
  }

  uint64_t size() const override {
    const std::lock_guard guard(env_.mutex_);
    return size_;
  }

 private:
  std::optional<Fault> count(const char* name) {
    if (process_ != env_.process_) throw SimulatedCrash{};
    const std::optional<Fault> fault = env_.count(name, path_, Effect::grows);
    if (sync_failed_) fail_as(Exit::io, name, path_, "an earlier sync failed");
    return fault;
  }

  SimulatedEnv& env_;
  std::string path_;
  DiskNodePtr node_;
  uint64_t size_;
  uint64_t process_;
  bool sync_failed_ = false;
};

class SimulatedEnv::Input final : public InputFile {
 public:
  Input(SimulatedEnv& env, std::string path, DiskNodePtr node)
      : env_(env), path_(std::move(path)), node_(std::move(node)), size_(node_->data.size()) {}

  uint64_t size() const override { return size_; }

  void read(uint64_t offset, char* out, size_t length) const override {
    const std::lock_guard guard(env_.mutex_);
    env_.enter("read", path_, Effect::reads);
    if (length == 0) return;
    if (offset > node_->data.size() || node_->data.size() - offset < length)
      fail_as(Exit::corrupt, "read", path_, "the file is too short");
    node_->data.copy(out, length, offset);
  }

 private:
  SimulatedEnv& env_;
  std::string path_;
  DiskNodePtr node_;
  uint64_t size_;  // when it was opened
};

class SimulatedEnv::Lock final : public FileLock {
 public:
  Lock(SimulatedEnv& env, const DiskNode* node) : env_(env), node_(node), process_(env.process_) {}
  ~Lock() override {
    const std::lock_guard guard(env_.mutex_);
    if (process_ == env_.process_) env_.locks_.erase(node_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  SimulatedEnv& env_;
  const DiskNode* node_;
  uint64_t process_;
};

std::unique_ptr<OutputFile> SimulatedEnv::create(const std::string& path, Create how) {
  const std::lock_guard guard(mutex_);
  enter("create", path, Effect::grows);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  if (!slot.folder) fail_as(Exit::io, "create", path, "No such file or directory");
  DiskNodePtr node = how == Create::exclusive ? slot.node() : disk_.find(path);
  if (node && how == Create::exclusive) fail_as(Exit::io, "create", path, "File exists");
  if (node && node->kind != Kind::file) fail_as(Exit::io, "create", path, "Is a directory");
  if (!node) node = disk_.add(slot, Kind::file);
  return std::make_unique<Output>(*this, path, std::move(node));
}

std::unique_ptr<InputFile> SimulatedEnv::open(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("open", path, Effect::reads);
  DiskNodePtr node = disk_.find(path);
  if (!node) fail_as(Exit::unreadable, "open", path, "No such file or directory");
  if (node->kind != Kind::file) fail_as(Exit::unreadable, "open", path, "Is a directory");
  return std::make_unique<Input>(*this, path, std::move(node));
}

std::string SimulatedEnv::read_all(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("read_all", path, Effect::reads);
  const DiskNodePtr node = disk_.find(path);
  if (!node) fail_as(Exit::unreadable, "read", path, "No such file or directory");
  if (node->kind != Kind::file) fail_as(Exit::unreadable, "read", path, "Is a directory");
  return node->data;
}

void SimulatedEnv::truncate(const std::string& path, uint64_t size) {
  const std::lock_guard guard(mutex_);
  enter("truncate", path, Effect::shrinks);
  const DiskNodePtr node = disk_.find(path);
  if (!node || node->kind != Kind::file) fail_as(Exit::io, "truncate", path, "No such file");
  disk_.cut(*node, size);
}

bool SimulatedEnv::rename_new(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  enter("rename_new", to, Effect::grows);
  const SimulatedDisk::Slot source = disk_.slot(from), target = disk_.slot(to);
  if (!source.node() || !target.folder) fail_as(Exit::io, "rename to", to, "No such file or directory");
  if (target.node()) return false;
  disk_.rename(source, target);
  return true;
}

void SimulatedEnv::rename_over(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  enter("rename_over", to, Effect::grows);
  const SimulatedDisk::Slot source = disk_.slot(from), target = disk_.slot(to);
  if (!source.node() || !target.folder) fail_as(Exit::io, "rename to", to, "No such file or directory");
  disk_.rename(source, target);
}

void SimulatedEnv::remove(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("remove", path, Effect::shrinks);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  const DiskNodePtr node = slot.node();
  if (!node) return;
  if (node->kind == Kind::folder && !node->names.empty()) fail_as(Exit::io, "remove", path, "Directory not empty");
  disk_.remove(slot);
}

void SimulatedEnv::remove_tree(const std::string& path) {
  std::vector<std::string> names;
  {
    const std::lock_guard guard(mutex_);
    const DiskNodePtr node = disk_.slot(path).node();
    if (node && node->kind == Kind::folder)
      for (const auto& [name, child] : node->names) names.push_back(name);
  }
  for (const std::string& name : names) remove_tree(path + "/" + name);
  const std::lock_guard guard(mutex_);
  enter("remove_tree", path, Effect::shrinks);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  if (slot.node()) disk_.remove(slot);
}

bool SimulatedEnv::make_dir(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("make_dir", path, Effect::grows);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  if (!slot.folder) fail_as(Exit::io, "create the folder", path, "No such file or directory");
  const DiskNodePtr node = disk_.find(path);
  if (node && node->kind != Kind::folder) fail_as(Exit::io, "create the folder", path, "File exists");
  if (node) return false;
  disk_.add(slot, Kind::folder);
  return true;
}

void SimulatedEnv::sync_dir(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("sync_dir", path, Effect::grows);
  const DiskNodePtr node = disk_.find(path);
  if (!node || node->kind != Kind::folder) fail_as(Exit::io, "sync the folder", path, "No such directory");
  disk_.sync_names(node);
}

bool SimulatedEnv::exists(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("exists", path, Effect::asks);
  return disk_.find(path) != nullptr;
}

bool SimulatedEnv::is_dir(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("is_dir", path, Effect::asks);
  const DiskNodePtr node = disk_.find(path);
  return node && node->kind == Kind::folder;
}

uint64_t SimulatedEnv::file_size(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("file_size", path, Effect::asks);
  const DiskNodePtr node = disk_.find(path);
  if (!node) fail_as(Exit::unreadable, "read", path, "No such file or directory");
  return node->data.size();
}

std::vector<std::string> SimulatedEnv::list(const std::string& dir) {
  const std::lock_guard guard(mutex_);
  enter("list", dir, Effect::reads);
  const DiskNodePtr node = disk_.find(dir);
  if (!node || node->kind != Kind::folder) fail_as(Exit::unreadable, "list", dir, "No such directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

void SimulatedEnv::make_readonly(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("make_readonly", path, Effect::shrinks);
  if (!disk_.find(path)) fail_as(Exit::io, "make read-only", path, "No such file or directory");
}

void SimulatedEnv::make_link(const std::string& target, const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("make_link", path, Effect::grows);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  if (!slot.folder) fail_as(Exit::io, "link", path, "No such file or directory");
  disk_.add(slot, Kind::link)->data = target;
}

std::unique_ptr<FileLock> SimulatedEnv::lock(const std::string& path) {
  const std::lock_guard guard(mutex_);
  enter("lock", path, Effect::grows);
  const SimulatedDisk::Slot slot = disk_.slot(path);
  if (!slot.folder) fail_as(Exit::io, "lock", path, "No such file or directory");
  DiskNodePtr node = slot.node();
  if (!node) node = disk_.add(slot, Kind::file);
  if (!locks_.insert(node.get()).second) return nullptr;
  disk_.cut(*node, 0);
  disk_.write(*node, std::to_string(kFirstPid + process_) + "\n");
  return std::make_unique<Lock>(*this, node.get());
}

double SimulatedEnv::seconds() {
  const std::lock_guard guard(mutex_);
  return now_ += kTick;
}

std::string SimulatedEnv::utc_time() {
  const std::lock_guard guard(mutex_);
  const std::time_t time = kEpoch + static_cast<std::time_t>(now_);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace sil
