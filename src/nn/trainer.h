// Loss, gradient and movement of one optimizer step of a transformer.
//
// A step's sequences are cut into micro-shards (train_batch.h), a shard into packs of kPackTokens. A
// shard's gradient is one chain over its tokens in order, whatever thread computes it; the shards' gradients are added
// in order. Each thread takes a whole shard, so no operation waits for another thread; only adding up waits for its
// turn.
#pragma once

#include <memory>
#include <vector>

#include "base/threads.h"
#include "engines/loss_terms.h"
#include "engines/train_batch.h"
#include "engines/training_loop.h"
#include "nn/model.h"

namespace sil::nn {

struct Trained {
  State& state;                      // with moments where the options say adamw, and what is derived
  const Buffer* base = nullptr;      // the frozen weights of a model with an adapter
  const State* reference = nullptr;  // read by full-vocabulary terms only
};

class Trainer final : public Trainee {
 public:
  Trainer(const Model& model, const Trained& trained, const LossSpec& loss, const OptimizerOptions& options,
          ThreadPool& pool);
  ~Trainer() override;

  Step learn(const TrainBatch& batch) override;
  void move(double learning_rate, double scale) override;
  void check_weights(int64_t step) const override;
  void checkpoint(int64_t step, ByteSink& out) const override;

 private:
  class Worker;
  void run_shard(const TrainBatch& batch, const MicroShard& shard, int64_t index);
  double gradient_norm();

  const Model& model_;
  State& state_;
  const Buffer* base_;
  const State* reference_;
  LossTerms terms_;
  const OptimizerOptions& options_;
  ThreadPool& pool_;
  StepTotals totals_;
  std::vector<TermShare> shares_;   // [shard][term]
  std::vector<double> divergence_;  // [shard] loss of the full-vocabulary terms
  std::vector<Metrics> divergence_metrics_;
  Buffer gradient_;

  struct Turns;
  std::unique_ptr<Turns> turns_;
};

}  // namespace sil::nn
