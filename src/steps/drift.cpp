#include "steps/drift.h"

#include <set>

#include "base/math.h"
#include "steps/resample.h"

namespace sil {
namespace {

constexpr int64_t kKlRollouts = 256;

// The groups that hold the step's first rollouts, without the rollouts behind these.
std::vector<Group> first_rollouts(RoundContext& context, const StepSpec& spec, const Sampler& sampler) {
  std::vector<Group> out;
  int64_t left = kKlRollouts;
  const std::vector<FrameRef>& frames = context.round().steps.at(spec.name).files.at("rollouts");
  for (size_t f = 0; f < frames.size() && left > 0; ++f) {
    if (frames[f].length == 0) continue;
    for (Group& group : read_sampled_frame(context, spec, sampler, f).made) {
      std::erase_if(group.rollouts,
                    [&](const Rollout& rollout) { return rollout.step != sampler.step || left-- <= 0; });
      if (!group.rollouts.empty()) out.push_back(std::move(group));
    }
  }
  return out;
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

std::optional<double> kl_to_base(RoundContext& context, const StepSpec& spec, const Sampler& sampler) {
  Engine& engine = context.models.engine(sampler.model);
  if (!engine.caps().score || !engine.caps().logprobs) return std::nullopt;
  const std::vector<Group> groups = first_rollouts(context, spec, sampler);
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
