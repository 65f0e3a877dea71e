// Sampling rollouts of the record once more, by the code that made them: the proof that they are what the model wrote.
#pragma once

#include <string>
#include <vector>

#include "steps/context.h"
#include "steps/sampling.h"

namespace sil {

// One recorded frame of a step that samples: the groups it was given, and the same groups with what it made of them.
struct SampledFrame {
  Frame input;
  std::vector<Group> made;
  std::string round;  // of the made rollouts' ids
};

// Reads frame `number` of the step. The context's pools must be those that the step was given. Error(Exit::corrupt)
// when the record does not fit together.
SampledFrame read_sampled_frame(const RoundContext& context, const StepSpec& spec, const Sampler& sampler,
                                size_t number);

// Where a rollout stands in SampledFrame::made.
struct MadeRollout {
  size_t group = 0;
  size_t rollout = 0;
};
std::vector<MadeRollout> made_rollouts(const SampledFrame& frame, const Sampler& sampler);  // all, in canonical order

struct SampledAgain {
  Prompt prompt;
  Rollout rollout;
};
// Samples the rollouts of `which` (in canonical order) again, in one call to the engine, and gives them in that order.
// Loads the sampler's version; once it is resident, calls from several threads are fine.
std::vector<SampledAgain> sample_again(RoundContext& context, const Sampler& sampler, const SampledFrame& frame,
                                       const std::vector<MadeRollout>& which);

// The first difference in version, prompt, ids, log-probabilities (bits), kept mass and finish; "" when equal.
std::string first_difference(const Group& group, const Rollout& stored, const SampledAgain& again);

}  // namespace sil
