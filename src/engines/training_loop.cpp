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

// Sequences [first, last) as a batch of their own.
TrainBatch part_of(const TrainBatch& batch, size_t first, size_t last) {
  const auto cut = [&](const auto& values) {
    using Values = std::remove_cvref_t<decltype(values)>;
    if (values.empty()) return Values();
    return Values(values.begin() + batch.begin[first], values.begin() + batch.begin[last]);
  };
  TrainBatch part;
  for (size_t s = first; s < last; ++s) part.begin.push_back(batch.begin[s + 1] - batch.begin[first]);
  part.ids = cut(batch.ids);
  part.target = cut(batch.target);
  part.credit = cut(batch.credit);
  part.old_logp = cut(batch.old_logp);
  part.reference_logp = cut(batch.reference_logp);
  part.temperature.assign(batch.temperature.begin() + static_cast<std::ptrdiff_t>(first),
                          batch.temperature.begin() + static_cast<std::ptrdiff_t>(last));
  part.pairs = batch.pairs;
  return part;
}

bool finite(const Trainee::Step& step) {
  return std::isfinite(step.loss) && std::isfinite(step.norm);
}

[[noreturn]] void throw_diverged(Trainee& trainee, const TrainBatch& batch, const Trainee::Step& step, int64_t index,
                                 double learning_rate) {
  const size_t stride = batch.pairs ? 2 : 1;
  std::vector<size_t> examples;
  for (size_t s = 0; s + 1 < batch.begin.size(); s += stride)
    if (!finite(trainee.learn(part_of(batch, s, s + stride)))) examples.push_back(s / stride);
  const bool loss = !std::isfinite(step.loss);
  throw Diverged("optimizer step " + std::to_string(index + 1) + ": " + (loss ? "the loss" : "the gradient's norm") +
                     " is " + std::to_string(loss ? step.loss : step.norm) + " at learning_rate " +
                     std::to_string(learning_rate),
                 index, std::move(examples), batch.temperature.size() / stride);
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
    sink.checkpoint(done, [&](ByteSink& out) { trainee.checkpoint(done, out); });
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
    if (!finite(step)) throw_diverged(trainee, batch, step, done, rate);
    ++done;
    trainee.move(rate, clip_scale(step.norm, optimizer.max_grad_norm));
    sink.step_done(done, step.loss, step.norm, step.metrics);
    if (sink.wants_checkpoint(done)) save();
  }
  trainee.check_weights(done);
  return done;
}

}  // namespace sil
