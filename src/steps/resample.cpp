#include "steps/resample.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace sil {
namespace {

// The step's frame `number` as it was read from its input.
Frame input_frame(const RoundContext& context, const StepSpec& spec, size_t number) {
  size_t left = number;
  Frame frame;
  for (const PoolPart& part : context.input_pool(spec).parts) {
    if (left < part.spans.size()) {
      frame.round = part.round;
      frame.groups = read_groups(context.env, context.run_dir, part, left);
      return frame;
    }
    left -= part.spans.size();
    frame.offset += part.end();
  }
  throw Error(Exit::corrupt, spec.name + ": frame " + std::to_string(number) + " has no frame in the step's input",
              "the record does not fit together; restore the run directory from a copy");
}

void check_same_groups(const StepSpec& spec, const Sampler& sampler, const SampledFrame& frame) {
  const int64_t offset = sampler.new_pool ? frame.input.offset : 0;  // a new pool counts its inputs through
  bool same = frame.input.groups.size() == frame.made.size();
  for (size_t g = 0; same && g < frame.made.size(); ++g)
    same = frame.input.groups[g].position + offset == frame.made[g].position &&
           frame.input.groups[g].problem->uid == frame.made[g].problem->uid;
  if (!same)
    throw Error(Exit::corrupt, spec.name + ": a frame of rollouts is about other groups than the frame it was made of",
                "the record does not fit together; restore the run directory from a copy");
}

// What a recorded rollout continued.
int64_t parent_of(const SampledFrame& frame, const MadeRollout& made) {
  const std::string& parent = frame.made[made.group].rollouts[made.rollout].parent;
  if (parent.empty()) return -1;
  const Group& group = frame.input.groups[made.group];
  for (size_t r = 0; r < group.rollouts.size(); ++r)
    if (rollout_id(frame.input.round, group, group.rollouts[r]) == parent) return static_cast<int64_t>(r);
  throw Error(Exit::corrupt, "the record has no rollout " + parent + ", which another one continues",
              "restore the run directory from a copy");
}

// The requests of `which` over `again`, which gets the groups they are about.
std::vector<SampleFrom> requests(const Sampler& sampler, const SampledFrame& frame,
                                 const std::vector<MadeRollout>& which, Frame& again) {
  const auto samples = static_cast<uint32_t>(sampler.options.samples), members = static_cast<uint32_t>(sampler.members);
  std::vector<SampleFrom> from;
  for (size_t i = 0; i < which.size(); ++i) {
    const bool new_group = i == 0 || which[i - 1].group != which[i].group;
    if (new_group) {
      again.groups.push_back(frame.input.groups[which[i].group]);
      if (sampler.new_pool) again.before.push_back(frame.made[which[i].group].occurrence);
    }
    const Rollout& made = frame.made[which[i].group].rollouts[which[i].rollout];
    const uint32_t before = first_sample(sampler, frame.input.groups[which[i].group]);
    // Those of one parent follow one another, set after set.
    const uint32_t number = (made.sample - before) % (samples * static_cast<uint32_t>(sampler.sets()));
    const uint32_t version = number / samples * members + made.member;
    const int64_t parent = parent_of(frame, which[i]);
    if (new_group || from.back().rollout != parent || from.back().first != made.sample - number)
      from.push_back({again.groups.size() - 1, parent, made.sample - number, {}});
    from.back().which.push_back(version * samples + number % samples);
  }
  return from;
}

// As few digits as read back to the same bits.
template <class T>
std::string digits(T value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

template <class T>
std::string list_difference(const char* what, const std::vector<T>& stored, const std::vector<T>& now) {
  for (size_t i = 0; i < std::min(stored.size(), now.size()); ++i)
    if (std::bit_cast<uint32_t>(stored[i]) != std::bit_cast<uint32_t>(now[i]))
      return "token " + std::to_string(i) + ": " + what + " " + digits(stored[i]) + " stored, " + digits(now[i]) +
             " now";
  if (stored.size() == now.size()) return "";
  return "token " + std::to_string(std::min(stored.size(), now.size())) + ": " + std::to_string(stored.size()) +
         " times " + what + " stored, " + std::to_string(now.size()) + " now";
}

}  // namespace

SampledFrame read_sampled_frame(const RoundContext& context, const StepSpec& spec, const Sampler& sampler,
                                size_t number) {
  const FrameRef& ref = context.round().steps.at(spec.name).files.at("rollouts").at(number);
  const std::string text = ref.length == 0 ? std::string() : read_frame(context.env, context.run_dir, ref);
  SampledFrame frame;
  frame.round = frame.input.round = context.round().label;
  if (!sampler.fresh) frame.input = input_frame(context, spec, number);
  if (!sampler.new_pool) {
    frame.round = frame.input.round;
    frame.made = frame.input.groups;
  }
  read_rollouts(text, frame.made, sampler.new_pool);
  for (size_t g = 0; sampler.fresh && g < frame.made.size(); ++g) {
    Group& group = frame.input.groups.emplace_back(frame.made[g]);
    group.prompts.clear();
    group.rollouts.clear();
  }
  check_same_groups(spec, sampler, frame);
  return frame;
}

std::vector<MadeRollout> made_rollouts(const SampledFrame& frame, const Sampler& sampler) {
  std::vector<MadeRollout> made;
  for (size_t g = 0; g < frame.made.size(); ++g) {
    const size_t before = sampler.new_pool ? 0 : frame.input.groups[g].rollouts.size();
    for (size_t r = before; r < frame.made[g].rollouts.size(); ++r) made.push_back({g, r});
  }
  return made;
}

std::vector<SampledAgain> sample_again(RoundContext& context, const Sampler& sampler, const SampledFrame& frame,
                                       const std::vector<MadeRollout>& which) {
  Frame again;
  again.round = frame.input.round;
  const std::vector<SampleFrom> from = requests(sampler, frame, which, again);
  std::vector<size_t> next;  // of each group, its first new rollout
  for (const Group& group : again.groups) next.push_back(group.rollouts.size());
  sample(context, sampler, from, again);
  std::vector<SampledAgain> out;
  for (const SampleFrom& entry : from)
    for (size_t i = 0; i < entry.which.size(); ++i) {
      Group& group = again.groups[entry.group];
      Rollout& rollout = group.rollouts[next[entry.group]++];
      out.push_back({group.prompts[rollout.prompt], std::move(rollout)});
    }
  return out;
}

std::string first_difference(const Group& group, const Rollout& stored, const SampledAgain& again) {
  const Rollout& now = again.rollout;
  if (stored.version != now.version)
    return "sampled by version " + stored.version.hex().substr(0, 16) + ", the recipe's is " +
           now.version.hex().substr(0, 16);
  if (group.prompts[stored.prompt].ids != again.prompt.ids)
    return "prompt: " + list_difference("id", group.prompts[stored.prompt].ids, again.prompt.ids);
  if (std::string text = list_difference("id", stored.ids, now.ids); !text.empty()) return text;
  if (std::string text = list_difference("log-probability", stored.logprobs, now.logprobs); !text.empty()) return text;
  if (std::string text = list_difference("kept mass", stored.kept_mass, now.kept_mass); !text.empty()) return text;
  if (stored.finish == now.finish) return "";
  return "finish: " + std::string(name(stored.finish)) + " stored, " + std::string(name(now.finish)) + " now";
}

}  // namespace sil
