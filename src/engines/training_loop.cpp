#include "engines/training_loop.h"

#include <algorithm>
#include <cmath>

#include "engines/schedule.h"
#include "engines/train_batch.h"
#include "sil/error.h"

namespace sil {
namespace {

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

}  // namespace

int64_t TrainingLoop::run(Trainee& trainee, int64_t done, const std::stop_token& stop) const {
  check_optimizer(optimizer);
  const int64_t steps = batches.steps();
  SIL_CHECK(done >= 0 && done <= steps);
  int64_t saved = -1;
  const auto save = [&] {
    if (saved == done) return;
    trainee.check_weights(done);
    sink.checkpoint(done, trainee.checkpoint(done));
    saved = done;
  };
  while (done < steps) {
    if (stop.stop_requested()) {
      save();
      break;
    }
    const TrainBatch batch = batches.step(done);
    check_batch(batch, loss, vocabulary);
    const Trainee::Step step = trainee.learn(batch);
    const double rate = optimizer.learning_rate * schedule_factor(optimizer, done, steps);
    ++done;
    check_finite(step.loss, "the loss", done, rate);
    check_finite(step.norm, "the gradient's norm", done, rate);
    trainee.move(rate, clip_scale(step.norm, optimizer.max_grad_norm));
    sink.step_done(done, step.loss, step.norm, step.metrics);
    if (sink.wants_checkpoint(done)) save();
  }
  trainee.check_weights(done);
  return done;
}

}  // namespace sil
