// An Env in memory for tests: every call on files is numbered and can be made the last one before a crash, or fail;
// what was not synced can be lost. Behaves like system_env() otherwise (tests/record/env_contract_test.cpp compares
// them). Deterministic: the same calls with the same faults and seeds give the same states. Thread-safe.
//
//   SimulatedEnv env;
//   env.plan({.call = 17, .kind = Fault::Kind::crash});
//   try { run(env); } catch (const SimulatedCrash&) {}
//   env.lose_power(seed);     // or restart(): only the process died
//   run(env);
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "record/simulated_disk.h"
#include "sil/env.h"
#include "sil/error.h"

namespace sil {

// The process is gone: thrown by the call that crashes and by every later one. No std::exception, so that no handler
// takes it for a failure to report.
struct SimulatedCrash {};

struct Fault {
  enum class Kind : uint8_t {
    crash,      // the call does not happen; of a write, some bytes may
    no_space,   // ENOSPC: calls that need space (fsync: delayed allocation)
    quota,      // EDQUOT: the same
    io,         // EIO: all but questions about names
    read_only,  // EROFS: all that change something
  };
  uint64_t call = 0;  // the first that fails, as numbered by calls()
  Kind kind = Kind::crash;
  bool for_ever = false;  // also every later call that `kind` can hit
  uint64_t seed = 0;      // how many bytes of a failing write arrive; what a failed fsync does to the data
};

struct SimulatedCall {
  std::string name;  // as in Env; write, sync, read of a file
  std::string path;

  friend bool operator==(const SimulatedCall&, const SimulatedCall&) = default;
};

class SimulatedEnv final : public Env {
 public:
  SimulatedEnv() = default;

  void plan(Fault fault);                                             // several add up
  const std::vector<SimulatedCall>& calls() const { return calls_; }  // of this process, in order
  bool crashed() const { return crashed_; }

  // A new process: locks are free, open files dead, planned faults forgotten, calls numbered from 0. All data is there.
  void restart();
  // The same after a power failure: of what was not synced, `seed` decides.
  void lose_power(uint64_t seed);
  void advance(double seconds) { now_ += seconds; }

  // Neither numbered nor failing, for tests to set the scene and look at it. What they leave is durable.
  void put_file(const std::string& path,
                std::string_view bytes);                 // with its folders, replaces; all else is durable then
  std::string contents(const std::string& path) const;   // the file must exist
  void flip_bit(const std::string& path, uint64_t bit);  // bit rot, durable

  std::unique_ptr<OutputFile> create(const std::string& path, Create how) override;
  std::unique_ptr<InputFile> open(const std::string& path) override;
  std::string read_all(const std::string& path) override;
  void truncate(const std::string& path, uint64_t size) override;
  bool rename_new(const std::string& from, const std::string& to) override;
  void rename_over(const std::string& from, const std::string& to) override;
  void remove(const std::string& path) override;
  void remove_tree(const std::string& path) override;
  bool make_dir(const std::string& path) override;
  void sync_dir(const std::string& path) override;
  bool exists(const std::string& path) override;
  bool is_dir(const std::string& path) override;
  uint64_t file_size(const std::string& path) override;
  std::vector<std::string> list(const std::string& dir) override;
  void make_readonly(const std::string& path) override;
  void make_link(const std::string& target, const std::string& path) override;
  std::unique_ptr<FileLock> lock(const std::string& path) override;

  double seconds() override;
  uint64_t memory_bytes() override { return uint64_t{64} << 30; }
  double cpu_seconds(CpuTime) override { return 0; }  // its time passes by calls alone
  std::string utc_time() override;

 private:
  static constexpr double kTick = 1e-6;  // of each call, so that waiting for a time to come ends

  class Output;
  class Input;
  class Lock;
  enum class Effect : uint8_t { asks, reads, grows, shrinks };  // shrinks: changes without needing space

  // Counts a call; the fault that hits it, if any. Crashes other than of a write are thrown.
  std::optional<Fault> count(const char* name, const std::string& path, Effect effect);
  void enter(const char* name, const std::string& path, Effect effect);  // throws that fault
  [[noreturn]] static void fail_as(Exit code, const std::string& name, const std::string& path, const std::string& why);
  [[noreturn]] void fail(const Fault& fault, const char* name, const std::string& path);

  mutable std::mutex mutex_;
  SimulatedDisk disk_;
  std::vector<SimulatedCall> calls_;
  std::vector<Fault> faults_;
  std::set<const DiskNode*> locks_;
  uint64_t process_ = 1;  // number of restarts; open files of another one are dead
  bool crashed_ = false;
  double now_ = 0;
};

}  // namespace sil
