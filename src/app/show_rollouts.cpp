// `sil show RUN --rollouts`: every rollout of a record, with its verdicts and what became of it.
#include <algorithm>
#include <optional>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "loop/loop.h"
#include "sil/env.h"
#include "steps/pool.h"

namespace sil {
namespace {

// The part as the last step that touched it left it. Later pools hold the same frames with more layers: verdicts and
// fates of what stands behind a filter, or of a later round that drew it from a store.
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

struct Row {
  const std::string& round;
  const Group& group;
  const Rollout& rollout;
  const Fate& fate;  // `fate` empty: no filter saw it
};

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

std::string row_text(const Row& row) {
  std::string out = rollout_id(row.round, row.group, row.rollout) + "  " + fate_of(row);
  if (!row.fate.reason.empty()) out += " (" + row.fate.reason + ")";
  for (const Verdict& verdict : row.rollout.verdicts) {
    out += "  " + verdict.step + ": " + std::string(name(verdict.label));
    if (!verdict.reason.empty()) out += " (" + verdict.reason + ")";
  }
  // As JSON strings, so that what a model wrote cannot drive the terminal.
  return out + "\n  " + dump(Json(prompt_of(row.group, row.rollout))) + " -> " + dump(Json(row.rollout.text)) + "\n";
}

bool wanted(const ShowArguments& arguments, const Row& row) {
  const Rollout& rollout = row.rollout;
  if (arguments.failed && (rollout.verdicts.empty() || rollout.verdicts.back().label != Label::fail)) return false;
  if (!arguments.problem.empty() && hex64(row.group.problem->uid) != arguments.problem) return false;
  return arguments.grep.empty() || rollout.text.find(arguments.grep) != std::string::npos ||
         prompt_of(row.group, rollout).find(arguments.grep) != std::string::npos;
}

// False once nobody reads on.
bool print_part(const ShowArguments& arguments, const PoolPart& part) {
  const std::string filter = last_fates_step(part);
  const Fate unseen{"", "", 1};
  for (size_t frame = 0; frame < part.spans.size(); ++frame) {
    const std::vector<Group> groups = read_groups(system_env(), arguments.run, part, frame);
    std::vector<std::vector<Fate>> fates;
    if (!filter.empty()) fates = read_layer_fates(system_env(), arguments.run, part, filter, frame);
    for (size_t g = 0; g < groups.size(); ++g) {
      for (size_t r = 0; r < groups[g].rollouts.size(); ++r) {
        const bool seen = g < fates.size() && r < fates[g].size();
        const Row row{part.round, groups[g], groups[g].rollouts[r], seen ? fates[g][r] : unseen};
        if (!wanted(arguments, row)) continue;
        if (!(arguments.json || arguments.jsonl ? print_json(row_json(row)) : print(row_text(row)))) return false;
      }
    }
  }
  return true;
}

}  // namespace

int show_rollouts(const ShowArguments& arguments) {
  const Builtins builtins;
  const RunState state = load_run(system_env(), arguments.run, builtins.registries, builtins.steps);
  if (!arguments.round.empty() && state.find_round(arguments.round) == nullptr)
    throw Error(Exit::usage, arguments.run + " has no round `" + arguments.round + "`",
                "sil show " + shell_word(arguments.run) + " lists its rounds");
  for (const RoundState& round : state.rounds) {
    if (!arguments.round.empty() && round.label != arguments.round) continue;
    for (const std::string& step : round.order) {
      const auto progress = round.steps.find(step);
      if (progress == round.steps.end() || !progress->second.files.contains("rollouts")) continue;
      const std::optional<PoolPart> part = fullest_part(state, round.label, step);
      if (part && !print_part(arguments, *part)) return 0;
    }
  }
  return 0;
}

}  // namespace sil
