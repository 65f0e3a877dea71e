#include "nn/sampler.h"

#include <algorithm>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engines/sampling.h"
#include "engines/stop_text.h"
#include "nn/tape.h"
#include "sil/error.h"

namespace sil::nn {
namespace {

// Regions of one size, handed out and taken back.
class Regions {
 public:
  Regions(int64_t first, int64_t capacity, int64_t count) {
    for (int64_t i = count; i-- > 0;) free_.push_back({first + i * capacity, capacity});
  }
  bool any() const { return !free_.empty(); }
  int64_t count() const { return static_cast<int64_t>(free_.size()); }
  Cache::Region take() {
    const Cache::Region region = free_.back();
    free_.pop_back();
    return region;
  }
  void give(const Cache::Region& region) { free_.push_back(region); }

 private:
  std::vector<Cache::Region> free_;
};

// Requests of one prompt that this thread took together.
struct Group {
  std::span<const TokenId> prompt;
  RequestQueue::Range requests;
  Cache::Region region;
  int64_t prefilled = 0;  // prompt tokens in the cache
  int64_t unfinished = 0;

  int64_t length() const { return static_cast<int64_t>(prompt.size()); }
  bool ready() const { return prefilled == length(); }
};

struct Slot {
  size_t request = 0;
  Group* group = nullptr;
  Cache::Region region;
  DrawAddress address;
  TokenId last = 0;  // to be read next
  std::vector<TokenId> ids;
  std::vector<float> logprobs;
  std::vector<float> kept_mass;
  std::vector<TokenId> top_ids;
  std::vector<float> top_logprobs;
  std::unique_ptr<StopText> text;
  size_t told = 0;  // bytes of it
};

SamplingWorkload workload(const GenerateBatch& batch) {
  const auto requests = static_cast<int64_t>(batch.prompt.size());
  const int64_t prompts = std::ssize(batch.prompt_begin) - 1;
  int64_t longest = 0;
  for (size_t p = 0; p + 1 < batch.prompt_begin.size(); ++p)
    longest = std::max(longest, static_cast<int64_t>(batch.prompt_begin[p + 1] - batch.prompt_begin[p]));
  return {.requests = requests,
          .samples = std::max<int64_t>(1, requests / std::max<int64_t>(1, prompts)),
          .prompt_tokens = longest,
          .new_tokens = batch.sampling.max_new_tokens};
}

class Sampling {
 public:
  Sampling(const SamplingWork& work, const SamplerOptions& options)
      : work_(work),
        shape_(work.model.shape()),
        prefill_rows_(options.prefill_rows),
        weights_(shape_, work.model.parameters(), work.weights, nullptr),
        capacity_(shape_, workload(work.batch), options.slots),
        cache_(shape_.heads, shape_.layers, capacity_.positions(), work.kernels.memory()),
        slots_free_(0, capacity_.own, capacity_.slots),
        prefixes_free_(capacity_.slots * capacity_.own, capacity_.prefix, capacity_.prefixes),
        sampler_(work.batch.sampling, static_cast<size_t>(shape_.vocabulary)),
        tape_(work.kernels, arena_, false) {}

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      admit();
      if (groups_.empty()) return;
      step();
    }
  }

 private:
  void admit() {
    while (slots_free_.any() && prefixes_free_.any()) {
      const RequestQueue::Range range = work_.queue.take(static_cast<size_t>(slots_free_.count()));
      if (range.empty()) return;
      Group group{.prompt = prompt_ids(work_.batch, range.first), .requests = range, .region = {}};
      check_prompt(group.prompt);
      group.region = prefixes_free_.take();
      group.unfinished = static_cast<int64_t>(range.last - range.first);
      groups_.push_back(std::move(group));
      for (size_t request = range.first; request < range.last; ++request) open(request, groups_.back());
    }
  }

  void check_prompt(std::span<const TokenId> prompt) const {
    if (!prompt.empty() && static_cast<int64_t>(prompt.size()) < shape_.context) return;
    throw Error(Exit::unreadable,
                "a prompt has " + std::to_string(prompt.size()) + " tokens; 1 to " +
                    std::to_string(shape_.context - 1) + " are allowed",
                "the model's context is fixed: shorten the prompt, or use a model with a longer one");
  }

  void open(size_t request, Group& group) {
    Slot slot;
    slot.request = request;
    slot.group = &group;
    slot.region = slots_free_.take();
    slot.address = {work_.batch.key[request], work_.batch.uid[request], work_.batch.sample[request], 0};
    slot.text = std::make_unique<StopText>(work_.batch.sampling, work_.codec.stop_ids(), work_.codec.stream());
    slots_.push_back(std::move(slot));
  }

  // One forward pass: one token of every rollout under way, and as much of waiting prompts as fits.
  void step() {
    ids_.clear();
    layout_.runs.clear();
    layout_.cache = &cache_;
    wanted_.clear();
    readers_.clear();
    for (Slot& slot : slots_)
      if (slot.group->ready()) add_rollout(slot);
    int64_t room = prefill_rows_;
    for (Group& group : groups_)
      if (!group.ready() && room > 0) room -= add_prompt(group, room);
    const ArenaScope scope(arena_);
    tape_.clear();
    const Var out = decoder(tape_, shape_, weights_, work_.model.rotary(), ids_, layout_, wanted_);
    draw(tape_.value(out));
    close_finished();
  }

  void add_rollout(Slot& slot) {
    const auto position = static_cast<int64_t>(slot.ids.size()) - 1;
    layout_.runs.push_back({.row = static_cast<int64_t>(ids_.size()),
                            .rows = 1,
                            .start = position,
                            .own = slot.region,
                            .prefix = slot.group->region,
                            .prefix_length = slot.group->length()});
    wanted_.push_back(static_cast<int32_t>(ids_.size()));
    readers_.push_back({&slot, nullptr});
    ids_.push_back(slot.last);
  }

  int64_t add_prompt(Group& group, int64_t room) {
    const int64_t rows = std::min(room, group.length() - group.prefilled);
    layout_.runs.push_back({.row = static_cast<int64_t>(ids_.size()),
                            .rows = rows,
                            .start = group.prefilled,
                            .own = group.region,
                            .prefix = {},
                            .prefix_length = 0});
    const auto part = group.prompt.subspan(static_cast<size_t>(group.prefilled), static_cast<size_t>(rows));
    ids_.insert(ids_.end(), part.begin(), part.end());
    group.prefilled += rows;
    if (group.ready()) {
      wanted_.push_back(static_cast<int32_t>(ids_.size()) - 1);
      readers_.push_back({nullptr, &group});
    }
    return rows;
  }

  // Row by row of the logits; a prompt's last row is the first draw of all its samples.
  void draw(Tensor logits) {
    for (size_t row = 0; row < readers_.size(); ++row) {
      if (readers_[row].slot != nullptr) {
        draw_one(*readers_[row].slot, logits, static_cast<int64_t>(row));
        continue;
      }
      for (Slot& slot : slots_)
        if (slot.group == readers_[row].group) draw_one(slot, logits, static_cast<int64_t>(row));
    }
  }

  void draw_one(Slot& slot, Tensor logits, int64_t row) {
    const auto most = static_cast<size_t>(work_.batch.sampling.max_new_tokens);
    if (slot.ids.size() >= most) return finish(slot, Finish::length);  // none were asked for
    const Sampled token = work_.kernels.sample(sampler_, logits, row, slot.address);
    ++slot.address.position;
    slot.last = token.id;
    slot.ids.push_back(token.id);
    slot.logprobs.push_back(token.logprob);
    if (sampler_.filtered()) slot.kept_mass.push_back(token.kept_mass);
    if (sampler_.ranked()) sampler_.append_top(slot.top_ids, slot.top_logprobs);
    const auto length = slot.group->length() + static_cast<int64_t>(slot.ids.size());
    if (slot.text->push(token.id))
      finish(slot, Finish::stop);
    else if (slot.ids.size() >= most || length >= shape_.context)
      finish(slot, Finish::length);
    else if (work_.text != nullptr)
      tell(slot, slot.text->settled());
  }

  void tell(Slot& slot, std::string_view text) {
    if (text.size() == slot.told) return;
    const std::lock_guard lock(work_.sink_mutex);
    (*work_.text)(slot.request, text.substr(slot.told));
    slot.told = text.size();
  }

  void finish(Slot& slot, Finish why) {
    Completion completion;
    completion.ids = slot.ids;
    completion.logprobs = slot.logprobs;
    completion.kept_mass = slot.kept_mass;
    completion.top_ids = slot.top_ids;
    completion.top_logprobs = slot.top_logprobs;
    completion.finish = why;
    completion.text = slot.text->finish();
    if (work_.text != nullptr) tell(slot, completion.text);
    const std::lock_guard lock(work_.sink_mutex);
    work_.sink(slot.request, std::move(completion));
    slot.text.reset();  // marks it as finished
  }

  void close_finished() {
    for (const Slot& slot : slots_) {
      if (slot.text != nullptr) continue;
      slots_free_.give(slot.region);
      if (--slot.group->unfinished == 0) prefixes_free_.give(slot.group->region);
    }
    std::erase_if(slots_, [](const Slot& slot) { return slot.text == nullptr; });
    groups_.remove_if([](const Group& group) { return group.unfinished == 0; });
  }

  // Whose draw a row of logits is.
  struct Reader {
    Slot* slot = nullptr;
    Group* group = nullptr;
  };

  const SamplingWork& work_;
  const DecoderShape& shape_;
  int64_t prefill_rows_;
  DecoderWeights weights_;
  CacheCapacity capacity_;
  Cache cache_;
  Regions slots_free_;
  Regions prefixes_free_;
  TokenSampler sampler_;
  Arena arena_{work_.kernels.memory()};
  Tape tape_;

  std::list<Group> groups_;  // slots point at them
  std::vector<Slot> slots_;  // those of a group side by side

  // Of the pass under way.
  std::vector<TokenId> ids_;
  Layout layout_;
  std::vector<int32_t> wanted_;
  std::vector<Reader> readers_;
};

}  // namespace

CacheCapacity::CacheCapacity(const DecoderShape& shape, const SamplingWorkload& work, int64_t most_slots)
    : slots(std::min(most_slots, work.requests)),
      own(Cache::whole(std::clamp<int64_t>(work.new_tokens, 1, shape.context))),
      prefix(Cache::whole(work.prompt_tokens)) {
  const int64_t position_bytes =
      shape.layers * Cache::position_floats(shape.heads) * static_cast<int64_t>(sizeof(float));
  const auto fit = [&] {
    prefixes = std::min(slots, slots / work.samples + 2);
    bytes = positions() * position_bytes;
    return bytes <= kMostCacheBytes;
  };
  while (!fit() && slots > 1) slots = (slots + 1) / 2;
}

RequestQueue::Range RequestQueue::take(size_t most) {
  const std::lock_guard lock(mutex_);
  const size_t end = batch_.prompt.size();
  Range range{next_, next_};
  while (range.last < end && range.last - range.first < std::min(most, share_) &&
         batch_.prompt[range.last] == batch_.prompt[range.first])
    ++range.last;
  next_ = range.last;
  return range;
}

void sample_requests(const SamplingWork& work, const SamplerOptions& options, const std::stop_token& stop) {
  if (work.batch.prompt.empty()) return;
  Sampling(work, options).run(stop);
}

}  // namespace sil::nn
