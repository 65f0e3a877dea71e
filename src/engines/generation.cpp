#include "engines/generation.h"

#include <algorithm>

#include "engines/sampling.h"
#include "engines/train_batch.h"
#include "sil/error.h"

namespace sil {

void check_generate(const GenerateBatch& batch, TokenId vocabulary) {
  check_sampling(batch.sampling);
  for (const int64_t id : batch.sampling.stop_ids)
    if (id < 0 || id >= vocabulary)
      throw Error(Exit::usage,
                  "stop_ids: " + std::to_string(id) + " is no id of this model; 0 to " +
                      std::to_string(vocabulary - 1) + " are allowed",
                  "take the id from the model's tokenizer.json");
  for (const LogitBias& bias : logit_biases(batch.sampling))
    if (bias.id >= vocabulary)
      throw Error(Exit::usage,
                  "logit_bias: " + std::to_string(bias.id) + " is no id of this model; 0 to " +
                      std::to_string(vocabulary - 1) + " are allowed",
                  "take the id from the model's tokenizer.json");
  const size_t requests = batch.prompt.size();
  SIL_CHECK(batch.key.size() == requests && batch.uid.size() == requests && batch.sample.size() == requests);
  SIL_CHECK(!batch.prompt_begin.empty() || requests == 0);
  if (requests == 0) return;
  SIL_CHECK(batch.prompt_begin.front() == 0 && batch.prompt_begin.back() == batch.ids.size());
  SIL_CHECK(std::is_sorted(batch.prompt_begin.begin(), batch.prompt_begin.end()));
  for (uint32_t prompt : batch.prompt) SIL_CHECK(prompt + size_t{1} < batch.prompt_begin.size());
  check_ids(batch.ids, vocabulary, "prompts");
}

void check_score(const ScoreBatch& batch, TokenId vocabulary) {
  const size_t sequences = batch.start.size();
  SIL_CHECK(sequences == 0 || (batch.begin.size() == sequences + 1 && batch.begin.back() == batch.ids.size()));
  for (size_t s = 0; s < sequences; ++s) {
    SIL_CHECK(batch.begin[s] <= batch.begin[s + 1]);
    const uint64_t length = batch.begin[s + 1] - batch.begin[s];
    if (batch.start[s] < 1 || batch.start[s] > length)
      throw Error(Exit::usage,
                  "score: start " + std::to_string(batch.start[s]) + " of a sequence of " + std::to_string(length) +
                      " ids; 1 to its length is allowed",
                  "the first id has nothing before it to be predicted from");
  }
  check_ids(batch.ids, vocabulary, "score");
}

std::span<const TokenId> prompt_ids(const GenerateBatch& batch, size_t request) {
  const uint64_t first = batch.prompt_begin[batch.prompt[request]];
  const uint64_t last = batch.prompt_begin[batch.prompt[request] + size_t{1}];
  return std::span<const TokenId>(batch.ids).subspan(first, last - first);
}

void FinishedRollouts::end(Finish finish, std::string text) {
  rollouts_.back().finish = finish;
  rollouts_.back().text = std::move(text);
}

void FinishedRollouts::deliver(const CompletionSink& sink, std::mutex& mutex) {
  const std::lock_guard lock(mutex);
  for (size_t r = 0; r < rollouts_.size(); ++r) {
    const size_t first = rollouts_[r].first;
    const size_t size = (r + 1 < rollouts_.size() ? rollouts_[r + 1].first : ids_.size()) - first;
    Completion completion;
    completion.ids = std::span<const TokenId>(ids_).subspan(first, size);
    if (!logprobs_.empty()) completion.logprobs = std::span<const float>(logprobs_).subspan(first, size);
    if (!kept_mass_.empty()) completion.kept_mass = std::span<const float>(kept_mass_).subspan(first, size);
    const size_t top = ids_.empty() ? 0 : top_ids_.size() / ids_.size();
    completion.top_ids = std::span<const TokenId>(top_ids_).subspan(first * top, size * top);
    completion.top_logprobs = std::span<const float>(top_logprobs_).subspan(first * top, size * top);
    completion.finish = rollouts_[r].finish;
    completion.text = std::move(rollouts_[r].text);
    sink(rollouts_[r].request, std::move(completion));
  }
  rollouts_.clear();
  ids_.clear();
  logprobs_.clear();
  kept_mass_.clear();
  top_ids_.clear();
  top_logprobs_.clear();
}

}  // namespace sil
