#include "engines/table_update.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engines/schedule.h"
#include "engines/table_optimizer.h"
#include "engines/table_step.h"
#include "sil/error.h"

namespace sil {
namespace {

void prepare_moments(TableState& state, const OptimizerOptions& options, bool fresh) {
  if (options.kind == "sgd" || fresh) state.moments = {};
  if (options.kind == "sgd") return;
  state.moments.first.resize(state.table.all_logits().size());
  state.moments.second.resize(state.table.all_logits().size());
}

// As torch.nn.utils.clip_grad_norm_.
double clip_scale(double norm, double most) {
  return most == 0 ? 1 : std::min(1.0, most / (norm + 1e-6));
}

void check_finite(double value, const char* what, int64_t step, double learning_rate) {
  if (std::isfinite(value)) return;
  throw Error(Exit::diverged,
              std::string("optimizer step ") + std::to_string(step) + ": " + what + " is " + std::to_string(value) +
                  " at learning_rate " + std::to_string(learning_rate),
              "lower learning_rate, or bound the gradient with max_grad_norm: 1");
}

void check_weights(const ContextTable& table, int64_t step) {
  const std::span<const float> logits = table.all_logits();
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float value) { return !std::isfinite(value); });
  if (bad == logits.end()) return;
  throw Error(Exit::diverged, "optimizer step " + std::to_string(step) + ": a weight is " + std::to_string(*bad),
              "lower learning_rate");
}

}  // namespace

int64_t run_table_update(TableState& state, const TableShape& shape, const TableUpdate& update, std::stop_token stop) {
  check_optimizer(update.optimizer);
  const int64_t steps = update.batches.steps();
  int64_t done = 0;
  if (update.resume != nullptr) {
    state = read_table_checkpoint(*update.resume, shape);
    done = update.resume->step;
    SIL_CHECK(done >= 0 && done <= steps);
  }
  prepare_moments(state, update.optimizer, update.resume == nullptr && !update.optimizer.keep_state);

  TableStep step(update.loss, update.reference, update.pool);
  TableOptimizer optimizer(update.optimizer, update.pool);
  int64_t saved = -1;
  const auto save = [&] {
    if (saved == done) return;
    check_weights(state.table, done);
    update.sink.checkpoint(done, write_table_checkpoint(state, shape.codec, done));
    saved = done;
  };
  while (done < steps) {
    if (stop.stop_requested()) {
      save();
      break;
    }
    const TrainBatch batch = update.batches.step(done);
    check_batch(batch, update.loss, static_cast<TokenId>(shape.vocabulary));
    step.run(batch, state.table);
    prepare_moments(state, update.optimizer, false);  // of the rows that the step added
    const double norm = gradient_norm(step.gradient());
    const double rate = update.optimizer.learning_rate * schedule_factor(update.optimizer, done, steps);
    ++done;
    check_finite(step.loss(), "the loss", done, rate);
    check_finite(norm, "the gradient's norm", done, rate);
    optimizer.step(state, step.gradient(), rate, clip_scale(norm, update.optimizer.max_grad_norm));
    update.sink.step_done(done, step.loss(), norm, step.metrics());
    if (update.sink.wants_checkpoint(done)) save();
  }
  check_weights(state.table, done);
  state.settle();
  return done;
}

}  // namespace sil
