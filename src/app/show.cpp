// `sil show RUN` and `sil ls`: what rounds did.
#include <algorithm>
#include <cstdio>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "loop/loop.h"
#include "loop/views.h"
#include "sil/env.h"

namespace sil {
namespace {

constexpr size_t kShortDigest = 12;

std::string figure_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void print_round(const RoundState& round) {
  const Json accepted = accepted_json(round);
  const std::string verdict = accepted.is_null() ? "" : accepted.as_bool() ? "  accepted" : "  rejected";
  print("round " + round.label + "  " + (round.sealed ? round.digest.hex().substr(0, kShortDigest) : "in progress") +
        verdict + "\n");
  const RoundMetrics metrics = round.metrics();
  for (const std::string& step : round.order) {
    const auto figures = metrics.find(step);
    if (figures == metrics.end()) continue;
    std::string line = "  " + step + std::string(step.size() < 12 ? 12 - step.size() : 0, ' ');
    for (const auto& [name, value] : figures->second) line += "  " + name + " " + figure_text(value);
    print(line + "\n");
  }
}

}  // namespace

int show_command(const ShowArguments& arguments) {
  if (arguments.rollouts) return show_rollouts(arguments);
  if (arguments.jsonl || arguments.failed || !arguments.grep.empty() || !arguments.problem.empty())
    throw Error(Exit::usage, "--jsonl, --failed, --grep and --problem choose among rollouts", "add --rollouts");
  const Builtins builtins;
  const RunState state = load_run(system_env(), arguments.run, builtins.registries, builtins.steps);
  if (!arguments.round.empty() && state.find_round(arguments.round) == nullptr)
    throw Error(Exit::usage, arguments.run + " has no round `" + arguments.round + "`",
                "sil show " + shell_word(arguments.run) + " lists its rounds");
  std::vector<std::string> unconfined;
  if (state.begun)
    unconfined =
        unconfined_graders(recorded_recipe(system_env(), arguments.run, state, builtins.registries, builtins.steps),
                           builtins.registries, builtins.steps);
  Json rounds = Json::array();
  if (!arguments.json) print(arguments.run + "  " + state.name + "  " + status_word(state) + "\n");
  if (!arguments.json)
    for (const std::string& command : unconfined) print(unconfined_text(command) + "\n");
  for (const RoundState& round : state.rounds) {
    if (!arguments.round.empty() && round.label != arguments.round) continue;
    if (arguments.json)
      rounds.push(round_json(round));
    else
      print_round(round);
  }
  if (!arguments.json) return 0;
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("run", arguments.run);
  out.set("status", status_word(state));
  set_cage(out, unconfined);
  out.set("rounds", std::move(rounds));
  print_json(out);
  return 0;
}

int ls_command(const std::string& directory) {
  Env& env = system_env();
  if (!env.is_dir(directory))
    throw Error(Exit::unreadable, "`" + directory + "` is not a directory", "sil ls DIR, where DIR holds runs");
  const Builtins builtins;
  for (const std::string& entry : env.list(directory)) {
    const std::string path = directory + "/" + entry;
    if (!env.exists(path + "/SIL")) continue;
    try {
      const RunState state = load_run(env, path, builtins.registries, builtins.steps);
      print(path + "  " + state.name + "  " + status_word(state) + "  " + std::to_string(state.sealed_rounds()) +
            " rounds\n");
    } catch (const Error& error) {
      print(path + "  " + (error.findings().empty() ? error.what() : error.findings().front().message) + "\n");
    }
  }
  return 0;
}

}  // namespace sil
