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

// Findings beyond types and ranges.
void check_sampling(const SamplingOptions& sampling, const StepSpec& spec, std::vector<Finding>& findings);

struct SampleOptions {
  int64_t samples = 1;  // of each member
  SamplingOptions sampling;
};

// A step that asks so many problems (0 = all there are) of the tasks, of a pool where there are none.
Workload sampling_workload(const RoleSpec& role, std::vector<std::string> tasks, int64_t problems,
                           const SampleOptions& options);

// Who samples: a role's model at a version of each of its members, seen through a view. A gate that measures both
// candidate and incumbent samples with two sets of versions, one after the other.
struct Sampler {
  std::string step;
  std::string role;
  std::string model;
  std::vector<VersionRef> versions;  // set after set, by member
  int64_t members = 1;
  View view;
  uint64_t key = 0;  // of the step (steps/context.h step_key)
  SampleOptions options;
  bool fresh = true;     // it draws its problems itself, instead of reading a pool
  bool new_pool = true;  // its rollouts stand in a pool of their own, instead of in the groups it reads

  int64_t sets() const { return static_cast<int64_t>(versions.size()) / members; }
  // At which a stored log-prob is scored again.
  double scoring_temperature() const { return options.sampling.temperature > 0 ? options.sampling.temperature : 1; }
  int64_t rollouts() const { return options.samples * static_cast<int64_t>(versions.size()); }  // of one conversation
};

// What one conversation continues: a group, or one of its rollouts.
struct SampleFrom {
  size_t group = 0;
  int64_t rollout = -1;         // -1 = the problem itself
  uint32_t first = 0;           // sample number of each member's first rollout: one group's parents are numbered on
  std::vector<uint32_t> which;  // of its rollouts, from 0, version after version; empty = all
};

// The sample number of the first rollout that each member adds to the group: it may have added others in an earlier
// round.
uint32_t first_sample(const Sampler& sampler, const Group& group);

// Adds rollouts for each entry to its group, prompts included, and returns how many were asked for. Rollouts that a
// stop request cancelled are left out: the frame then counts as not done.
int64_t sample(RoundContext& context, const Sampler& sampler, const std::vector<SampleFrom>& from, Frame& frame);

// The tokens that one of the sampler's versions sampled in the groups, as a batch to score, and the log-probs that they
// were sampled with.
struct SampledTokens {
  ScoreBatch batch;
  std::vector<float> logprobs;
};
SampledTokens sampled_tokens(const Sampler& sampler, size_t version, const std::vector<Group>& groups);

// Leaves the first of the step's rollouts alone: at most so many, and so many tokens with their prompts, but one where
// there is one.
void keep_first_rollouts(std::vector<Group>& groups, const std::string& step, int64_t rollouts, int64_t tokens);
inline constexpr int64_t kScoredTokens =
    4096;  // of a step, that are scored beside the sampling, for a check or a figure

// Scores the sampler's rollouts in the groups again, at the temperature they were sampled with, and compares log-probs
// bit for bit. Throws Error(Exit::differs) with the first one that differs; returns how many were compared. Nothing to
// compare where the engine has no log-probs.
int64_t check_logprobs(RoundContext& context, const Sampler& sampler, const std::vector<Group>& groups);

// How many groups a frame of fresh problems holds, with so many rollouts each: it closes at the context's rollouts or
// at 32,768 tokens.
int64_t groups_per_frame(const RoundContext& context, int64_t rollouts, int64_t max_new_tokens);

// Counts of rollouts made by `step` in the frame.
void tally_rollouts(const Frame& frame, std::string_view step, Tally& tally);
void tally_verdict(const Verdict& verdict, Tally& tally);
Metrics rollout_metrics(const Tally& tally);

}  // namespace sil
