#include "base/threads.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "sil/error.h"

namespace sil {

struct ThreadPool::State {
  using Work = std::function<void(int64_t)>;

  // Under `mutex`.
  std::mutex mutex;
  std::condition_variable wake;  // a job began, or the pool ends
  std::condition_variable idle;  // the last worker left the job
  const Work* work = nullptr;    // null: no job that may be joined
  uint64_t job = 0;              // number of the current one
  int busy = 0;                  // workers inside the job
  bool ending = false;
  std::exception_ptr failure;  // of the lowest index that failed, so that the same inputs fail alike
  int64_t failed_index = 0;

  int64_t count = 0;  // written while no worker is inside a job
  std::atomic<int64_t> next{0};
  std::atomic<bool> running{false};

  std::vector<std::thread> workers;

  void drain(const Work& call) {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      try {
        call(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure || i < failed_index) {
          failure = std::current_exception();
          failed_index = i;
        }
      }
    }
  }

  void serve() {
    std::unique_lock lock(mutex);
    for (uint64_t seen = 0;;) {
      wake.wait(lock, [&] { return ending || (work && job != seen); });
      if (ending) return;
      seen = job;
      const Work& call = *work;
      ++busy;
      lock.unlock();
      drain(call);
      lock.lock();
      if (--busy == 0) idle.notify_one();
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  SIL_CHECK(threads >= 1);
  try {
    for (int i = 1; i < threads; ++i) state_->workers.emplace_back([state = state_.get()] { state->serve(); });
  } catch (const std::system_error& error) {
    state_->end();
    throw Error(Exit::resources, "cannot start " + std::to_string(threads) + " threads: " + error.what(),
                "use fewer (--threads)");
  }
}

ThreadPool::~ThreadPool() {
  state_->end();
}

int ThreadPool::threads() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::for_each(int64_t n, const std::function<void(int64_t)>& work) {
  State& state = *state_;
  SIL_CHECK(!state.running.exchange(true));
  {
    const std::lock_guard lock(state.mutex);
    state.failure = nullptr;
    state.count = n;
    state.next = 0;
    ++state.job;
    state.work = n > 1 ? &work : nullptr;
  }
  if (n > 1) state.wake.notify_all();
  state.drain(work);
  std::unique_lock lock(state.mutex);
  state.work = nullptr;  // workers that wake up only now find nothing to join
  state.idle.wait(lock, [&] { return state.busy == 0; });
  const std::exception_ptr failure = std::exchange(state.failure, nullptr);
  lock.unlock();
  state.running = false;
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sil
