// The processes of one `program` verifier, shared by everything that judges with it: started on first use, restarted
// after a breach within a budget, driven by as many threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/threads.h"
#include "sil/options.h"
#include "sil/records.h"
#include "verifiers/session.h"

namespace sil {

struct ProgramOptions {
  std::string command;
  double timeout = 10;
  double start_timeout = 30;
  int64_t batch = 0;
  int64_t workers = 1;
  int64_t restarts = 10;
  double pass_at = 0.5;
  void visit(OptionVisitor& v);
};

// One completion to judge.
struct ProgramItem {
  const Problem* problem = nullptr;
  std::string_view completion;
};

class ProgramPool {
 public:
  explicit ProgramPool(ProgramOptions options);

  // "name@version" as the program says; starts it if need be.
  std::string identity();
  // One verdict an item. A unit whose judging broke the protocol abstains; Error(Exit::verifier) beyond the budget.
  // Calls from several threads take turns.
  void judge(std::span<const ProgramItem> items, std::span<Verdict> verdicts, std::stop_token stop);

 private:
  struct Work;     // items of one call that nobody has taken yet
  struct Worker {  // one process and the items it has open
    std::unique_ptr<Session> session;
    int64_t window = 1;  // requests that may be open at once
    bool alone = false;  // what is open may not have company
    struct Sent {
      size_t item;
      Clock::time_point at;
    };
    std::map<int64_t, Sent> open;
  };

  void drive(Worker& worker, Work& work);
  bool start(Worker& worker, std::stop_token stop);  // false: stopped
  void fill(Worker& worker, Work& work);
  void send(Worker& worker, const Work& work, size_t item);
  void settle(Worker& worker, const Reply& reply, Work& work);
  void recover(Worker& worker, const Breach& breach, Work* work);
  void check_identity(const Handshake& handshake);
  [[noreturn]] void give_up(const std::string& what, const std::string& last_words) const;

  ProgramOptions options_;
  std::mutex turn_;  // one judge() at a time
  std::vector<Worker> workers_;
  std::unique_ptr<ThreadPool> threads_;  // made on first use: a recipe that is only checked starts nothing
  std::mutex mutex_;                     // guards what follows
  std::optional<Handshake> handshake_;   // of the first start; later ones must say the same
  int64_t breaches_ = 0;
  int64_t next_id_ = 1;
};

}  // namespace sil
