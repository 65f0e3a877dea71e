// The optimizer steps of an update, from the first or from a checkpoint, for any engine that can do one step.
#pragma once

#include <stop_token>
#include <string>

#include "sil/engine.h"

namespace sil {

// Weights that are being trained. One thread calls.
class Trainee {
 public:
  virtual ~Trainee() = default;

  struct Step {
    double loss = 0;
    double norm = 0;  // l2 of the gradient
    Metrics metrics;
  };
  // Loss and gradient of one step; the weights stay as they are.
  virtual Step learn(const TrainBatch& batch) = 0;
  // Moves the weights along the last gradient times `scale`.
  virtual void move(double learning_rate, double scale) = 0;
  // Error(Exit::diverged) where a weight is not finite after `step` steps.
  virtual void check_weights(int64_t step) const = 0;
  virtual void checkpoint(int64_t step, ByteSink& out) const = 0;
};

// Calls `trainee` from step `done` (what a checkpoint had finished) on; returns how many steps are done, fewer than
// batches.steps() when `stop` was requested, with a checkpoint given to `sink`.
struct TrainingLoop {
  TrainBatches& batches;
  const LossSpec& loss;
  const OptimizerOptions& optimizer;
  UpdateSink& sink;
  TokenId vocabulary = 0;

  int64_t run(Trainee& trainee, int64_t done, const std::stop_token& stop) const;
};

}  // namespace sil
