#include "steps/training_order.h"

#include <algorithm>
#include <numeric>

#include "sil/rng.h"

namespace sil {
namespace {

uint64_t sort_key(uint64_t key, int64_t epoch, uint64_t item) {
  auto words = philox4x32_10(
      {static_cast<uint32_t>(item), static_cast<uint32_t>(item >> 32), static_cast<uint32_t>(epoch), 0}, key);
  return uint64_t{words[0]} << 32 | words[1];
}

uint32_t tokens_of(const Example& example) {
  size_t n = 0;
  for (const ExampleSequence& sequence : example.sequences) n += sequence.ids.size();
  return static_cast<uint32_t>(n);
}

void append_sequence(const Example& example, const ExampleSequence& sequence, bool needs_old, TrainBatch& batch) {
  if (needs_old && sequence.logprobs.empty())
    throw Error(
        Exit::usage, "example " + example.id + " has no log-probabilities of its sampling",
        "the loss needs rollouts sampled under the same context: use nll, or leave out hints and demonstrations");
  size_t begin = batch.ids.size();
  batch.ids.insert(batch.ids.end(), sequence.ids.begin(), sequence.ids.end());
  batch.target.resize(batch.ids.size(), 0);
  batch.credit.resize(batch.ids.size(), 0);
  for (const Segment& segment : sequence.segments) {
    if (segment.weight == 0) continue;
    for (auto i = static_cast<size_t>(std::max(segment.begin, 1)); i < static_cast<size_t>(segment.end); ++i) {
      batch.target[begin + i] = 1;
      batch.credit[begin + i] = static_cast<float>(segment.weight);
    }
  }
  if (needs_old) batch.old_logp.insert(batch.old_logp.end(), sequence.logprobs.begin(), sequence.logprobs.end());
  batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
  batch.temperature.push_back(sequence.temperature);
}

}  // namespace

RecordedBatches::RecordedBatches(Env& env, std::string run_dir, std::vector<ExamplePart> parts,
                                 TrainingPlanOptions options, ReferenceScorer reference)
    : env_(env),
      run_dir_(std::move(run_dir)),
      parts_(std::move(parts)),
      options_(options),
      reference_(std::move(reference)) {
  measure();
  if (lengths_.empty()) return;
  int64_t epochs = options_.steps > 0 ? options_.steps : options_.epochs;  // `steps` never needs more epochs than steps
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    plan_epoch(epoch);
    if (options_.steps > 0 && steps() >= options_.steps) break;
  }
  if (options_.steps > 0) steps_.resize(static_cast<size_t>(options_.steps));
}

void RecordedBatches::measure() {
  for (size_t p = 0; p < parts_.size(); ++p)
    for (size_t f = 0; f < parts_[p].frames.size(); ++f) {
      frame_of_.emplace_back(p, f);
      frame_begin_.push_back(static_cast<uint32_t>(lengths_.size()));
      for (const Example& e : read_examples(env_, run_dir_, parts_[p], f)) {
        lengths_.push_back(tokens_of(e));
        if (options_.minibatches > 0) groups_.push_back(e.group);
      }
    }
}

std::vector<uint32_t> RecordedBatches::epoch_order(int64_t epoch) const {
  auto n = static_cast<uint32_t>(lengths_.size());
  std::vector<uint32_t> blocks((n + kOrderBlock - 1) / kOrderBlock);
  std::iota(blocks.begin(), blocks.end(), 0U);
  std::sort(blocks.begin(), blocks.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(sort_key(~options_.key, epoch, a), a) < std::pair(sort_key(~options_.key, epoch, b), b);
  });
  std::vector<uint32_t> order;
  order.reserve(n);
  for (uint32_t block : blocks) {
    std::vector<std::pair<uint64_t, uint32_t>> keyed;
    auto begin = static_cast<uint32_t>(block * kOrderBlock);
    for (uint32_t i = begin; i < std::min<uint32_t>(n, begin + kOrderBlock); ++i)
      keyed.emplace_back(sort_key(options_.key, epoch, groups_.empty() ? i : groups_[i]), i);
    std::sort(keyed.begin(), keyed.end());
    for (const auto& [key, item] : keyed) order.push_back(item);
  }
  return order;
}

void RecordedBatches::plan_epoch(int64_t epoch) {
  std::vector<uint32_t> order = epoch_order(epoch);
  StepPlan step;
  if (options_.minibatches > 0) {
    size_t begin = 0;
    for (int64_t m = 1; m <= options_.minibatches; ++m) {
      size_t end = order.size() * static_cast<size_t>(m) / static_cast<size_t>(options_.minibatches);
      while (end > 0 && end < order.size() && groups_[order[end]] == groups_[order[end - 1]]) ++end;
      if (end <= begin) continue;
      step.items.assign(order.begin() + static_cast<std::ptrdiff_t>(begin),
                        order.begin() + static_cast<std::ptrdiff_t>(end));
      steps_.push_back(std::move(step));
      begin = end;
    }
    return;
  }
  int64_t tokens = 0;
  for (uint32_t item : order) {
    if (tokens > 0 && tokens + lengths_[item] > options_.batch_tokens) {
      steps_.push_back(std::move(step));
      step = StepPlan();
      tokens = 0;
    }
    step.items.push_back(item);
    tokens += lengths_[item];
  }
  if (tokens > 0) steps_.push_back(std::move(step));
}

int64_t RecordedBatches::examples_taken() const {
  int64_t n = 0;
  for (const StepPlan& step : steps_) n += static_cast<int64_t>(step.items.size());
  return n;
}

const Example& RecordedBatches::example(uint32_t number) {
  if (number < block_begin_ || number >= block_begin_ + block_.size()) {
    block_begin_ = number / static_cast<uint32_t>(kOrderBlock) * static_cast<uint32_t>(kOrderBlock);
    auto end =
        std::min<uint32_t>(static_cast<uint32_t>(lengths_.size()), block_begin_ + static_cast<uint32_t>(kOrderBlock));
    block_.clear();
    size_t frame = static_cast<size_t>(std::upper_bound(frame_begin_.begin(), frame_begin_.end(), block_begin_) -
                                       frame_begin_.begin()) -
                   1;
    for (; frame < frame_begin_.size() && frame_begin_[frame] < end; ++frame) {
      uint32_t at = frame_begin_[frame];
      for (Example& e : read_examples(env_, run_dir_, parts_[frame_of_[frame].first], frame_of_[frame].second)) {
        if (at >= block_begin_ && at < end) block_.push_back(std::move(e));
        ++at;
      }
    }
  }
  return block_[number - block_begin_];
}

TrainBatch RecordedBatches::step(int64_t index) {
  TrainBatch batch;
  for (uint32_t item : steps_.at(static_cast<size_t>(index)).items) {
    const Example& e = example(item);
    batch.pairs = e.sequences.size() == 2;
    for (const ExampleSequence& sequence : e.sequences) append_sequence(e, sequence, options_.needs_old, batch);
  }
  if (reference_) batch.reference_logp = reference_(batch);
  return batch;
}

}  // namespace sil
