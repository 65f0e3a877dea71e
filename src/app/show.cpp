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

// {run, status, name, rounds, digest}, or {run, status: unreadable, name: null, error}.
Json listed_run(Env& env, const std::string& path, const Builtins& builtins) {
  Json row = Json::object();
  row.set("run", path);
  try {
    const RunState state = load_run(env, path, builtins.registries, builtins.steps);
    row.set("status", status_word(state));
    row.set("name", state.name);
    row.set("rounds", state.sealed_rounds());
    row.set("digest", state.sealed_rounds() > 0 ? Json(state.digest.hex()) : Json());
  } catch (const Error& error) {
    row.set("status", "unreadable");
    row.set("name", Json());
    row.set("error", error.findings().empty() ? error.what() : error.findings().front().message);
  }
  return row;
}

}  // namespace

int show_command(const ShowArguments& given) {
  ShowArguments arguments = given;
  if (arguments.what.find('/') != std::string::npos) return show_rollout(arguments);
  if (!arguments.what.empty()) arguments.round = arguments.what;
  if (arguments.rollouts) return show_rollouts(arguments);
  if (arguments.jsonl || arguments.failed || arguments.passed || !arguments.step.empty() || !arguments.grep.empty() ||
      !arguments.problem.empty())
    throw Error(Exit::usage, "--jsonl, --failed, --passed, --step, --grep and --problem choose among rollouts",
                "add --rollouts");
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

int ls_command(const LsArguments& arguments) {
  Env& env = system_env();
  const std::string& directory = arguments.directory;
  if (!env.is_dir(directory))
    throw Error(Exit::unreadable, "`" + directory + "` is not a directory", "sil ls DIR, where DIR holds runs");
  const Builtins builtins;
  Json rows = Json::array();
  for (const std::string& entry : env.list(directory)) {
    const std::string path = directory + "/" + entry;
    if (!env.exists(path + "/SIL")) continue;
    const Json row = listed_run(env, path, builtins);
    const std::string status = row.at("status").as_string();
    const Json& name = row.at("name");
    const bool named = path.find(arguments.name) != std::string::npos ||
                       (name.is_string() && name.as_string().find(arguments.name) != std::string::npos);
    if (!named || (!arguments.status.empty() && status != arguments.status)) continue;
    if (!arguments.json)
      print(path + "  " +
            (name.is_string() ? name.as_string() + "  " + status + "  " + dump(row.at("rounds")) + " rounds"
                              : row.at("error").as_string()) +
            "\n");
    rows.push(row);
  }
  if (!arguments.json) return 0;
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("runs", std::move(rows));
  print_json(out);
  return 0;
}

}  // namespace sil
