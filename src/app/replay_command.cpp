// `sil replay` and `sil rejudge`: rollouts and verdicts of a record once more.
#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "loop/rejudge.h"
#include "loop/replay.h"
#include "sil/env.h"

namespace sil {
namespace {

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

Json replayed_json(const ReplayedRollout& replayed) {
  const Rollout& now = replayed.again.rollout;
  Json ids = Json::array(), tokens = Json::array(), logprobs = Json::array();
  for (const TokenId id : now.ids) ids.push(id);
  for (const std::string& token : replayed.tokens) tokens.push(token);
  for (const float value : now.logprobs) logprobs.push(static_cast<double>(value));
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("id", replayed.id);
  out.set("equal", replayed.difference.empty());
  out.set("first_difference", replayed.difference.empty() ? Json() : Json(replayed.difference));
  out.set("role", now.role);
  out.set("version", now.version.hex());
  out.set("prompt", replayed.again.prompt.text);
  out.set("completion", now.text);
  out.set("token_ids", std::move(ids));
  out.set("tokens", std::move(tokens));
  out.set("logprobs", std::move(logprobs));
  out.set("finish_reason", name(now.finish));
  return out;
}

int replay_one(RecordedRun& run, const ReplayArguments& arguments) {
  const ReplayedRollout replayed = replay_rollout(run, arguments.id);
  const Rollout& now = replayed.again.rollout;
  if (arguments.json) {
    print_json(replayed_json(replayed));
  } else {
    print(replayed.id + "  " + now.role + "@" + now.version.hex().substr(0, 16) + "\n");
    print("  " + dump(Json(replayed.again.prompt.text)) + " -> " + dump(Json(now.text)) + "\n");
    for (size_t i = 0; i < now.ids.size(); ++i)
      print("  " + padded(std::to_string(now.ids[i]), 6) + "  " +
            (i < now.logprobs.size() ? padded(dump(Json(static_cast<double>(now.logprobs[i]))), 24) + "  " : "") +
            dump(Json(replayed.tokens[i])) + "\n");
    print("  " + std::string(name(now.finish)) + "\n");
    print(replayed.difference.empty() ? "equal\n" : "differs: " + replayed.difference + "\n");
  }
  return static_cast<int>(replayed.difference.empty() ? Exit::ok : Exit::differs);
}

int replay_many(RecordedRun& run, const ReplayArguments& arguments) {
  const ReplayCounts counts = replay_random(run, arguments.random, static_cast<uint64_t>(arguments.seed));
  const bool equal = counts.differing == 0;
  if (arguments.json) {
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("equal", equal);
    out.set("rollouts", counts.rollouts);
    out.set("replayed", counts.equal + counts.differing);
    out.set("differing", counts.differing);
    out.set("not_sampled", counts.not_sampled);
    out.set("retired", counts.retired);
    out.set("first_difference", equal ? Json() : Json(counts.first_id + ": " + counts.first_difference));
    print_json(out);
  } else {
    print(std::to_string(counts.equal) + " of " + std::to_string(counts.drawn) + " rollouts equal, drawn from " +
          std::to_string(counts.rollouts) + "; " + std::to_string(counts.differing) + " differ, " +
          std::to_string(counts.not_sampled) + " not sampled, " + std::to_string(counts.retired) +
          " weights retired by retain\n");
    if (!equal) print("first: " + counts.first_id + ": " + counts.first_difference + "\n");
  }
  return static_cast<int>(equal ? Exit::ok : Exit::differs);
}

Json side_json(const std::optional<Verdict>& verdict) {
  if (!verdict) return {};
  Json out = Json::object();
  out.set("label", name(verdict->label));
  out.set("score", verdict->label == Label::abstain ? Json() : Json(verdict->score));
  out.set("class", name(verdict->outcome));
  out.set("reason", verdict->reason);
  return out;
}

std::string side_text(const std::optional<Verdict>& verdict) {
  if (!verdict) return "not judged";
  std::string text(name(verdict->label));
  if (verdict->label != Label::abstain) text += " " + dump(Json(verdict->score));
  return text + (verdict->reason.empty() ? "" : " (" + verdict->reason + ")");
}

}  // namespace

int replay_command(const ReplayArguments& arguments) {
  if (arguments.id.empty() == (arguments.random == 0))
    throw Error(Exit::usage, "sil replay wants the id of one rollout, or --random N",
                "sil show " + shell_word(arguments.run) + " --rollouts lists ids");
  const Builtins builtins;
  RecordedRun run(system_env(), arguments.run, builtins.registries, builtins.steps, {},
                  thread_count(arguments.threads));
  return arguments.id.empty() ? replay_many(run, arguments) : replay_one(run, arguments);
}

int rejudge_command(const RejudgeArguments& arguments) {
  const Builtins builtins;
  {
    const RecordedRun recorded(system_env(), arguments.run, builtins.registries, builtins.steps, {}, 1);
    check_verify_overrides(recorded.recipe(), arguments.overrides);
  }
  RecordedRun run(system_env(), arguments.run, builtins.registries, builtins.steps, arguments.overrides,
                  thread_count(arguments.threads));
  Json rows = Json::array();
  const RejudgeCounts counts = rejudge_run(run, arguments.step, [&](const Flip& flip) {
    if (!arguments.json) {
      print(flip.id + "  " + flip.step + ": " + side_text(flip.stored) + " -> " + side_text(flip.now) + "\n");
      return;
    }
    Json row = Json::object();
    row.set("id", flip.id);
    row.set("step", flip.step);
    row.set("stored", side_json(flip.stored));
    row.set("now", side_json(flip.now));
    rows.push(std::move(row));
  });
  if (arguments.json) {
    Json changes = Json::object();
    for (const auto& [change, n] : counts.changes) changes.set(change, n);
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("equal", counts.flips == 0);
    out.set("units", counts.units);
    out.set("flips", std::move(rows));
    out.set("changes", std::move(changes));
    print_json(out);
  } else {
    std::string line = std::to_string(counts.flips) + " of " + std::to_string(counts.units) + " verdicts flip";
    for (const auto& [change, n] : counts.changes) line += ", " + change + " " + std::to_string(n);
    print(line + "\n");
  }
  return static_cast<int>(counts.flips == 0 ? Exit::ok : Exit::differs);
}

}  // namespace sil
