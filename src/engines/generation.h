// What any engine does with a GenerateBatch or a ScoreBatch around its own arithmetic.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "engines/sampling.h"
#include "sil/engine.h"

namespace sil {

// Arrays that belong together, options in range, ids of the vocabulary.
void check_generate(const GenerateBatch& batch, TokenId vocabulary);
// The same of a ScoreBatch; throws Error(Exit::usage) on a start outside its sequence.
void check_score(const ScoreBatch& batch, TokenId vocabulary);

std::span<const TokenId> prompt_ids(const GenerateBatch& batch, size_t request);

// Completions that one thread has finished, until they are handed over together.
class FinishedRollouts {
 public:
  void begin(size_t request) { rollouts_.push_back({request, ids_.size(), Finish::length, {}}); }
  void add(TokenId id) { ids_.push_back(id); }
  void add_logprob(float logprob) { logprobs_.push_back(logprob); }
  void add_kept_mass(float mass) { kept_mass_.push_back(mass); }
  void add_top(TokenSampler& sampler) { sampler.append_top(top_ids_, top_logprobs_); }
  void end(Finish finish, std::string text);

  // Calls the sink for all of them under the mutex, and forgets them.
  void deliver(const CompletionSink& sink, std::mutex& mutex);

 private:
  struct Rollout {
    size_t request = 0;
    size_t first = 0;  // of its ids
    Finish finish = Finish::length;
    std::string text;
  };
  std::vector<Rollout> rollouts_;
  std::vector<TokenId> ids_;
  std::vector<float> logprobs_;   // one an id, or none at all
  std::vector<float> kept_mass_;  // one an id, or none at all
  std::vector<TokenId> top_ids_;  // as many an id as are asked for
  std::vector<float> top_logprobs_;
};

}  // namespace sil
