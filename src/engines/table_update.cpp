#include "engines/table_update.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engines/table_optimizer.h"
#include "engines/table_step.h"
#include "engines/training_loop.h"
#include "sil/error.h"

namespace sil {
namespace {

void prepare_moments(TableState& state, const OptimizerOptions& options, bool fresh) {
  if (options.kind == "sgd" || fresh) state.moments = {};
  if (options.kind == "sgd") return;
  state.moments.first.resize(state.table.all_logits().size());
  state.moments.second.resize(state.table.all_logits().size());
}

class TableTrainee final : public Trainee {
 public:
  TableTrainee(TableState& state, const TableShape& shape, const TableUpdate& update)
      : state_(state),
        shape_(shape),
        options_(update.optimizer),
        step_(update.loss, update.reference, update.pool),
        optimizer_(update.optimizer, update.pool) {}

  Step learn(const TrainBatch& batch) override {
    step_.run(batch, state_.table);
    prepare_moments(state_, options_, false);  // of the rows that the step added
    return {.loss = step_.loss(), .norm = gradient_norm(step_.gradient()), .metrics = step_.metrics()};
  }
  void move(double learning_rate, double scale) override {
    optimizer_.step(state_, step_.gradient(), learning_rate, scale);
  }
  void check_weights(int64_t step) const override {
    const std::span<const float> logits = state_.table.all_logits();
    const auto bad = std::find_if(logits.begin(), logits.end(), [](float value) { return !std::isfinite(value); });
    if (bad == logits.end()) return;
    throw Error(Exit::diverged, "optimizer step " + std::to_string(step) + ": a weight is " + std::to_string(*bad),
                "lower learning_rate");
  }
  void checkpoint(int64_t step, ByteSink& out) const override {
    write_table_checkpoint(state_, shape_.codec, step, out);
  }

 private:
  TableState& state_;
  const TableShape& shape_;
  const OptimizerOptions& options_;
  TableStep step_;
  TableOptimizer optimizer_;
};

}  // namespace

int64_t run_table_update(TableState& state, const TableShape& shape, const TableUpdate& update, std::stop_token stop) {
  if (update.resume) state = read_table_checkpoint(*update.resume, shape);
  prepare_moments(state, update.optimizer, !update.resume && !update.optimizer.keep_state);
  TableTrainee trainee(state, shape, update);
  const TrainingLoop loop{.batches = update.batches,
                          .loss = update.loss,
                          .optimizer = update.optimizer,
                          .sink = update.sink,
                          .vocabulary = static_cast<TokenId>(shape.vocabulary)};
  const int64_t steps = loop.run(trainee, update.resume ? update.resume->step : 0, stop);
  state.settle();
  return steps;
}

}  // namespace sil
