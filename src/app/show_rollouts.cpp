// `sil show RUN --rollouts`: every rollout of a record, with its verdicts and what became of it.
#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/rollout_row.h"
#include "loop/loop.h"
#include "sil/env.h"
#include "steps/pool.h"

namespace sil {
namespace {

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
  const auto last = [&](Label label) { return !rollout.verdicts.empty() && rollout.verdicts.back().label == label; };
  if (arguments.failed && !last(Label::fail)) return false;
  if (arguments.passed && !last(Label::pass)) return false;
  if (!arguments.step.empty() && rollout.step != arguments.step) return false;
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
  if (arguments.failed && arguments.passed)
    throw Error(Exit::usage, "--failed and --passed leave nothing to show", "give one of them");
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
