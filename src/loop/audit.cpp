// Looking back at a run: its record folded, re-hashed, compared, run again.
#include <algorithm>
#include <set>

#include "loop/ledger.h"
#include "loop/loop.h"
#include "loop/round.h"
#include "record/run_directory.h"

namespace sil {
namespace {

class Silent final : public RunProgress {
 public:
  void line(const std::string&) override {}
  void working(const std::string&, int64_t, int64_t) override {}
};

RecipeInput recorded_input(Env& env, const std::string& run_dir, const RunState& state) {
  if (!state.begun)
    throw Error(Exit::unreadable, run_dir + " holds no recipe yet",
                "start it with `sil run RECIPE --out " + run_dir + "`");
  Json source = parse_json(ObjectStore(env, run_dir).read(state.source));
  RecipeInput input;
  input.file = source.at("file").as_string();
  input.text = source.at("text").as_string();
  for (const Json& text : source.at("overrides").as_array()) input.overrides.push_back(text.as_string());
  if (const Json* variables = source.find("environment"))
    for (const auto& [name, value] : variables->as_object()) input.environment[name] = value.as_string();
  return input;
}

std::set<Digest> named_objects(const std::vector<JournalRecord>& records) {
  std::set<Digest> named;
  auto add = [&](const Json& version) {
    named.insert(Digest::from_hex(version.at("weights").as_string()));
    if (const Json* optimizer = version.find("optimizer")) named.insert(Digest::from_hex(optimizer->as_string()));
  };
  for (const JournalRecord& record : records) {
    if (record.type == "recipe")
      for (const char* key : {"source", "resolved"}) named.insert(Digest::from_hex(record.payload.at(key).as_string()));
    if (record.type == "model") {
      add(record.payload.at("version"));
      if (const Json* files = record.payload.find("files"))
        for (const auto& [name, object] : files->as_object()) named.insert(Digest::from_hex(object.as_string()));
    }
    if (record.type == "checkpoint") named.insert(Digest::from_hex(record.payload.at("state").as_string()));
    if (record.type == "trained") add(record.payload.at("version"));
    if (record.type == "step")
      for (const auto& [line, version] : candidates_of(record.payload)) add(version.to_json());
    if (const Json* averages = record.payload.find("averages"))
      for (const Json& entry : averages->as_array()) add(entry.at("version"));
  }
  return named;
}

std::string difference(const RoundState& a, const RoundState& b, int64_t& compared) {
  for (const std::string& name : a.order) {
    auto other = b.steps.find(name);
    const StepProgress& step = a.steps.at(name);
    if (!step.done) continue;
    ++compared;
    if (other == b.steps.end() || !other->second.done) return name + ": only the first run has this step";
    if (step.digest == other->second.digest) continue;
    return name + ": digest " + step.digest.hex().substr(0, 16) + " and " + other->second.digest.hex().substr(0, 16);
  }
  if (a.sealed && b.sealed && a.digest != b.digest) return "the steps agree, what came before or the recipe does not";
  return "";
}

}  // namespace

Recipe recorded_recipe(Env& env, const std::string& run_dir, const RunState& state, const Registries& registries,
                       const Registry<Step>& steps, const std::vector<std::string>& overrides) {
  RecipeInput input = recorded_input(env, run_dir, state);
  Recipe recipe = read_recipe(input, shelves_of(registries, steps));
  if (recipe.digest != state.recipe_digest)
    throw Error(Exit::corrupt, run_dir + ": this program reads the recorded recipe otherwise than the one that ran it",
                "use the version of sil that made the run");
  if (overrides.empty()) return recipe;
  input.overrides.insert(input.overrides.end(), overrides.begin(), overrides.end());
  recipe = read_recipe(input, shelves_of(registries, steps));
  std::vector<Finding> findings = recipe_findings(recipe, registries, steps);
  if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
  return recipe;
}

RunState load_run(Env& env, const std::string& run_dir, const Registries& registries, const Registry<Step>& steps) {
  RunState state = replay(read_run_journal(env, run_dir).records);
  if (!state.begun) return state;
  Recipe recipe = recorded_recipe(env, run_dir, state, registries, steps);
  for (RoundState& round : state.rounds) {
    Recipe here = round.values.empty() ? recipe : with_values(recipe, round.values, shelves_of(registries, steps));
    const auto& specs = specs_of(here, round.label);
    bind_section(state, round, here, specs, make_steps(specs, steps), registries);
  }
  return state;
}

std::vector<RoundComparison> compare_runs(const RunState& a, const RunState& b) {
  std::vector<RoundComparison> out;
  for (const RoundState& round : a.rounds) {
    RoundComparison comparison;
    comparison.round = round.label;
    const RoundState* other = b.find_round(round.label);
    comparison.first_difference =
        other ? difference(round, *other, comparison.steps) : "only the first run has this round";
    comparison.equal = comparison.first_difference.empty();
    out.push_back(std::move(comparison));
  }
  for (const RoundState& round : b.rounds)
    if (!a.find_round(round.label)) out.push_back({round.label, false, 0, "only the second run has this round"});
  return out;
}

std::vector<RoundComparison> reproduce_run(Env& env, const std::string& run_dir, const std::string& scratch,
                                           int64_t last_round, int threads, const Registries& registries,
                                           const Registry<Step>& steps) {
  RunState recorded = replay(read_run_journal(env, run_dir).records);
  RunRequest request;
  request.recipe = recorded_input(env, run_dir, recorded);
  request.directory = scratch;
  request.threads = threads;
  request.last_round = last_round > 0                 ? last_round
                       : recorded.find_round("after") ? 0
                                                      : std::max<int64_t>(1, recorded.sealed_rounds());
  Silent silent;
  try {
    run_recipe(request, registries, steps, env, silent, {});
  } catch (const FailedRun& error) {  // the scratch directory goes
    throw FailedRun(error, run_dir);
  }
  RunState again = replay(read_run_journal(env, scratch).records);
  std::erase_if(recorded.rounds,
                [&](const RoundState& round) { return !round.sealed || !again.find_round(round.label); });
  std::erase_if(again.rounds, [&](const RoundState& round) { return !recorded.find_round(round.label); });
  return compare_runs(recorded, again);
}

FsckReport fsck_run(Env& env, const std::string& run_dir, int threads) {
  JournalContents journal = read_run_journal(env, run_dir);
  RunState state = replay(journal.records);
  FsckReport report;
  report.records = static_cast<int64_t>(journal.records.size());
  report.bytes = static_cast<int64_t>(journal.valid_bytes);
  report.digest = state.digest;
  report.bytes += check_frames(env, run_dir, journal.records, threads);
  ObjectStore objects(env, run_dir);
  for (const Digest& digest : named_objects(journal.records)) {
    if (state.retired.count(digest)) continue;
    report.bytes += static_cast<int64_t>(objects.verify(digest));
  }
  return report;
}

void fsck_flow(Env& env, const std::string& run_dir, const Registries& registries, const Registry<Step>& steps) {
  const std::vector<JournalRecord> records = read_run_journal(env, run_dir).records;
  const RunState state = replay(records);
  if (!state.begun) return;
  const Recipe recipe = recorded_recipe(env, run_dir, state, registries, steps);
  Tasks tasks;  // nothing is drawn or sampled
  ObjectStore objects(env, run_dir);
  Models models(objects);
  check_flow({env, run_dir, recipe, registries, steps, tasks, models, objects}, records);
}

}  // namespace sil
