// The order in which examples are trained on: a pure function of the examples' canonical order and the random key,
// never of frames, threads or memory. Canonical order is cut into blocks of 65,536; blocks, and examples inside a
// block, are sorted by Philox(key, epoch, item). They are then packed in that order into optimizer steps.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/threads.h"
#include "record/example_columns.h"
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
  int threads = 1;          // that read; with more than one, the next step is put together while one is worked on
};

// Fills TrainBatch::reference_logp; empty function when the loss needs none.
using ReferenceScorer = std::function<std::vector<float>(const TrainBatch& batch)>;

// Streams the steps of a finetune from the record. Memory: one block of examples and a few words a step. What is larger
// than a block is read once to plan an epoch and once to train on it.
class RecordedBatches final : public TrainBatches {
 public:
  RecordedBatches(Env& env, std::string run_dir, std::vector<ExamplePart> parts, TrainingPlanOptions options,
                  ReferenceScorer reference);
  int64_t steps() const override { return static_cast<int64_t>(steps_.size()); }
  TrainBatch step(int64_t index) override;
  // Ids of the examples at `places` of a step, ascending; reads their frames again.
  std::vector<std::string> example_ids(int64_t index, std::span<const size_t> places);
  int64_t examples() const { return examples_; }
  int64_t examples_taken() const;  // over all steps

 private:
  // Consecutive examples of an epoch's order, from `item` of the block that comes in the `turn`th place.
  struct StepPlan {
    int64_t epoch = 0;
    uint32_t turn = 0;
    uint32_t item = 0;
    int64_t count = 0;
  };
  struct FrameAt {
    size_t part = 0, frame = 0;
    int64_t begin = 0, end = 0;  // its examples
  };
  // Where an example of the current block lies.
  struct Item {
    uint32_t frame = 0, example = 0;
  };

  void find_frames();
  void plan();
  void plan_by_tokens(int64_t epoch);
  void plan_by_groups(int64_t epoch);
  bool planned() const { return options_.steps > 0 && steps() >= options_.steps; }
  int64_t blocks() const { return (examples_ + kOrderBlock - 1) / kOrderBlock; }
  // Makes a block the current one: its columns in memory, its items in the epoch's order.
  void enter(int64_t epoch, uint32_t turn);
  void read_block(int64_t block);
  ExampleColumns read_frame_of(const FrameAt& frame, int64_t begin, int64_t end) const;
  void sort_items();
  // Calls visit(item) for a step's examples in order, while their block is the current one.
  template <class Visit>
  void visit_items(const StepPlan& plan, const Visit& visit);
  TrainBatch gather(const StepPlan& plan);
  std::string id_of(const Item& item) const;
  void append(const Item& item, TrainBatch& batch) const;

  Env& env_;
  std::string run_dir_;
  std::vector<ExamplePart> parts_;
  TrainingPlanOptions options_;
  ReferenceScorer reference_;
  ThreadPool pool_;
  int64_t examples_ = 0;
  std::vector<FrameAt> frames_;  // those that hold examples
  std::vector<StepPlan> steps_;

  // The current block.
  int64_t epoch_ = -1;
  std::vector<uint32_t> turns_;  // blocks in the order of `epoch_`
  int64_t block_ = -1;
  size_t first_frame_ = 0;               // of the block
  std::vector<ExampleColumns> columns_;  // one a frame
  int64_t sorted_epoch_ = -1;            // of items_
  std::vector<Item> items_;

  int64_t ahead_index_ = -1;
  std::future<TrainBatch> ahead_;  // uses all of the above: ends first
};

}  // namespace sil
