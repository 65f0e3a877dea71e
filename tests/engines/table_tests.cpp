// The table: its predictions, its gradient, its optimizers.
#include <cmath>

#include "engines/engine_data.h"
#include "engines/engines.h"
#include "engines/table_optimizer.h"
#include "engines/table_state.h"
#include "engines/table_step.h"
#include "engines/tiny_codec.h"

namespace sil::test {
namespace {

std::unique_ptr<Engine> table(int64_t context, std::string alphabet = "abc") {
  Registry<EngineFactory> registry{"engine"};
  register_table(registry);
  return make_plugin(registry, "table", {{"context", context}})
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(std::move(alphabet)), .threads = 1});
}

// One step on given sequences; every token but the first is a target.
struct GivenStep final : TrainBatches {
  TrainBatch batch;
  int64_t count = 1;

  explicit GivenStep(const std::vector<std::vector<TokenId>>& sequences) {
    for (const std::vector<TokenId>& ids : sequences) {
      for (size_t n = 0; n < ids.size(); ++n) {
        batch.ids.push_back(ids[n]);
        batch.target.push_back(n > 0 ? 1 : 0);
        batch.credit.push_back(1);
      }
      batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.temperature.push_back(1);
    }
  }
  int64_t steps() const override { return count; }
  TrainBatch step(int64_t) override { return batch; }
};

std::vector<float> score(Engine& engine, Version version, const std::vector<TokenId>& ids) {
  return engine.score(version, {.ids = ids, .begin = {0, ids.size()}, .start = {1}}, 1);
}

TEST_CASE("a context that was never seen predicts uniformly") {
  const auto engine = table(3);
  for (float logprob : score(*engine, engine->initial(), {0, 1, 2, 3, 0, 0})) CHECK(logprob == Approx(-std::log(4.0)));
}

TEST_CASE("a prediction depends on the last n ids and on nothing before them") {
  const auto engine = table(2);
  GivenStep steps({{0, 1, 2, 0, 1}});
  Recorder recorder;
  UpdateCall call;
  call.optimizer = {.kind = "sgd", .learning_rate = 3};
  const Version version = call.run(*engine, engine->initial(), steps, recorder).version;
  const std::vector<float> seen = score(*engine, version, {0, 1, 2});
  CHECK(score(*engine, version, {2, 0, 1, 2})[2] == seen[1]);  // after 0 1
  CHECK(score(*engine, version, {1, 1, 2})[1] != seen[1]);     // after 1 1
  CHECK(score(*engine, version, {3, 0, 1})[1] != seen[0]);     // after 3 0, not after 0 at the beginning
}

TEST_CASE("one SGD step on nll moves a row by counts minus probabilities, by hand") {
  const auto engine = table(1);
  GivenStep steps({{0, 1, 0, 1}, {0, 2}});  // after 0: 1 1 2; after 1: 0; four target tokens
  Recorder recorder;
  UpdateCall call;
  call.optimizer = {.kind = "sgd", .learning_rate = 2};
  const Version version = call.run(*engine, engine->initial(), steps, recorder).version;
  CHECK(recorder.losses.front() == Approx(std::log(4.0)));
  // Logits after 0: -2 * (3 p - counts) / 4 with p = 1/4.
  const std::vector<double> logits = {-0.375, 0.625, 0.125, -0.375};
  double total = 0;
  for (double z : logits) total += std::exp(z);
  for (TokenId id = 0; id < 4; ++id)
    CHECK(score(*engine, version, {0, id})[0] == Approx(logits[size_t(id)] - std::log(total)).epsilon(1e-5));
  // Squares: row 0 (3/16, 5/16, 1/16, 3/16), row 1 (3/16, 1/16, 1/16, 1/16).
  CHECK(recorder.norms.front() == Approx(std::sqrt(9 + 25 + 1 + 9 + 9 + 1 + 1 + 1) / 16));
}

TEST_CASE("clipping scales the gradient to the norm asked for") {
  GivenStep steps({{0, 1, 0, 1}, {0, 2}});
  const auto logit_gap = [&](double most) {
    const auto engine = table(1);
    Recorder recorder;
    UpdateCall call;
    call.optimizer = {.kind = "sgd", .learning_rate = 2, .max_grad_norm = most};
    const Version version = call.run(*engine, engine->initial(), steps, recorder).version;
    return static_cast<double>(score(*engine, version, {0, 1})[0] - score(*engine, version, {0, 0})[0]);
  };
  const double norm = std::sqrt(56.0) / 16;
  CHECK(logit_gap(0) == Approx(1));
  CHECK(logit_gap(norm / 2) == Approx(0.5).epsilon(1e-5));
  CHECK(logit_gap(2 * norm) == Approx(1));
}

// --- gradients against finite differences
// ------------------------------------------------------------------------------

TrainBatch small_batch(bool pairs) {
  RandomSteps steps(4);
  steps.sequences = 6;
  steps.length = 9;
  steps.pairs = pairs;
  steps.temperatures = {1, 0.5F, 2};
  TrainBatch batch = steps.step(3);
  // Near the policy that sampled, so that few ratios are clipped.
  for (float& old : batch.old_logp) old = -1.4F + 0.1F * old;
  return batch;
}

ContextTable random_table(uint64_t item) {
  ContextTable made(1, 4);
  RandomStream random(5, item);
  for (TokenId id = -1; id < 4; ++id) made.find_or_add(std::vector<TokenId>{id});
  for (float& logit : made.all_logits()) logit = static_cast<float>(2 * random.unit() - 1);
  return made;
}

TEST_CASE("the table's gradient is the derivative of its loss, for every kind of term") {
  const std::vector<std::pair<std::string, Json::Object>> modes = {
      {"nll", {}},
      {"reinforce", {}},
      {"pg", {{"clip_low", 0.9}, {"clip_high", 9.0}}},
      {"pg", {{"ratio", "sequence"}, {"clip_low", 0.9}, {"clip_high", 9.0}}},
      {"dpo", {{"beta", 0.5}}},
      {"match", {{"divergence", "k3"}}},
      {"match", {{"divergence", "forward_kl"}, {"coef", 0.3}}},
      {"match", {{"divergence", "reverse_kl"}, {"coef", 0.3}}},
  };
  ThreadPool pool(1);
  const ContextTable reference = random_table(1);
  for (const auto& mode : modes) {
    INFO(mode.first << dump(Json(mode.second)));
    LossSpec loss = loss_of(mode.first, mode.second);
    loss.terms.push_back(loss_of("nll", {{"coef", 0.25}}).terms.front());
    const TrainBatch batch = small_batch(mode.first == "dpo");
    ContextTable weights = random_table(0);
    TableStep step(loss, &reference, pool);
    step.run(batch, weights);
    const std::vector<int32_t> rows(step.gradient().rows.begin(), step.gradient().rows.end());
    const std::vector<float> gradient(step.gradient().values.begin(), step.gradient().values.end());
    for (size_t i = 0; i < gradient.size(); ++i) {
      float& logit = weights.row(static_cast<size_t>(rows[i / 4]))[i % 4];
      const float at = logit;
      logit = at + 0x1p-7F;
      const float up = logit;
      step.run(batch, weights);
      const double above = step.loss();
      logit = at - 0x1p-7F;
      const double width = static_cast<double>(up) - static_cast<double>(logit);
      step.run(batch, weights);
      const double slope = (above - step.loss()) / width;
      logit = at;
      INFO("row " << rows[i / 4] << " id " << i % 4);
      CHECK(static_cast<double>(gradient[i]) == Approx(slope).margin(1e-4).epsilon(1e-3));
    }
  }
}

TEST_CASE("matching the version itself over the vocabulary costs nothing and moves nothing") {
  const auto engine = table(2, "abcdefgh");
  const Version version = trained(*engine);
  for (const char* divergence : {"forward_kl", "reverse_kl"}) {
    RandomSteps steps(9);
    steps.count = 1;
    Recorder recorder;
    UpdateCall call;
    call.loss = loss_of("match", {{"divergence", divergence}});
    call.reference = version;
    call.run(*engine, version, steps, recorder);
    CHECK(recorder.losses.front() == Approx(0).margin(1e-6));
    CHECK(recorder.norms.front() == Approx(0).margin(1e-6));
  }
}

TEST_CASE("matching another version over the vocabulary approaches it") {
  const auto engine = table(2, "abcdefgh");
  const Version teacher = trained(*engine);
  RandomSteps steps(9);
  steps.count = 60;
  for (const char* divergence : {"forward_kl", "reverse_kl"}) {
    Recorder recorder;
    UpdateCall call;
    call.loss = loss_of("match", {{"divergence", divergence}});
    call.optimizer = {.kind = "adamw", .learning_rate = 0.1};
    call.reference = teacher;
    call.run(*engine, engine->initial(), steps, recorder);
    CHECK(recorder.losses.back() < 0.1 * recorder.losses.front());
    CHECK(recorder.metrics.front().at("match.kl") == Approx(recorder.losses.front()));
  }
}

TEST_CASE("a step without target tokens has no loss and moves no weight") {
  const auto engine = table(1);
  GivenStep steps({{0, 1}, {2, 1}});
  std::fill(steps.batch.target.begin(), steps.batch.target.end(), uint8_t{0});
  Recorder recorder;
  const Version first = engine->initial();
  CHECK(engine->digest(UpdateCall().run(*engine, first, steps, recorder).version) == engine->digest(first));
  CHECK(recorder.losses.front() == 0);
  CHECK(recorder.norms.front() == 0);
}

// --- optimizers
// --------------------------------------------------------------------------------------------------------

TEST_CASE("AdamW by hand, over rows that a step touches and rows that it does not") {
  // lr 0.1, betas 0.9 and 0.99, epsilon 1e-8, weight decay 0.5. Row 0 gets gradients 2, then 0; row 1 is added in the
  // second step with gradient -1.
  const OptimizerOptions options{
      .kind = "adamw", .learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = 0.5};
  ThreadPool pool(1);
  TableState state{ContextTable(1, 1), {}};
  state.table.find_or_add(std::vector<TokenId>{0});
  state.table.row(0)[0] = 1;
  state.moments.first.resize(1);
  state.moments.second.resize(1);
  TableOptimizer optimizer(options, pool);

  const std::vector<int32_t> row0 = {0};
  const std::vector<float> two = {2};
  optimizer.step(state, {row0, two}, 0.1, 1);
  // m = 0.2, v = 0.04; corrected 2 and 4: 1 - 0.1*0.5*1 - 0.1 * 2/2 = 0.85.
  CHECK(state.table.row(0)[0] == Approx(0.85).epsilon(1e-6));
  CHECK(state.moments.first[0] == Approx(0.2));
  CHECK(state.moments.second[0] == Approx(0.04));

  state.table.find_or_add(std::vector<TokenId>{1});
  state.moments.first.resize(2);
  state.moments.second.resize(2);
  const std::vector<int32_t> row1 = {1};
  const std::vector<float> minus_one = {-1};
  optimizer.step(state, {row1, minus_one}, 0.1, 1);
  // Row 0: m = 0.18, v = 0.0396; corrected by 0.19 and 0.0199: 0.947368 / sqrt(1.989950) = 0.671580;
  // 0.85 * 0.95 - 0.1 * 0.671580 = 0.740342.
  CHECK(state.table.row(0)[0] == Approx(0.740342).epsilon(1e-6));
  // Row 1: m = -0.1, v = 0.01; -0.526316 / sqrt(0.502513) = -0.742460; 0 + 0.0742460.
  CHECK(state.table.row(1)[0] == Approx(0.0742460).epsilon(1e-6));
  CHECK(state.moments.steps == 2);
}

TEST_CASE("SGD by hand, with weight decay and clipping") {
  const OptimizerOptions options{.kind = "sgd", .weight_decay = 0.5};
  ThreadPool pool(1);
  TableState state{ContextTable(1, 1), {}};
  for (TokenId id : {0, 1}) {
    state.table.find_or_add(std::vector<TokenId>{id});
    state.table.row(static_cast<size_t>(id))[0] = 1;
  }
  const std::vector<int32_t> rows = {0};
  const std::vector<float> gradient = {4};
  TableOptimizer(options, pool).step(state, {rows, gradient}, 0.1, 0.25);
  CHECK(state.table.row(0)[0] == Approx(1 - 0.1 * (1 + 0.5)));
  CHECK(state.table.row(1)[0] == Approx(1 - 0.1 * 0.5));
}

TEST_CASE("a digest does not depend on the order in which contexts were met") {
  const auto engine = table(2);
  const auto after = [&](const std::vector<std::vector<TokenId>>& sequences) {
    GivenStep steps(sequences);
    Recorder recorder;
    UpdateCall call;
    call.optimizer = {.kind = "sgd", .learning_rate = 1};
    return engine->digest(call.run(*engine, engine->initial(), steps, recorder).version);
  };
  CHECK(after({{0, 1}, {2, 3}}) == after({{2, 3}, {0, 1}}));
  CHECK(after({{0, 1}, {2, 3}}) != after({{0, 1}, {2, 1}}));
}

TEST_CASE("a table without a tokenizer is a usage error") {
  Registry<EngineFactory> registry{"engine"};
  register_table(registry);
  try {
    make_plugin(registry, "table")->make({.key = 1, .codec = nullptr, .threads = 1});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
  }
}

}  // namespace
}  // namespace sil::test
