#include "app/rollout_row.h"

#include <algorithm>

namespace sil {

std::vector<PoolPart> parts_with(const RunState& state, const std::string& round, const std::string& step) {
  std::vector<PoolPart> parts;
  for (const RoundState& section : state.rounds)
    for (const auto& [name, pool] : section.pools)
      for (const PoolPart& part : pool.parts) {
        const bool has = std::any_of(part.layers.begin(), part.layers.end(), [&](const Layer& layer) {
          return layer.kind == "rollouts" && layer.step == step;
        });
        if (part.round != round || !has) continue;
        parts.push_back(part);
        parts.back().chosen = nullptr;
      }
  return parts;
}

std::optional<PoolPart> fullest_part(const RunState& state, const std::string& round, const std::string& step) {
  std::optional<PoolPart> best;
  for (const RoundState& section : state.rounds)
    for (const auto& [name, pool] : section.pools)
      for (const PoolPart& part : pool.parts)
        if (part.round == round && part.step == step && (!best || part.layers.size() > best->layers.size()))
          best = part;
  if (best) best->chosen = nullptr;
  return best;
}

std::string last_fates_step(const PoolPart& part) {
  std::string step;
  for (const Layer& layer : part.layers)
    if (layer.kind == "fates") step = layer.step;
  return step;
}

Json verdict_json(const Verdict& verdict) {
  Json parts = Json::object();
  for (const auto& [name, score] : verdict.parts) parts.set(name, score);
  Json out = Json::object();
  out.set("step", verdict.step);
  out.set("label", name(verdict.label));
  out.set("score", verdict.score);
  out.set("parts", std::move(parts));
  out.set("class", name(verdict.outcome));
  out.set("reason", verdict.reason);
  return out;
}

const std::string& prompt_of(const Group& group, const Rollout& rollout) {
  static const std::string kNone;
  return rollout.prompt < group.prompts.size() ? group.prompts[rollout.prompt].text : kNone;
}

std::string fate_of(const Row& row) {
  return row.fate.fate.empty() ? "unused" : row.fate.fate;
}

Json row_json(const Row& row) {
  const Rollout& rollout = row.rollout;
  Json ids = Json::array(), logprobs = Json::array(), verdicts = Json::array();
  for (const TokenId id : rollout.ids) ids.push(id);
  for (const float value : rollout.logprobs) logprobs.push(static_cast<double>(value));
  for (const Verdict& verdict : rollout.verdicts) verdicts.push(verdict_json(verdict));
  Json out = Json::object();
  out.set("id", rollout_id(row.round, row.group, rollout));
  out.set("problem", hex64(row.group.problem->uid));
  out.set("prompt", prompt_of(row.group, rollout));
  out.set("completion", rollout.text);
  out.set("token_ids", std::move(ids));
  out.set("logprobs", std::move(logprobs));
  out.set("verdict", rollout.verdicts.empty() ? Json() : verdict_json(rollout.verdicts.back()));
  out.set("verdicts", std::move(verdicts));
  out.set("fate", fate_of(row));
  out.set("reason", row.fate.reason);
  out.set("finish_reason", name(rollout.finish));
  return out;
}

}  // namespace sil
