// The order in which examples are trained on: a pure function of the examples' canonical order and the random key,
// never of frames or memory. Canonical order is cut into blocks of 65,536; blocks, and examples inside a block, are
// sorted by Philox(key, epoch, item). They are then packed in that order into optimizer steps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sil/engine.h"
#include "sil/env.h"
#include "steps/pool.h"

namespace sil {

inline constexpr int64_t kOrderBlock = 65536;

struct TrainingPlanOptions {
  uint64_t key = 0;
  int64_t epochs = 1;
  int64_t steps = 0;  // > 0: exactly so many, over as many epochs as it takes
  int64_t batch_tokens = 16384;
  int64_t minibatches = 0;  // > 0: an epoch is cut into so many steps of whole groups instead
  bool needs_old = false;   // log-probs as sampled: an example without them is refused
};

// Fills TrainBatch::reference_logp; empty function when the loss needs none.
using ReferenceScorer = std::function<std::vector<float>(const TrainBatch& batch)>;

// Streams the steps of a finetune from the record; holds one block of examples at a time.
class RecordedBatches final : public TrainBatches {
 public:
  RecordedBatches(Env& env, std::string run_dir, std::vector<ExamplePart> parts, TrainingPlanOptions options,
                  ReferenceScorer reference);
  int64_t steps() const override { return static_cast<int64_t>(steps_.size()); }
  TrainBatch step(int64_t index) override;
  int64_t examples() const { return static_cast<int64_t>(lengths_.size()); }
  int64_t examples_taken() const;  // over all steps

 private:
  struct StepPlan {
    std::vector<uint32_t> items;  // example numbers in training order
  };
  void measure();
  std::vector<uint32_t> epoch_order(int64_t epoch) const;
  void plan_epoch(int64_t epoch);
  const Example& example(uint32_t number);

  Env& env_;
  std::string run_dir_;
  std::vector<ExamplePart> parts_;
  TrainingPlanOptions options_;
  ReferenceScorer reference_;
  std::vector<uint32_t> lengths_;                    // tokens of each example
  std::vector<uint64_t> groups_;                     // of each example, when minibatches are whole groups
  std::vector<std::pair<size_t, size_t>> frame_of_;  // by frame: (part, frame)
  std::vector<uint32_t> frame_begin_;                // first example of each frame
  std::vector<StepPlan> steps_;
  uint32_t block_begin_ = 0;
  std::vector<Example> block_;
};

}  // namespace sil
