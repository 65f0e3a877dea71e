// Sampling the rollouts of a frame: what `generate` and `evaluate` share.
#pragma once

#include <string>
#include <vector>

#include "sil/engine.h"
#include "sil/options.h"
#include "steps/context.h"
#include "text/view.h"

namespace sil {

// Declares them as options, in one order.
void visit_sampling(SamplingOptions& sampling, OptionVisitor& v);

struct SampleOptions {
  int64_t samples = 1;
  SamplingOptions sampling;
};

// Who samples: a role's model at one version, seen through a view.
struct Sampler {
  std::string step;
  std::string role;
  std::string model;
  VersionRef version;
  View view;
  uint64_t key = 0;  // of the step (steps/context.h step_key)
  SampleOptions options;
  bool fresh = true;     // it draws its problems itself, instead of reading a pool
  bool new_pool = true;  // its rollouts stand in a pool of their own, instead of in the groups it reads
};

// What one conversation continues: a group, or one of its rollouts.
struct SampleFrom {
  size_t group = 0;
  int64_t rollout = -1;           // -1 = the problem itself
  uint32_t first = 0;             // sample number of its first rollout: one group's parents are numbered on
  std::vector<uint32_t> samples;  // which of its rollouts, from 0; empty = all
};

// The number of the first rollout that the step adds to the group: it may have added others in an earlier round.
uint32_t first_sample(const Sampler& sampler, const Group& group);

// Adds rollouts for each entry to its group, prompts included, and returns how many were asked for. Rollouts that a
// stop request cancelled are left out: the frame then counts as not done.
int64_t sample(RoundContext& context, const Sampler& sampler, const std::vector<SampleFrom>& from, Frame& frame);

// Scores rollouts of `step` in the groups again, at the temperature they were sampled with, and compares log-probs bit
// for bit. Throws Error(Exit::differs) with the first one that differs; returns how many were compared. Nothing to
// compare where the engine has no log-probs.
int64_t check_logprobs(RoundContext& context, const Sampler& sampler, const std::vector<Group>& groups);

// How many groups a frame of fresh problems holds: it closes at the context's rollouts or at 32,768 tokens.
int64_t groups_per_frame(const RoundContext& context, int64_t samples, int64_t max_new_tokens);

// Counts of rollouts made by `step` in the frame.
void tally_rollouts(const Frame& frame, std::string_view step, Tally& tally);
void tally_verdict(const Verdict& verdict, Tally& tally);
Metrics rollout_metrics(const Tally& tally);

}  // namespace sil
