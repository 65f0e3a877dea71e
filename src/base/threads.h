// Threads that wait without spinning.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace sil {

// Runs index ranges on a fixed set of threads, the caller's among them. One for_each at a time per pool.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // >= 1
  ~ThreadPool();
  int threads() const;
  // Calls work(i) for every i in [0, n), in any order, on any thread; returns when all are done. If some threw, the
  // exception of the lowest index is rethrown after all others finished. Called from inside `work`:
  // Error(Exit::internal).
  void for_each(int64_t n, const std::function<void(int64_t)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sil
