#include "steps/drift.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/math.h"
#include "steps/resample.h"

namespace sil {
namespace {

constexpr int64_t kKlRollouts = 256;

// Reads frames from `next` on until the groups hold kKlRollouts of the step, and leaves just these, or as many of them
// as kScoredTokens allow.
void complete(RoundContext& context, const StepSpec& spec, const Sampler& sampler, size_t next,
              std::vector<Group>& groups) {
  const auto of_step = [&](const Rollout& rollout) { return rollout.step == sampler.step; };
  const auto count = [&](const std::vector<Group>& some) {
    int64_t out = 0;
    for (const Group& group : some) out += std::ranges::count_if(group.rollouts, of_step);
    return out;
  };
  const std::vector<FrameRef>& frames = context.round().steps.at(spec.name).files.at("rollouts");
  for (int64_t have = count(groups); have < kKlRollouts && next < frames.size(); ++next) {
    if (frames[next].length == 0) continue;
    std::vector<Group> more = read_sampled_frame(context, spec, sampler, next).made;
    have += count(more);
    std::ranges::move(more, std::back_inserter(groups));
  }
  keep_first_rollouts(groups, sampler.step, kKlRollouts, kScoredTokens);
}

}  // namespace

void tally_drift(const Frame& frame, const Sampler& sampler, Tally& tally) {
  int64_t duplicates = 0, tokens = 0;
  std::set<std::string_view> texts;
  for (const Group& group : frame.groups) {
    texts.clear();
    double logp = 0;
    for (const Rollout& rollout : group.rollouts) {
      if (rollout.step != sampler.step) continue;
      duplicates += !texts.insert(rollout.text).second;
      tokens += std::ssize(rollout.logprobs);
      for (const float value : rollout.logprobs) logp += static_cast<double>(value);
    }
    tally.add("logp", logp);
  }
  tally.count("duplicates", duplicates);
  if (sampler.options.sampling.temperature > 0) tally.count("random_tokens", tokens);
}

void add_drift_metrics(const Tally& tally, Metrics& metrics) {
  metrics["duplicate_rate"] = tally.share("duplicates", "rollouts");
  if (tally.count_of("random_tokens") > 0) metrics["entropy"] = -tally.mean("logp", "random_tokens");
}

std::optional<double> kl_to_base(RoundContext& context, const StepSpec& spec, const Sampler& sampler,
                                 std::vector<Group> groups, size_t next) {
  Engine& engine = context.models.engine(sampler.model);
  if (!engine.caps().score || !engine.caps().logprobs) return std::nullopt;
  complete(context, spec, sampler, next, groups);
  double sum = 0;
  size_t tokens = 0;
  for (size_t m = 0; m < sampler.versions.size(); ++m) {
    const SampledTokens sampled = sampled_tokens(sampler, m, groups);
    tokens += sampled.logprobs.size();
    const VersionRef& base = context.state.models.at(line_name(sampler.model, static_cast<int64_t>(m))).base;
    if (sampled.logprobs.empty() || base.digest == sampler.versions[m].digest) continue;
    const auto lock = context.models.lock(sampler.model);
    const std::vector<float> scored =
        engine.score(context.models.resident(sampler.model, base), sampled.batch, sampler.scoring_temperature());
    for (size_t i = 0; i < scored.size(); ++i) {
      const double log_ratio = static_cast<double>(scored[i]) - static_cast<double>(sampled.logprobs[i]);
      sum += exact_exp(log_ratio) - 1 - log_ratio;
    }
  }
  if (tokens == 0) return std::nullopt;
  return sum / static_cast<double>(tokens);
}

}  // namespace sil
