// A file system in memory that knows what of it is durable: file data becomes so by a sync of the file, a name by a
// sync of its folder. lose_power() throws away some of the rest, in a way a journaling file system on a disk with a
// volatile cache could. It is harsher than ext4 in one respect: syncing a file does not make its name durable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sil/rng.h"

namespace sil {

struct DiskNode {
  enum class Kind : uint8_t { file, folder, link };
  struct Change {  // of a file's data, not yet durable
    uint64_t offset = 0;
    std::string bytes;
    bool cut = false;  // to `offset` bytes
  };

  Kind kind = Kind::file;
  std::string data;  // of a link: its target
  std::string durable_data;
  std::vector<Change> pending;
  std::map<std::string, std::shared_ptr<DiskNode>> names;
  std::map<std::string, std::shared_ptr<DiskNode>> durable_names;
};
using DiskNodePtr = std::shared_ptr<DiskNode>;

class SimulatedDisk {
 public:
  struct Slot {  // where a name is or could be; no folder: the way there is missing
    DiskNodePtr folder;
    std::string name;

    DiskNodePtr node() const;  // nullptr: no such name
  };

  SimulatedDisk();

  // The working directory is "/". Symbolic links are followed, the last name's only by find().
  DiskNodePtr find(const std::string& path) const { return walk(path, true).node(); }
  Slot slot(const std::string& path) const { return walk(path, false); }

  void write(DiskNode& file, std::string_view bytes);  // at its end
  void cut(DiskNode& file, uint64_t size);
  void sync(DiskNode& file);
  // What a failed fsync does to the data it should have saved, by `seed`: the data is gone; or still dirty; or readable
  // until power is lost and saved by no later sync (Linux marks the pages clean).
  void fail_sync(DiskNode& file, uint64_t seed);

  DiskNodePtr add(const Slot& slot, DiskNode::Kind kind);  // replaces
  void remove(const Slot& slot);
  void rename(const Slot& from, const Slot& to);  // replaces
  // With what they depend on: a rename is durable on both sides or on none.
  void sync_names(const DiskNodePtr& folder);

  void lose_power(uint64_t seed);
  void make_durable();  // all of it

 private:
  struct NameChange {  // `node` leaves `from` and enters `to`; a slot without folder is none
    Slot from, to;
    DiskNodePtr node;
  };

  Slot walk(const std::string& path, bool follow_last) const;
  static bool conflict(const NameChange& a, const NameChange& b);
  static void apply(const NameChange& change);
  void change(NameChange change);
  void lose_names(RandomStream& random);
  static void lose_data(DiskNode& file, RandomStream& random);
  static void show_durable(DiskNode& folder, RandomStream& random);

  DiskNodePtr root_;
  std::vector<NameChange> pending_;  // oldest first
};

}  // namespace sil
