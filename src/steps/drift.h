// How far a model has moved: what `generate` tells of its own rollouts, beside how many and how long they are.
//
//   entropy         mean of -log p over the sampled tokens: an estimate of the policy's entropy a token, at the
//                   temperature of sampling; with top_p, top_k or min_p, of the tokens that these left. Not at
//                   temperature 0.
//   duplicate_rate  share of rollouts with the text of an earlier rollout of their problem
//   kl_to_base      KL divergence of the policy from the model's base, a token, over the first 256 rollouts of the
//   round:
//                   the mean of r - 1 - log r with r = p_base / p (Schulman 2020, "Approximating KL Divergence", k3)
//
// None depends on frames or threads.
#pragma once

#include "steps/context.h"
#include "steps/sampling.h"

namespace sil {

void tally_drift(const Frame& frame, const Sampler& sampler, Tally& tally);
void add_drift_metrics(const Tally& tally, Metrics& metrics);

// `groups`: what the step made, from its first rollout on; where they are too few, frames from `next` on are read from
// the record. nullopt where the engine has no log-probs or nothing was sampled.
std::optional<double> kl_to_base(RoundContext& context, const StepSpec& spec, const Sampler& sampler,
                                 std::vector<Group> groups, size_t next);

}  // namespace sil
