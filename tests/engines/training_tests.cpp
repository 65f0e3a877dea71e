// What engines share in training: schedules, micro-shards, totals, checks.
#include <cmath>

#include "engines/engine_data.h"
#include "engines/schedule.h"
#include "engines/train_batch.h"
#include "sil/error.h"

namespace sil::test {
namespace {

double factor(std::string schedule, int64_t warmup, int64_t step, int64_t steps) {
  OptimizerOptions options;
  options.schedule = std::move(schedule);
  options.warmup_steps = warmup;
  return schedule_factor(options, step, steps);
}

TEST_CASE("warm-up rises linearly to 1 with its last step, under every schedule") {
  for (const char* schedule : {"constant", "linear", "cosine", "wsd"}) {
    INFO(schedule);
    CHECK(factor(schedule, 4, 0, 20) == 0.25);
    CHECK(factor(schedule, 4, 3, 20) == 1);
    CHECK(factor(schedule, 4, 4, 20) == 1);
    CHECK(factor(schedule, 0, 0, 1) == 1);
    CHECK(factor(schedule, 50, 9, 20) == Approx(0.2));
  }
}

TEST_CASE("schedules follow their formulas") {
  CHECK(factor("constant", 0, 99, 100) == 1);
  CHECK(factor("linear", 0, 25, 100) == 0.75);
  CHECK(factor("linear", 20, 60, 100) == 0.5);
  for (int64_t step : {0, 1, 13, 50, 77, 99})
    CHECK(factor("cosine", 0, step, 100) ==
          Approx((1 + std::cos(M_PI * static_cast<double>(step) / 100)) / 2).margin(1e-15));
  CHECK(factor("wsd", 0, 79, 100) == 1);
  CHECK(factor("wsd", 0, 85, 100) == Approx(0.5));
  CHECK(factor("wsd", 0, 99, 100) == Approx(1 - std::sqrt(0.95)));
}

TEST_CASE("powers by squaring are powers") {
  CHECK(exact_power(0.9, 0) == 1);
  CHECK(exact_power(2, 10) == 1024);
  CHECK(exact_power(0.999, 1000) == Approx(std::pow(0.999, 1000)).epsilon(1e-13));
}

TEST_CASE("optimizer options out of range are refused") {
  const auto refused = [](const OptimizerOptions& options) {
    try {
      check_optimizer(options);
      return false;
    } catch (const Error& error) {
      return error.code() == Exit::usage;
    }
  };
  CHECK_FALSE(refused({}));
  CHECK(refused({.kind = "adam"}));
  CHECK(refused({.schedule = "cosin"}));
  CHECK(refused({.learning_rate = -1}));
  CHECK(refused({.learning_rate = std::nan("")}));
  CHECK(refused({.beta1 = 1}));
  CHECK(refused({.epsilon = 0}));
  CHECK(refused({.warmup_steps = -1}));
}

TrainBatch lengths(const std::vector<int32_t>& sizes, bool pairs = false) {
  TrainBatch batch;
  batch.pairs = pairs;
  for (int32_t size : sizes) batch.begin.push_back(batch.begin.back() + size);
  const auto tokens = static_cast<size_t>(batch.begin.back());
  batch.ids.assign(tokens, 0);
  batch.target.assign(tokens, 1);
  batch.credit.assign(tokens, 1);
  batch.temperature.assign(sizes.size(), 1);
  return batch;
}

std::vector<std::pair<size_t, size_t>> shards(const TrainBatch& batch) {
  std::vector<std::pair<size_t, size_t>> out;
  for (const MicroShard& shard : micro_shards(batch)) out.emplace_back(shard.first, shard.last);
  return out;
}

TEST_CASE("micro-shards hold whole sequences up to an eighth of the step; a longer one stands alone") {
  using Shards = std::vector<std::pair<size_t, size_t>>;
  CHECK(shards(lengths({})).empty());
  CHECK(shards(lengths({5})) == Shards{{0, 1}});
  CHECK(shards(lengths({200, 56, 1})) == Shards{{0, 2}, {2, 3}});  // 256 at least
  CHECK(shards(lengths({400, 400, 400, 400})) == Shards{{0, 1}, {1, 2}, {2, 3}, {3, 4}});
  CHECK(shards(lengths(std::vector<int32_t>(16, 300))) ==
        Shards{{0, 2}, {2, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 12}, {12, 14}, {14, 16}});
  CHECK(shards(lengths(std::vector<int32_t>(32, 1024))).size() == 16);  // 2,048 at most
  CHECK(shards(lengths({10, 3000, 10})) == Shards{{0, 1}, {1, 2}, {2, 3}});
  CHECK(shards(lengths({600, 600, 600, 600, 600, 600}, true)) == Shards{{0, 2}, {2, 4}, {4, 6}});
  CHECK(shards(lengths({60, 60, 60, 60, 60, 60}, true)) == Shards{{0, 4}, {4, 6}});
}

TEST_CASE("totals count target tokens, sequences that have one, and pairs") {
  TrainBatch batch = lengths({3, 2, 4, 1}, true);
  batch.target[0] = 0;
  batch.target[3] = batch.target[4] = 0;
  const StepTotals totals = step_totals(batch);
  CHECK(totals.tokens == 7);
  CHECK(totals.sequences == 3);
  CHECK(totals.pairs == 2);
}

TEST_CASE("a batch that lacks what a loss reads is a bug, an id beyond the vocabulary is bad data") {
  const auto code = [](const TrainBatch& batch, const char* loss) {
    try {
      check_batch(batch, loss_of(loss), 4);
      return Exit::ok;
    } catch (const Error& error) {
      return error.code();
    }
  };
  const TrainBatch batch = lengths({3, 3});
  CHECK(code(batch, "nll") == Exit::ok);
  CHECK(code(batch, "grpo") == Exit::internal);
  CHECK(code(batch, "dpo") == Exit::internal);
  TrainBatch strange = batch;
  strange.ids[4] = 4;
  CHECK(code(strange, "nll") == Exit::unreadable);
  strange.ids[4] = -1;
  CHECK(code(strange, "nll") == Exit::unreadable);
}

}  // namespace
}  // namespace sil::test
