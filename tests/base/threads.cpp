#include "base/threads.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sil/error.h"
#include "support/catch.h"

using namespace sil;

TEST_CASE("every index is worked on exactly once, whatever the number of threads", "[threads]") {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
      pool.for_each(n, [&](int64_t i) { ++visits[static_cast<size_t>(i)]; });
      for (const auto& count : visits) REQUIRE(count == 1);
    }
  }
}

TEST_CASE("thousands of short jobs in a row lose and repeat nothing", "[threads]") {
  ThreadPool pool(4);
  std::atomic<int64_t> sum{0};
  for (int job = 0; job < 5000; ++job) pool.for_each(3, [&](int64_t i) { sum += i + job; });
  CHECK(sum == 5000 * 3 + 3 * (int64_t{4999} * 5000 / 2));
}

TEST_CASE("items that wait for each other run at the same time", "[threads]") {
  ThreadPool pool(3);
  std::atomic<int> arrived{0};
  pool.for_each(3, [&](int64_t) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  CHECK(arrived == 3);
}

TEST_CASE("the failure of the lowest index is rethrown after all others finished, and the pool works on", "[threads]") {
  for (int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<int> finished{0};
      std::string message;
      try {
        pool.for_each(100, [&](int64_t i) {
          if (i % 10 == 3) throw std::runtime_error(std::to_string(i));
          ++finished;
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      REQUIRE(message == "3");
      REQUIRE(finished == 90);
    }
    std::atomic<int> count{0};
    pool.for_each(10, [&](int64_t) { ++count; });
    CHECK(count == 10);
  }
}

TEST_CASE("a job inside a job of the same pool is refused, not a deadlock", "[threads]") {
  ThreadPool pool(2);
  CHECK_THROWS_AS(pool.for_each(2, [&](int64_t) { pool.for_each(2, [](int64_t) {}); }), Error);
  CHECK_THROWS_AS(ThreadPool(0), Error);
}
