#include "loop/loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

#include "base/math_paths.h"
#include "loop/ledger.h"
#include "loop/memory_plan.h"
#include "loop/replay.h"
#include "loop/retention.h"
#include "loop/round.h"
#include "loop/round_line.h"
#include "loop/setup.h"
#include "loop/views.h"
#include "recipe/difference.h"
#include "recipe/paths.h"
#include "record/run_directory.h"
#include "sil/rng.h"
#include "sil_version.h"
#include "steps/overlap.h"

namespace sil {
namespace {

constexpr size_t kShownDifferences = 20;

std::string set_aside(Env& env, const std::string& directory) {
  for (int n = 1;; ++n) {
    std::string to = directory + ".old-" + std::to_string(n);
    if (!env.exists(to)) {
      env.rename_over(directory, to);
      return to;
    }
  }
}

// The variables of the environment that the recipe or an override names, with their values: what is read again must be
// read as it was, whatever is set then.
Json named_variables(const RecipeInput& input) {
  Json variables = Json::object();
  const auto names = [](const std::string& text, const std::string& name) {
    const std::string reference = "${env:" + name;
    for (size_t at = text.find(reference); at != std::string::npos; at = text.find(reference, at + 1))
      if (const size_t end = at + reference.size(); end < text.size() && (text[end] == '}' || text[end] == ','))
        return true;
    return false;
  };
  for (const auto& [name, value] : input.environment) {
    bool named = names(input.text, name);
    for (const std::string& text : input.overrides) named = named || names(text, name);
    if (named) variables.set(name, value);
  }
  return variables;
}

class Loop {
 public:
  Loop(const RunRequest& request, Recipe recipe, std::string directory, const Registries& registries,
       const Registry<Step>& steps, Env& env, RunProgress& progress, std::stop_token stop)
      : request_(request),
        recipe_(std::move(recipe)),
        registries_(registries),
        steps_(steps),
        shelves_(shelves_of(registries, steps)),
        stop_(stop),
        tasks_(disjoint_tasks()),
        engines_(make_engines(recipe_, tasks_, registries_, request_.threads)),
        run_(env, fitting(std::move(directory), env)),
        progress_(run_, progress, "sil " SIL_VERSION " starts"),
        models_(run_.objects()),
        views_(run_) {}

  RunSummary run() {
    state_ = replay(run_.journal().found());
    if (state_.begun && state_.recipe_digest != recipe_.digest) refuse_other_recipe();
    refuse_other_data();
    remove_retired(run_.journal().found(), state_, run_.objects());
    if (state_.begun && state_.status == "done" && finished()) {
      views_.update(state_);
      return summary("done");
    }
    if (!state_.begun) begin();
    record("open", open_payload());
    for (const std::string& command : unconfined_graders(recipe_, registries_, steps_))
      progress_.line("cage: none: the grader `" + command + "` runs unconfined");
    try {
      for (const ModelSpec& spec : recipe_.models) add_model(spec);
      if (!state_.rounds.empty())
        check_last_frame(run_.journal().found(), {run_.env(), run_.path(), recipe_, registries_, steps_, tasks_,
                                                  models_, run_.objects(), request_.threads});
      if (state_.current() == nullptr)
        settle();
      else
        views_.update(state_);
      run_.journal().forget();
      bind_recorded();
      sections();
    } catch (const Error& error) {
      fail(error);
      if (error.code() == Exit::internal) throw FailedRun(error, run_.path());
      if (error.code() != Exit::stopped) throw;
      return summary("stopped");
    } catch (const std::logic_error& error) {
      const Error bug(Exit::internal, std::string("internal error: ") + error.what(),
                      "this is a bug; please report it");
      fail(bug);
      throw FailedRun(bug, run_.path());
    }
    finish("done", Exit::ok);
    return summary("done");
  }

 private:
  void finish(const char* status, Exit code) {
    Json payload = Json::object();
    payload.set("status", status);
    payload.set("digest", state_.digest.hex());
    payload.set("code", static_cast<int>(code));
    record("finish", std::move(payload));
    views_.update(state_);
  }

  // Records how the run ended. Where the disk failed or the record is not to be touched there is nothing to add.
  void fail(const Error& error) {
    for (Exit untold : {Exit::resources, Exit::io, Exit::corrupt, Exit::in_use, Exit::newer})
      if (error.code() == untold) return;
    if (error.code() == Exit::stopped) return finish("stopped", error.code());
    try {
      progress_.append(std::string("error: ") + error.what());
      finish(error.code() == Exit::rule ? "rule" : "failed", error.code());
    } catch (const Error&) {
      // The first failure is the one to report; the record only says nothing of the end.
    }
  }

  Tasks disjoint_tasks() const {
    Tasks tasks = make_tasks(recipe_, registries_);
    refuse_overlap(recipe_, tasks);
    return tasks;
  }

  // The directory, once what the models are read from has been read and this machine's memory can hold them.
  std::string fitting(std::string directory, Env& env) const {
    refuse_too_large(plan_memory(recipe_, tasks_, engines_, registries_, steps_), env.memory_bytes());
    for (const auto& [name, engine] : engines_) engine->source_digest();
    return directory;
  }

  void record(std::string_view type, Json payload) { state_.apply(run_.journal().append(type, std::move(payload))); }

  void retire(const std::vector<Digest>& objects) {
    retire_objects(
        objects, [this](std::string_view type, Json payload) { record(type, std::move(payload)); }, run_.objects());
  }

  // The recipe and the inputs it names.
  void begin() {
    Json payload = Json::object();
    payload.set("digest", recipe_.digest.hex());
    payload.set("name", recipe_.name);
    Json source = Json::object();
    source.set("file", recipe_.source);
    source.set("text", recipe_.source_text);
    Json overrides = Json::array();
    for (const std::string& text : request_.recipe.overrides) overrides.push(text);
    source.set("overrides", std::move(overrides));
    if (Json variables = named_variables(request_.recipe); !variables.as_object().empty())
      source.set("environment", std::move(variables));
    payload.set("source", run_.objects().put(dump(source)).hex());
    payload.set("resolved", run_.objects().put(dump(recipe_.resolved)).hex());
    Json inputs = Json::object();
    for (const auto& [name, task] : tasks_) inputs.set(name, task->digest().hex());
    payload.set("tasks", std::move(inputs));
    Json folders = Json::object();
    for (const auto& [name, engine] : engines_)
      if (const std::optional<Digest> digest = engine->source_digest()) folders.set(name, digest->hex());
    if (!folders.as_object().empty()) payload.set("models", std::move(folders));
    record("recipe", std::move(payload));
  }

  // Its engine, and once a run what `base` starts as, for every member.
  void add_model(const ModelSpec& spec) {
    models_.add(spec.name, std::move(engines_.at(spec.name)));
    Engine& engine = models_.engine(spec.name);
    for (int64_t member = 0; member < spec.members; ++member) {
      const std::string line = line_name(spec.name, member);
      if (state_.models.count(line)) continue;
      const VersionRef version =
          member == 0
              ? models_.store(spec.name, engine.initial(), false)
              : models_.store_initial(*make_engine(spec, recipe_, tasks_, registries_, request_.threads, member));
      Json payload = Json::object();
      payload.set("model", line);
      payload.set("version", version.to_json());
      Json files = Json::object();
      for (const FolderFile& file : engine.folder_files()) files.set(file.name, run_.objects().put(file.text).hex());
      if (!files.as_object().empty()) payload.set("files", std::move(files));
      record("model", std::move(payload));
    }
  }

  Json open_payload() {
    Json payload = Json::object();
    payload.set("epoch", state_.opens + 1);
    payload.set("torn_bytes", run_.journal().torn_bytes());
    payload.set("build", "sil " SIL_VERSION " (" SIL_BUILD_TYPE ", " SIL_COMPILER ")");
    payload.set("libraries", SIL_LIBRARIES);
    payload.set("profile", fused_math() != nullptr ? "fma in hardware" : "fma in software");
    payload.set("retain", retain_json(recipe_.retain));
    return payload;
  }

  [[noreturn]] void refuse_other_recipe() {
    const std::vector<std::string> all =
        recipe_differences(parse_json(run_.objects().read(state_.resolved)), recipe_.resolved);
    std::string what;
    for (size_t i = 0; i < std::min(all.size(), kShownDifferences); ++i) what += (i == 0 ? " " : "; ") + all[i];
    if (all.size() > kShownDifferences) what += fmt::format("; and {} more", all.size() - kShownDifferences);
    throw Error(Exit::usage, run_.path() + " was begun with another recipe:" + what,
                "use --out DIR for a new run, or --fresh to put the old directory aside");
  }

  // What was learnt from another file would be continued on this one.
  void refuse_other_data() const {
    for (const TaskSpec& spec : recipe_.tasks) {
      const Task& task = *tasks_.at(spec.name);
      const std::string file = task.source();
      refuse_other_input("task", spec.name, task.digest(), {file, 0, 0},
                         file.empty() ? "use the version of sil that began the run" : "restore the file as it was");
    }
    for (const ModelSpec& spec : recipe_.models)
      if (const std::optional<Digest> digest = engines_.at(spec.name)->source_digest())
        refuse_other_input("model", spec.name, *digest, spec.place, "restore its files as they were");
  }

  void refuse_other_input(const char* kind, const std::string& name, const Digest& digest, const Place& place,
                          const std::string& hint) const {
    const auto recorded = state_.inputs.find(name);
    if (recorded == state_.inputs.end() || recorded->second == digest) return;
    throw Error(Exit::corrupt,
                std::string(kind) + " '" + name + "' is no longer what " + run_.path() +
                    " was begun with: its digest is " + digest.hex().substr(0, 16) + "…, recorded is " +
                    recorded->second.hex().substr(0, 16) + "…",
                hint + "; or start anew with --out DIR or --fresh", place);
  }

  bool finished() const {
    bool after = recipe_.after.empty() || (state_.find_round("after") && state_.find_round("after")->sealed);
    return state_.sealed_rounds() >= recipe_.rounds && after;
  }

  void bind_recorded() {
    for (RoundState& round : state_.rounds) {
      if (&round == state_.current()) break;
      Recipe recipe = round.values.empty() ? recipe_ : with_values(recipe_, round.values, shelves_);
      const auto& specs = specs_of(recipe, round.label);
      bind_section(state_, round, recipe, specs, make_steps(specs, steps_), registries_);
    }
  }

  void sections() {
    if (!recipe_.before.empty() || state_.find_round("0")) section("0");
    int64_t last = request_.last_round > 0 ? std::min(request_.last_round, recipe_.rounds) : recipe_.rounds;
    for (int64_t r = 1; r <= last; ++r) section(std::to_string(r));
    if (request_.last_round == 0 && !recipe_.after.empty()) section("after");
  }

  void section(const std::string& label) {
    if (const RoundState* known = state_.find_round(label); known && known->sealed) return;
    if (label == "after" && state_.current() == nullptr && state_.find_round("after")) return;
    if (!state_.current()) begin_section(label);
    const auto values = state_.current()->values;
    Recipe recipe = values.empty() ? recipe_ : with_values(recipe_, values, shelves_);
    const std::vector<StepSpec>& specs = specs_of(recipe, label);
    StepObjects made = make_steps(specs, steps_);
    RoundTasks tasks(recipe, values, registries_, tasks_);
    RoundContext context(
        recipe, registries_, run_.env(), run_.path(), state_, tasks.get(), models_,
        [this](std::string_view type, Json payload) {
          record(type, std::move(payload));
          retire({state_.spent.begin(), state_.spent.end()});
        },
        run_.objects());
    context.record_all = [this](std::string_view type, std::vector<Json> payloads) {
      for (const JournalRecord& entry : run_.journal().append(type, std::move(payloads))) state_.apply(entry);
    };
    context.threads = request_.threads;
    context.frame_rollouts = request_.frame_rollouts;
    context.stop = stop_;
    context.section = label == "0" ? "before" : label == "after" ? "after" : "round";
    context.working = [this](const std::string& step, int64_t done, int64_t total) {
      progress_.working(step, done, total);
    };
    Json begun = Json::object();
    begun.set("round", label);
    begun.set("rounds", recipe_.rounds);
    progress_.event("round", begun);
    progress_.line(label == "0"       ? "before"
                   : label == "after" ? "after"
                                      : fmt::format("round {} of {}", label, recipe_.rounds));
    run_section(context, specs, made, progress_);
    seal();
    for (const ModelSpec& model : recipe_.models) models_.keep_only(model.name, named_versions(recipe_, model, state_));
    settle();
  }

  // What follows a seal, or a start that finds it undone.
  void settle() {
    retire(retirable_objects(state_, recipe_.retain, recipe_.resolved));
    views_.update(state_);
  }

  void begin_section(const std::string& label) {
    Json payload = Json::object();
    payload.set("round", label);
    Json values = Json::array();
    if (int64_t number = round_number(label); number > 0)
      for (const ControlSpec& spec : recipe_.control) add_control(spec, number, values);
    payload.set("values", std::move(values));
    record("round", std::move(payload));
  }

  void add_control(const ControlSpec& spec, int64_t round, Json& values) const {
    ControlInput input;
    input.round = round;
    input.history = &state_.history;
    if (auto it = state_.control_values.find(spec.set); it != state_.control_values.end())
      input.previous = it->second.back();
    input.current = option_value(recipe_, spec.set).value_or(Json());
    std::optional<Json> value = registries_.controls.make(spec.by)->value(input);
    if (value) values.push(Json(Json::Array{spec.set, std::move(*value)}));
  }

  void seal() {
    const RoundState& round = *state_.current();
    std::string label = round.label;
    Json payload = Json::object();
    payload.set("round", label);
    payload.set("digest", section_digest(state_, round).hex());
    if (Json averages = moved_averages(round); !averages.as_array().empty())
      payload.set("averages", std::move(averages));
    record("seal", std::move(payload));
    Json sealed = Json::object();
    sealed.set("round", label);
    sealed.set("digest", state_.digest.hex());
    progress_.event("seal", sealed);
    progress_.line(round_line(*state_.find_round(label)) + "  " + state_.digest.hex().substr(0, 16));
    explain(*state_.find_round(label));
  }

  // The averages that the recipe names, moved towards what this round accepted.
  Json moved_averages(const RoundState& round) {
    Json averages = Json::array();
    for (const auto& [line, versions] : state_.models) {
      const std::string model = model_of(line);
      auto judged = round.accepted.find(model);
      bool accepts = versions.candidate || (judged != round.accepted.end() && judged->second == true);
      if (!accepts || round_number(round.label) <= 0) continue;  // `base` is what averages begin at
      for (double decay : average_decays(recipe_, model)) {
        auto known = versions.averages.find(decay);
        Json entry = Json::object();
        entry.set("model", line);
        entry.set("decay", decay);
        entry.set("version", models_
                                 .average(model, known == versions.averages.end() ? versions.base : known->second,
                                          versions.candidate.value_or(versions.incumbent), decay)
                                 .to_json());
        averages.push(std::move(entry));
      }
    }
    return averages;
  }

  // A round that cannot learn says so.
  void explain(const RoundState& round) {
    for (const std::string& text : round_notes(round)) {
      Json note = Json::object();
      note.set("text", text);
      progress_.event("note", note);
      progress_.line("note: " + text);
    }
  }

  RunSummary summary(const std::string& status) const {
    RunSummary out;
    out.run = run_.path();
    out.status = status;
    out.rounds = state_.sealed_rounds();
    out.digest = state_.digest;
    out.unconfined = unconfined_graders(recipe_, registries_, steps_);
    if (!state_.history.empty()) out.metrics = state_.history.back();
    if (const RoundState* after = state_.find_round("after"); after && after->sealed)
      for (const auto& [name, metrics] : after->metrics()) out.metrics[name] = metrics;
    return out;
  }

  const RunRequest& request_;
  Recipe recipe_;
  const Registries& registries_;
  const Registry<Step>& steps_;
  Shelves shelves_;
  std::stop_token stop_;
  // Before the run's directory: what cannot be read leaves no run behind.
  Tasks tasks_;
  Engines engines_;  // until models_ has them
  RunDirectory run_;
  RunLog progress_;
  Models models_;
  Views views_;
  RunState state_;
};

}  // namespace

RunSummary run_recipe(const RunRequest& request, const Registries& registries, const Registry<Step>& steps, Env& env,
                      RunProgress& progress, std::stop_token stop) {
  Shelves shelves = shelves_of(registries, steps);
  Recipe recipe = read_recipe(request.recipe, shelves);
  std::vector<Finding> findings = recipe_findings(recipe, registries, steps);
  if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
  std::string directory = request.directory.empty() ? "runs/" + recipe.name : request.directory;
  if (request.fresh && env.exists(directory)) progress.line("put the old run aside as " + set_aside(env, directory));
  return Loop(request, std::move(recipe), std::move(directory), registries, steps, env, progress, stop).run();
}

}  // namespace sil
