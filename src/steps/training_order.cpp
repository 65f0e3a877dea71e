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

bool is_chosen(const ExamplePart& part, int64_t number) {
  return !part.chosen || (*part.chosen)[static_cast<size_t>(number)];
}

template <class T>
void append_range(const std::vector<T>& from, uint32_t begin, uint32_t end, std::vector<T>& to) {
  to.insert(to.end(), from.begin() + begin, from.begin() + end);
}

}  // namespace

RecordedBatches::RecordedBatches(Env& env, std::string run_dir, std::vector<ExamplePart> parts,
                                 TrainingPlanOptions options, ReferenceScorer reference)
    : env_(env),
      run_dir_(std::move(run_dir)),
      parts_(std::move(parts)),
      options_(options),
      reference_(std::move(reference)),
      pool_(options.threads) {
  find_frames();
  if (examples_ > 0) plan();
}

void RecordedBatches::find_frames() {
  for (size_t p = 0; p < parts_.size(); ++p)
    for (size_t f = 0; f < parts_[p].frames.size(); ++f) {
      const Span span = parts_[p].spans[f];
      const int64_t begin = examples_;
      for (int64_t number = span.begin; number < span.end; ++number) examples_ += is_chosen(parts_[p], number);
      if (examples_ > begin) frames_.push_back({p, f, begin, examples_});
    }
}

void RecordedBatches::plan() {
  const int64_t epochs = options_.steps > 0 ? options_.steps : options_.epochs;  // an epoch has a step or more
  for (int64_t epoch = 0; epoch < epochs && !planned(); ++epoch) {
    options_.minibatches > 0 ? plan_by_groups(epoch) : plan_by_tokens(epoch);
    if (steps_.empty()) return;  // examples without tokens
  }
}

void RecordedBatches::plan_by_tokens(int64_t epoch) {
  StepPlan step{epoch};
  int64_t tokens = 0;
  for (uint32_t turn = 0; turn < blocks(); ++turn) {
    enter(epoch, turn);
    for (uint32_t i = 0; i < items_.size(); ++i) {
      const int64_t more = columns_[items_[i].frame].tokens(items_[i].example);
      if (tokens > 0 && tokens + more > options_.batch_tokens) {
        steps_.push_back(step);
        if (planned()) return;
        step = {epoch, turn, i};
        tokens = 0;
      }
      ++step.count;
      tokens += more;
    }
  }
  if (tokens > 0) steps_.push_back(step);
}

// Step m of n ends at the m/n-th part of the examples, or where the group that lies there ends.
void RecordedBatches::plan_by_groups(int64_t epoch) {
  StepPlan step{epoch};
  int64_t wanted = 1, before = 0;
  uint64_t group = 0;
  const auto end_of = [&](int64_t m) {
    return static_cast<int64_t>(static_cast<__int128>(examples_) * m / options_.minibatches);
  };
  for (uint32_t turn = 0; turn < blocks(); ++turn) {
    enter(epoch, turn);
    for (uint32_t i = 0; i < items_.size(); ++i, ++before) {
      const uint64_t next = columns_[items_[i].frame].group[items_[i].example];
      const bool may_end = before > 0 && next != group;
      group = next;
      if (may_end && end_of(wanted) <= before) {
        while (end_of(wanted) <= before) ++wanted;
        steps_.push_back(step);
        if (planned()) return;
        step = {epoch, turn, i};
      }
      ++step.count;
    }
  }
  steps_.push_back(step);
}

void RecordedBatches::enter(int64_t epoch, uint32_t turn) {
  if (epoch != epoch_) {
    turns_.resize(static_cast<size_t>(blocks()));
    std::iota(turns_.begin(), turns_.end(), 0U);
    std::sort(turns_.begin(), turns_.end(), [&](uint32_t a, uint32_t b) {
      return std::pair(sort_key(~options_.key, epoch, a), a) < std::pair(sort_key(~options_.key, epoch, b), b);
    });
    epoch_ = epoch;
  }
  const auto block = static_cast<int64_t>(turns_[turn]);
  if (block == block_ && epoch == sorted_epoch_) return;
  if (block != block_) read_block(block);
  sort_items();
}

void RecordedBatches::read_block(int64_t block) {
  const int64_t begin = block * kOrderBlock, end = std::min(examples_, begin + kOrderBlock);
  const auto first =
      std::partition_point(frames_.begin(), frames_.end(), [&](const FrameAt& f) { return f.end <= begin; });
  const auto last = std::partition_point(first, frames_.end(), [&](const FrameAt& f) { return f.begin < end; });
  block_ = -1;  // until all of it is there
  columns_.clear();
  columns_.resize(static_cast<size_t>(last - first));
  pool_.for_each(last - first,
                 [&](int64_t i) { columns_[static_cast<size_t>(i)] = read_frame_of(first[i], begin, end); });
  block_ = block;
  first_frame_ = static_cast<size_t>(first - frames_.begin());
}

// The examples of a frame that have numbers in [begin, end).
ExampleColumns RecordedBatches::read_frame_of(const FrameAt& frame, int64_t begin, int64_t end) const {
  const ExamplePart& part = parts_[frame.part];
  const Span span = part.spans[frame.frame];
  int64_t lines = 0, number = frame.begin;
  ExampleReading reading;
  reading.logprobs = options_.needs_old;
  reading.wanted = [&](size_t line) {
    ++lines;
    const int64_t record = span.begin + static_cast<int64_t>(line);
    if (record >= span.end || !is_chosen(part, record)) return false;
    const int64_t at = number++;
    return begin <= at && at < end;
  };
  ExampleColumns columns;
  read_example_columns(read_frame(env_, run_dir_, part.frames[frame.frame]), reading, columns);
  if (lines != span.end - span.begin)
    throw Error(Exit::corrupt,
                "a frame holds " + std::to_string(lines) + " examples, the journal says " +
                    std::to_string(span.end - span.begin),
                "restore the run directory from a copy", {part.frames[frame.frame].segment.text(), 0, 0});
  return columns;
}

void RecordedBatches::sort_items() {
  struct Keyed {
    uint64_t key;
    Item item;
  };
  std::vector<Keyed> keyed;
  int64_t number = block_ * kOrderBlock;
  for (uint32_t f = 0; f < columns_.size(); ++f)
    for (uint32_t e = 0; e < columns_[f].examples(); ++e, ++number) {
      const uint64_t what = options_.minibatches > 0 ? columns_[f].group[e] : static_cast<uint64_t>(number);
      keyed.push_back({sort_key(options_.key, epoch_, what), {f, e}});
    }
  std::stable_sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  items_.clear();
  for (const Keyed& k : keyed) items_.push_back(k.item);
  sorted_epoch_ = epoch_;
}

int64_t RecordedBatches::examples_taken() const {
  int64_t n = 0;
  for (const StepPlan& step : steps_) n += step.count;
  return n;
}

void RecordedBatches::append(const Item& item, TrainBatch& batch) const {
  const ExampleColumns& from = columns_[item.frame];
  const uint32_t first = from.first[item.example], last = from.first[item.example + 1];
  const uint32_t begin = from.begin[first], end = from.begin[last];
  batch.pairs = last - first == 2;
  for (uint32_t s = first; s < last; ++s) {
    batch.begin.push_back(batch.begin.back() + static_cast<int32_t>(from.begin[s + 1] - from.begin[s]));
    batch.temperature.push_back(from.temperature[s]);
  }
  append_range(from.ids, begin, end, batch.ids);
  append_range(from.target, begin, end, batch.target);
  append_range(from.credit, begin, end, batch.credit);
  if (options_.needs_old) append_range(from.logprobs, begin, end, batch.old_logp);
}

template <class Visit>
void RecordedBatches::visit_items(const StepPlan& plan, const Visit& visit) {
  uint32_t turn = plan.turn;
  size_t at = plan.item;
  enter(plan.epoch, turn);
  for (int64_t n = 0; n < plan.count; ++n) {
    if (at == items_.size()) {
      enter(plan.epoch, ++turn);
      at = 0;
    }
    visit(items_[at++]);
  }
}

TrainBatch RecordedBatches::gather(const StepPlan& plan) {
  TrainBatch batch;
  visit_items(plan, [&](const Item& item) { append(item, batch); });
  return batch;
}

std::string RecordedBatches::id_of(const Item& item) const {
  const FrameAt& frame = frames_[first_frame_ + item.frame];
  const ExamplePart& part = parts_[frame.part];
  const Span span = part.spans[frame.frame];
  std::vector<Example> examples;
  read_examples(read_frame(env_, run_dir_, part.frames[frame.frame]), examples);
  int64_t number = frame.begin;
  const int64_t wanted = std::max(frame.begin, block_ * kOrderBlock) + item.example;
  for (int64_t record = span.begin; record < span.end; ++record)
    if (is_chosen(part, record) && number++ == wanted) return examples[static_cast<size_t>(record - span.begin)].id;
  SIL_CHECK(false);
}

std::vector<std::string> RecordedBatches::example_ids(int64_t index, std::span<const size_t> places) {
  if (ahead_.valid()) ahead_.wait();  // it moves from block to block, too
  std::vector<std::string> ids;
  size_t place = 0;
  visit_items(steps_.at(static_cast<size_t>(index)), [&](const Item& item) {
    if (ids.size() < places.size() && place++ == places[ids.size()]) ids.push_back(id_of(item));
  });
  return ids;
}

TrainBatch RecordedBatches::step(int64_t index) {
  const StepPlan& plan = steps_.at(static_cast<size_t>(index));
  TrainBatch ahead = ahead_.valid() ? ahead_.get() : TrainBatch();
  TrainBatch batch = index == ahead_index_ ? std::move(ahead) : gather(plan);
  ahead_index_ = -1;
  if (reference_) batch.reference_logp = reference_(batch);
  if (pool_.threads() > 1 && index + 1 < steps()) {
    ahead_index_ = index + 1;
    ahead_ =
        std::async(std::launch::async, [this, &next = steps_[static_cast<size_t>(index + 1)]] { return gather(next); });
  }
  return batch;
}

}  // namespace sil
