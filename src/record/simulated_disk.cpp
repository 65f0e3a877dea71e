#include "record/simulated_disk.h"

#include <algorithm>
#include <utility>

#include "sil/error.h"

namespace sil {
namespace {

constexpr int kMaxLinks = 16;

// In reverse, so that the next component is the last.
void push_components(std::vector<std::string>& todo, std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (begin < path.size() && path.substr(begin) != ".") todo.emplace_back(path.substr(begin));
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
}

void put(std::string& data, const DiskNode::Change& change) {
  if (change.cut) {
    data.resize(change.offset);
    return;
  }
  // Where earlier bytes never arrived there is a hole, which reads as zeros.
  if (data.size() < change.offset + change.bytes.size()) data.resize(change.offset + change.bytes.size());
  data.replace(change.offset, change.bytes.size(), change.bytes);
}

}  // namespace

SimulatedDisk::SimulatedDisk() : root_(std::make_shared<DiskNode>()) {
  root_->kind = DiskNode::Kind::folder;
}

DiskNodePtr SimulatedDisk::Slot::node() const {
  if (!folder) return nullptr;
  if (name.empty()) return folder;  // the root
  const auto it = folder->names.find(name);
  return it == folder->names.end() ? nullptr : it->second;
}

SimulatedDisk::Slot SimulatedDisk::walk(const std::string& path, bool follow_last) const {
  std::vector<std::string> todo;
  push_components(todo, path);
  std::vector<Slot> way = {{root_, ""}};
  for (int links = 0; !todo.empty();) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    const DiskNodePtr folder = way.back().node();
    if (!folder || folder->kind != DiskNode::Kind::folder) return {};
    const Slot next{folder, name};
    const DiskNodePtr node = next.node();
    if ((follow_last || !todo.empty()) && node && node->kind == DiskNode::Kind::link) {
      if (++links > kMaxLinks) return {};
      if (node->data.starts_with('/')) way.resize(1);
      push_components(todo, node->data);
      continue;
    }
    way.push_back(next);
  }
  return way.back();
}

void SimulatedDisk::write(DiskNode& file, std::string_view bytes) {
  file.pending.push_back({file.data.size(), std::string(bytes), false});
  file.data.append(bytes);
}

void SimulatedDisk::cut(DiskNode& file, uint64_t size) {
  file.pending.push_back({size, "", true});
  file.data.resize(size);
}

void SimulatedDisk::sync(DiskNode& file) {
  for (const DiskNode::Change& change : file.pending) put(file.durable_data, change);
  file.pending.clear();
}

void SimulatedDisk::fail_sync(DiskNode& file, uint64_t seed) {
  const uint64_t outcome = seed % 3;
  if (outcome == 0) file.data = file.durable_data;
  if (outcome != 1) file.pending.clear();
}

DiskNodePtr SimulatedDisk::add(const Slot& slot, DiskNode::Kind kind) {
  auto node = std::make_shared<DiskNode>();
  node->kind = kind;
  change({{}, slot, node});
  return node;
}

void SimulatedDisk::remove(const Slot& slot) {
  change({slot, {}, slot.node()});
}

void SimulatedDisk::rename(const Slot& from, const Slot& to) {
  change({from, to, from.node()});
}

void SimulatedDisk::change(NameChange change) {
  SIL_CHECK(change.node != nullptr);
  if (change.from.folder) change.from.folder->names.erase(change.from.name);
  if (change.to.folder) change.to.folder->names[change.to.name] = change.node;
  pending_.push_back(std::move(change));
}

void SimulatedDisk::apply(const NameChange& change) {
  if (change.from.folder) change.from.folder->durable_names.erase(change.from.name);
  if (change.to.folder) change.to.folder->durable_names[change.to.name] = change.node;
}

bool SimulatedDisk::conflict(const NameChange& a, const NameChange& b) {
  const auto same = [](const Slot& x, const Slot& y) { return x.folder && x.folder == y.folder && x.name == y.name; };
  return same(a.from, b.from) || same(a.from, b.to) || same(a.to, b.from) || same(a.to, b.to);
}

void SimulatedDisk::sync_names(const DiskNodePtr& folder) {
  std::vector<NameChange> saved, left;
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    const bool needed =
        std::any_of(saved.begin(), saved.end(), [&](const auto& later) { return conflict(*it, later); });
    (needed || it->from.folder == folder || it->to.folder == folder ? saved : left).push_back(std::move(*it));
  }
  std::for_each(saved.rbegin(), saved.rend(), apply);
  std::reverse(left.begin(), left.end());
  pending_ = std::move(left);
}

// All are lost, or all arrived, or the first few did (ext4 commits in order), or any that do not build on a lost one.
void SimulatedDisk::lose_names(RandomStream& random) {
  const uint64_t kind = random.below(4);
  const size_t first_lost = static_cast<size_t>(random.below(pending_.size() + 1));
  std::vector<NameChange> lost;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const bool arrives = kind == 1 || (kind == 2 && i < first_lost) || (kind == 3 && random.below(2) == 0);
    const bool possible =
        std::none_of(lost.begin(), lost.end(), [&](const auto& l) { return conflict(l, pending_[i]); });
    if (arrives && possible) {
      apply(pending_[i]);
    } else {
      lost.push_back(pending_[i]);
    }
  }
  pending_.clear();
}

// Nothing arrived, or all did, or a prefix that ends at any byte, or the size and some of the bytes.
void SimulatedDisk::lose_data(DiskNode& file, RandomStream& random) {
  const uint64_t kind = random.below(4);
  const size_t first_lost = static_cast<size_t>(random.below(file.pending.size() + 1));
  for (size_t i = 0; kind != 0 && i < file.pending.size(); ++i) {
    DiskNode::Change& change = file.pending[i];
    const size_t torn_at = static_cast<size_t>(random.below(change.bytes.size() + 1));
    if (kind == 2 && i > first_lost) break;
    if (kind == 2 && i == first_lost) {
      if (change.cut) break;
      change.bytes.resize(torn_at);
    }
    if (kind == 3 && random.below(2) == 0)
      std::fill(change.bytes.begin() + static_cast<long>(torn_at), change.bytes.end(), '\0');
    put(file.durable_data, change);
  }
  file.data = file.durable_data;
  file.pending.clear();
}

void SimulatedDisk::show_durable(DiskNode& folder, RandomStream& random) {
  folder.names = folder.durable_names;
  for (auto& [name, node] : folder.names) {
    if (node->kind == DiskNode::Kind::folder) show_durable(*node, random);
    if (node->kind == DiskNode::Kind::file) lose_data(*node, random);
  }
}

void SimulatedDisk::lose_power(uint64_t seed) {
  RandomStream random(seed, 0);
  lose_names(random);
  show_durable(*root_, random);
}

void SimulatedDisk::make_durable() {
  std::for_each(pending_.begin(), pending_.end(), apply);
  pending_.clear();
  std::vector<DiskNodePtr> todo = {root_};
  while (!todo.empty()) {
    const DiskNodePtr node = std::move(todo.back());
    todo.pop_back();
    if (node->kind == DiskNode::Kind::file) sync(*node);
    for (const auto& [name, child] : node->names) todo.push_back(child);
  }
}

}  // namespace sil
