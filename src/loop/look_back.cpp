#include "loop/look_back.h"

#include <optional>

#include "loop/loop.h"
#include "loop/round.h"
#include "loop/setup.h"
#include "record/run_directory.h"
#include "steps/binding.h"

namespace sil {
namespace {

// A section while its records are folded.
class SectionView {
 public:
  SectionView(const RecordView& view, RunState& state)
      : view_(view),
        state_(state),
        recipe_(state.rounds.back().values.empty()
                    ? view.recipe
                    : with_values(view.recipe, state.rounds.back().values, shelves_of(view.registries, view.steps))),
        specs_(specs_of(recipe_, state.rounds.back().label)),
        steps_(make_steps(specs_, view.steps)),
        tasks_(recipe_, state.rounds.back().values, view.registries, view.tasks),
        context_(recipe_, view.registries, view.env, view.run_dir, state, tasks_.get(), view.models, refuse_record,
                 view.objects) {
    const std::string& label = state.rounds.back().label;
    context_.threads = view.threads;
    context_.section = label == "0" ? "before" : label == "after" ? "after" : "round";
    context_.inputs = section_inputs(specs_, steps_);
    context_.working = [](const std::string&, int64_t, int64_t) {};
  }

  // Before the step's record (its payload; null for an unfinished step) is folded.
  void look(const std::string& name, const Json* record, const StepVisitor& visit) {
    const StepSpec& spec = spec_of(name);
    draw_inputs(state_, context_.round(), recipe_, spec, view_.registries);
    context_.round().steps.try_emplace(name);  // a step without frames has no progress yet
    if (record == nullptr || record->find("skipped") == nullptr) visit({context_, spec, *steps_.at(&spec), record});
  }
  // After it.
  void bind(const std::string& name) {
    const StepSpec& spec = spec_of(name);
    bind_step(state_, context_.round(), spec, *steps_.at(&spec), context_.inputs.at(&spec));
  }
  // The first step that has frames and is not done.
  void look_at_unfinished(const StepVisitor& visit) {
    for (const StepSpec& spec : specs_) {
      auto it = context_.round().steps.find(spec.name);
      if (it != context_.round().steps.end() && !it->second.done && !it->second.spans.empty())
        return look(spec.name, nullptr, visit);
    }
  }

 private:
  static void refuse_record(std::string_view, const Json&) { SIL_CHECK(!"looking back records nothing"); }

  const StepSpec& spec_of(const std::string& name) const {
    for (const StepSpec& spec : specs_)
      if (spec.name == name) return spec;
    throw Error(Exit::corrupt, "the record has a step `" + name + "` that the recipe lacks",
                "restore the run directory from a copy");
  }

  const RecordView& view_;
  RunState& state_;
  Recipe recipe_;
  const std::vector<StepSpec>& specs_;
  StepObjects steps_;
  RoundTasks tasks_;
  RoundContext context_;
};

}  // namespace

void walk_record(const std::vector<JournalRecord>& records, const RecordView& view, const StepVisitor& visit) {
  RunState state;
  std::optional<SectionView> section;
  for (const JournalRecord& record : records) {
    if (record.type != "step") state.apply(record);
    if (record.type == "round") section.emplace(view, state);
    if (record.type == "step") {
      if (!section) throw Error(Exit::corrupt, "a step is recorded outside every round");
      const std::string name = record.payload.at("step").as_string();
      section->look(name, &record.payload, visit);
      state.apply(record);
      section->bind(name);
    }
    if (record.type == "seal") {
      section.reset();
      view.models.drop_all();
    }
  }
  if (section) section->look_at_unfinished(visit);
}

std::set<Digest> retired_objects(const std::vector<JournalRecord>& records) {
  std::set<Digest> retired;
  for (const JournalRecord& record : records)
    if (record.type == "retire")
      for (const Json& object : record.payload.at("objects").as_array())
        retired.insert(Digest::from_hex(object.as_string()));
  return retired;
}

RecordedRun::RecordedRun(Env& env, std::string run_dir, const Registries& registries, const Registry<Step>& steps,
                         const std::vector<std::string>& overrides, int threads)
    : env_(env),
      run_dir_(std::move(run_dir)),
      registries_(registries),
      steps_(steps),
      threads_(threads),
      records_(read_run_journal(env, run_dir_).records),
      recipe_(recorded_recipe(env, run_dir_, replay(records_), registries, steps, overrides)),
      tasks_(make_tasks(recipe_, registries)),
      objects_(env, run_dir_),
      models_(objects_) {
  for (const ModelSpec& spec : recipe_.models)
    models_.add(spec.name, make_engine(spec, recipe_, tasks_, registries, threads));
}

void RecordedRun::walk(const StepVisitor& visit) {
  walk_record(records_, {env_, run_dir_, recipe_, registries_, steps_, tasks_, models_, objects_, threads_}, visit);
}

}  // namespace sil
