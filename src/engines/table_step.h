// Loss and gradient of one optimizer step over a table.
//
// All target tokens with one context share a row of logits, so the work is done by row, not by token: a row's softmax
// is taken once, a token costs one look-up, and the gradient of a row is
//   d L / d z_j = (sum of dlogp over tokens that are j  -  p_j * sum of dlogp over all its tokens) / T.
// The loss is summed by micro-shard in order, a row's gradient token by token in training order: threads change no bit.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "engines/log_softmax.h"
#include "engines/loss_terms.h"
#include "engines/table_optimizer.h"
#include "engines/train_batch.h"

namespace sil {

class TableStep {
 public:
  // `reference` is read by full-vocabulary terms only; null without one.
  TableStep(const LossSpec& loss, const ContextTable* reference, ThreadPool& pool);

  // Adds rows for contexts that `table` has not seen. Results are valid until the next call.
  void run(const TrainBatch& batch, ContextTable& table);

  double loss() const { return loss_; }
  const Metrics& metrics() const { return metrics_; }
  TableGradient gradient() const { return {rows_, gradient_}; }

 private:
  // A row at a temperature: what log-probs are taken from and gradients gathered for.
  struct Place {
    int32_t row = 0;
    int32_t next = -1;   // place of the same row at another temperature
    int32_t target = 0;  // row of the gradient
    float temperature = 1;
    LogSum sum;
    double dlogp = 0;   // over its tokens
    double tokens = 0;  // its target tokens, for full-vocabulary terms
  };
  // Log-probs at one temperature rule (1, or the rollouts') and what the atoms of that rule return.
  struct Side {
    bool used = false;
    std::vector<int32_t> place;  // [N], -1 on context
    std::vector<float> logp;
    std::vector<float> dlogp;
  };

  void find_places(const TrainBatch& batch, ContextTable& table);
  int32_t place_of(int32_t row, float temperature);
  void take_log_probs(const TrainBatch& batch, const ContextTable& table);
  void run_shard(const TrainBatch& batch, const MicroShard& shard, std::span<TermShare> shares);
  void add_up();
  void gather(const TrainBatch& batch, const ContextTable& table);
  void scatter(const TrainBatch& batch, const Side& side, size_t width);
  void add_divergence(const LossTerm& term, const ContextTable& table);

  const LossSpec& loss_spec_;
  LossTerms terms_;
  const ContextTable* reference_;
  ThreadPool& pool_;

  StepTotals totals_;
  Side plain_;    // at temperature 1
  Side sampled_;  // at the rollouts' temperature
  std::vector<Place> places_;
  std::vector<int32_t> head_;  // [rows of the table] first place of a row, or -1
  std::vector<int32_t> rows_;  // touched rows
  std::vector<float> gradient_;
  std::vector<TermShare> shares_;  // [shard][term]
  double loss_ = 0;
  Metrics metrics_;
};

}  // namespace sil
