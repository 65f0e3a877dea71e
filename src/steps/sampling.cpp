#include "steps/sampling.h"

#include <algorithm>
#include <optional>

#include "sil/rng.h"

namespace sil {
namespace {

constexpr int64_t kFrameTokens = 32768;

struct Request {
  size_t group, rollout;  // where the completion goes
};

uint64_t parent_hash(const std::string& id) {
  return id.empty() ? 0 : sha256(id).head();
}

// What one version is asked for.
struct VersionBatch {
  GenerateBatch batch;
  std::vector<Request> requests;
};

// Adds the prompt and one empty rollout a sample and version; their requests join the versions' batches.
void add_requests(const Sampler& sampler, const SampleFrom& from, const Codec& codec, Frame& frame,
                  std::vector<VersionBatch>& batches) {
  Group& group = frame.groups[from.group];
  const Rollout* parent = from.rollout < 0 ? nullptr : &group.rollouts[static_cast<size_t>(from.rollout)];
  ViewInput input{group.problem.get(), parent, parent && !parent->verdicts.empty() ? &parent->verdicts.back() : nullptr,
                  nullptr};
  Conversation conversation = sampler.view.render(input);
  Prompt prompt;
  prompt.ids = codec.encode(conversation, true);
  prompt.text = conversation.text;
  for (const Message& message : conversation.messages) prompt.text += message.role + ": " + message.content + "\n";
  std::string parent_id = parent ? rollout_id(frame.round, group, *parent) : std::string();
  const uint64_t parent_key = parent_hash(parent_id);
  const uint32_t occurrence = sampler.new_pool && !frame.before.empty() ? frame.before[from.group] : group.occurrence;
  // Where the problem is in several of the groups that are added to: how many conversations went before.
  const uint32_t repeat =
      parent ? 0 : (from.first - first_sample(sampler, group)) / static_cast<uint32_t>(sampler.options.samples);
  const auto samples = static_cast<uint32_t>(sampler.options.samples);
  const auto members = static_cast<uint32_t>(sampler.members);
  const size_t wanted = from.which.empty() ? static_cast<size_t>(sampler.rollouts()) : from.which.size();
  std::optional<uint32_t> begun;  // the version whose batch has the prompt
  for (size_t i = 0; i < wanted; ++i) {
    const auto number = from.which.empty() ? static_cast<uint32_t>(i) : from.which[i];
    const uint32_t version = number / samples, s = number % samples;
    const uint32_t set = version / members, member = version % members;
    auto& [batch, requests] = batches[version];
    if (begun != version) {
      batch.ids.insert(batch.ids.end(), prompt.ids.begin(), prompt.ids.end());
      batch.prompt_begin.push_back(batch.ids.size());
      begun = version;
    }
    Rollout rollout;
    rollout.step = sampler.step;
    rollout.role = sampler.role;
    rollout.version = sampler.versions[version].digest;
    rollout.prompt = static_cast<uint32_t>(group.prompts.size());
    rollout.sample = from.first + set * samples + s;
    rollout.member = member;
    rollout.temperature =
        sampler.options.sampling.temperature > 0 ? static_cast<float>(sampler.options.sampling.temperature) : 1.0F;
    rollout.parent = parent_id;
    requests.push_back({from.group, group.rollouts.size()});
    group.rollouts.push_back(std::move(rollout));
    batch.prompt.push_back(static_cast<uint32_t>(batch.prompt_begin.size() - 2));
    batch.key.push_back(group_key(sampler.key, member, repeat, parent_key, occurrence));
    batch.uid.push_back(group.problem->uid);
    batch.sample.push_back(s);
  }
  group.prompts.push_back(std::move(prompt));
}

void generate(RoundContext& context, const Sampler& sampler, const VersionRef& version, const VersionBatch& wanted,
              Frame& frame) {
  size_t finished = 0;
  auto lock = context.models.lock(sampler.model);
  context.models.engine(sampler.model)
      .generate(
          context.models.resident(sampler.model, version), wanted.batch,
          [&](size_t request, Completion&& completion) {
            const Request& to = wanted.requests[request];
            Rollout& rollout = frame.groups[to.group].rollouts[to.rollout];
            rollout.ids.assign(completion.ids.begin(), completion.ids.end());
            rollout.logprobs.assign(completion.logprobs.begin(), completion.logprobs.end());
            rollout.kept_mass.assign(completion.kept_mass.begin(), completion.kept_mass.end());
            rollout.finish = completion.finish;
            rollout.text = std::move(completion.text);
            ++finished;
          },
          context.stop);
  if (finished != wanted.requests.size() && !context.stop.stop_requested())
    throw Error(Exit::internal, sampler.step + ": the engine finished " + std::to_string(finished) + " of " +
                                    std::to_string(wanted.requests.size()) + " requests");
}

}  // namespace

SampledTokens sampled_tokens(const Sampler& sampler, size_t version, const std::vector<Group>& groups) {
  SampledTokens out;
  out.batch.begin = {0};
  for (const Group& group : groups)
    for (const Rollout& rollout : group.rollouts) {
      const std::vector<TokenId>& prompt = group.prompts[rollout.prompt].ids;
      if (rollout.step != sampler.step || rollout.member != version || prompt.empty()) continue;
      out.batch.ids.insert(out.batch.ids.end(), prompt.begin(), prompt.end());
      out.batch.ids.insert(out.batch.ids.end(), rollout.ids.begin(), rollout.ids.end());
      out.batch.begin.push_back(out.batch.ids.size());
      out.batch.start.push_back(prompt.size());
      out.logprobs.insert(out.logprobs.end(), rollout.logprobs.begin(), rollout.logprobs.end());
    }
  return out;
}

void visit_sampling(SamplingOptions& sampling, OptionVisitor& v) {
  v.option("temperature", sampling.temperature, {.help = "0 = the likeliest token", .low = 0, .high = 100});
  v.option("top_p", sampling.top_p,
           {.help = "smallest set of tokens with this mass", .low = 0, .high = 1, .above_low = true});
  v.option("top_k", sampling.top_k, {.help = "the k likeliest tokens; 0 = off", .low = 0, .high = 1e7});
  v.option("min_p", sampling.min_p,
           {.help = "tokens at least this likely relative to the likeliest", .low = 0, .high = 1});
  v.option("max_new_tokens", sampling.max_new_tokens,
           {.help = "longest completion", .low = 1, .high = 1e6, .unit = "tokens"});
  v.option("stop", sampling.stop, {.help = "texts that end a completion and are cut from it"});
  v.option("stop_ids", sampling.stop_ids,
           {.help = "token ids that end a completion, beside the model's own end; their text is cut",
            .low = 0,
            .high = 2147483647});
  v.option("logit_bias", sampling.logit_bias,
           {.help = "{id: number from -100 to 100} added to the logits of token ids; log-probs stay the model's own"});
}

void check_sampling(const SamplingOptions& sampling, const StepSpec& spec, std::vector<Finding>& findings) {
  try {
    check_sampling(sampling);
  } catch (const Error& error) {
    for (const Finding& found : error.findings())
      findings.push_back({spec.place, spec.name + ": " + found.message, found.hint});
  }
}

Workload sampling_workload(const RoleSpec& role, std::vector<std::string> tasks, int64_t problems,
                           const SampleOptions& options) {
  return {.model = role.model,
          .tasks = std::move(tasks),
          .view = role.view,
          .sampling = SamplingWorkload{.requests = problems * options.samples,
                                       .samples = options.samples,
                                       .new_tokens = options.sampling.max_new_tokens},
          .training = std::nullopt};
}

uint32_t first_sample(const Sampler& sampler, const Group& group) {
  if (sampler.new_pool) return 0;
  return static_cast<uint32_t>(std::count_if(group.rollouts.begin(), group.rollouts.end(), [&](const Rollout& rollout) {
    return rollout.step == sampler.step && rollout.member == 0;
  }));
}

int64_t sample(RoundContext& context, const Sampler& sampler, const std::vector<SampleFrom>& from, Frame& frame) {
  std::vector<VersionBatch> batches(sampler.versions.size());
  for (auto& [batch, requests] : batches) {
    batch.prompt_begin = {0};
    batch.sampling = sampler.options.sampling;
  }
  const Codec& codec = context.models.engine(sampler.model).codec();
  for (const SampleFrom& entry : from) add_requests(sampler, entry, codec, frame, batches);
  int64_t asked = 0;
  for (size_t v = 0; v < batches.size(); ++v) {
    asked += std::ssize(batches[v].requests);
    if (!batches[v].requests.empty()) generate(context, sampler, sampler.versions[v], batches[v], frame);
  }
  return asked;
}

void keep_first_rollouts(std::vector<Group>& groups, const std::string& step, int64_t rollouts, int64_t tokens) {
  int64_t kept = 0;
  bool full = false;
  for (Group& group : groups)
    std::erase_if(group.rollouts, [&](const Rollout& rollout) {
      if (rollout.step != step) return true;
      tokens -= std::ssize(group.prompts[rollout.prompt].ids) + std::ssize(rollout.ids);
      full = full || kept == rollouts || (kept > 0 && tokens < 0);
      kept += full ? 0 : 1;
      return full;
    });
}

int64_t check_logprobs(RoundContext& context, const Sampler& sampler, const std::vector<Group>& groups) {
  Engine& engine = context.models.engine(sampler.model);
  if (!engine.caps().score || !engine.caps().logprobs) return 0;
  int64_t compared = 0;
  for (size_t m = 0; m < sampler.versions.size(); ++m) {
    const SampledTokens sampled = sampled_tokens(sampler, m, groups);
    if (sampled.logprobs.empty()) continue;
    auto lock = context.models.lock(sampler.model);
    const Version version = context.models.resident(sampler.model, sampler.versions[m]);
    const std::vector<float> scored = engine.score(version, sampled.batch, sampler.scoring_temperature());
    SIL_CHECK(scored.size() == sampled.logprobs.size());
    for (size_t i = 0; i < scored.size(); ++i)
      if (scored[i] != sampled.logprobs[i])
        throw Error(Exit::differs,
                    sampler.step + ": token " + std::to_string(i) +
                        " of the first rollouts was sampled with log-probability " +
                        std::to_string(sampled.logprobs[i]) + " and scores " + std::to_string(scored[i]),
                    "the sampler and the trainer disagree: this is a fault of the program or of the machine");
    compared += std::ssize(scored);
  }
  return compared;
}

int64_t groups_per_frame(const RoundContext& context, int64_t rollouts, int64_t max_new_tokens) {
  const int64_t by_tokens = kFrameTokens / max_new_tokens / rollouts;
  return std::max<int64_t>(1, std::min(context.frame_rollouts / rollouts, by_tokens));
}

void tally_rollouts(const Frame& frame, std::string_view step, Tally& tally) {
  int64_t rollouts = 0, tokens = 0, cut = 0, cancelled = 0;
  for (const Group& group : frame.groups)
    for (const Rollout& rollout : group.rollouts) {
      if (rollout.step != step) continue;
      ++rollouts;
      tokens += static_cast<int64_t>(rollout.ids.size());
      cut += rollout.finish == Finish::length;
      cancelled += rollout.finish == Finish::cancelled;
    }
  tally.count("groups", static_cast<int64_t>(frame.groups.size()));
  tally.count("rollouts", rollouts);
  tally.count("tokens", tokens);
  tally.count("cut", cut);
  tally.count("cancelled", cancelled);
}

void tally_verdict(const Verdict& verdict, Tally& tally) {
  tally.count("units");
  tally.count(std::string(name(verdict.label)));
  tally.count("class." + std::string(name(verdict.outcome)));
  if (verdict.label == Label::abstain) return;
  tally.add("score", verdict.score);
  tally.add("score_squared", verdict.score * verdict.score);
}

Metrics rollout_metrics(const Tally& tally) {
  Metrics metrics;
  metrics["groups"] = static_cast<double>(tally.count_of("groups"));
  metrics["rollouts"] = static_cast<double>(tally.count_of("rollouts"));
  metrics["tokens"] = static_cast<double>(tally.count_of("tokens"));
  metrics["mean_length"] = tally.share("tokens", "rollouts");
  metrics["cut_rate"] = tally.share("cut", "rollouts");
  return metrics;
}

}  // namespace sil
