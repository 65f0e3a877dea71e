// Looking back at a recorded run: its journal is folded once more, and each step can be looked at in the very state in
// which it was finished.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "loop/setup.h"
#include "record/journal.h"
#include "record/objects.h"
#include "sil/env.h"
#include "steps/context.h"
#include "steps/step.h"

namespace sil {

// A step that has recorded frames or is done, neither skipped nor yet bound: the context's round, pools, metrics and
// versions are those that it worked with, its own frames apart, which are there.
struct RecordedStep {
  RoundContext& context;
  const StepSpec& spec;
  const Step& step;
  const Json* record = nullptr;  // payload of its `step` record; null while it is unfinished
};
using StepVisitor = std::function<void(const RecordedStep&)>;

// What a record is looked back at with. A visitor that samples or judges needs the tasks and engines of the recipe.
struct RecordView {
  Env& env;
  std::string run_dir;
  const Recipe& recipe;
  const Registries& registries;
  const Registry<Step>& steps;
  Tasks& tasks;
  Models& models;
  ObjectStore& objects;
  int threads = 1;
};

// Visits the steps in the order in which they were finished, then the first unfinished one that has frames. After each
// section `models` keeps only the versions that still have a name.
void walk_record(const std::vector<JournalRecord>& records, const RecordView& view, const StepVisitor& visit);

// Objects that a rule of `retain` has freed.
std::set<Digest> retired_objects(const std::vector<JournalRecord>& records);

// A recorded run with everything that it takes to look back at it.
class RecordedRun {
 public:
  // `overrides` come on top of the recorded recipe. Errors as load_run's, and those of the recipe.
  RecordedRun(Env& env, std::string run_dir, const Registries& registries, const Registry<Step>& steps,
              const std::vector<std::string>& overrides, int threads);

  const std::vector<JournalRecord>& records() const { return records_; }
  const Recipe& recipe() const { return recipe_; }
  ObjectStore& objects() { return objects_; }
  Models& models() { return models_; }
  int threads() const { return threads_; }
  void walk(const StepVisitor& visit);

 private:
  Env& env_;
  std::string run_dir_;
  const Registries& registries_;
  const Registry<Step>& steps_;
  int threads_;
  std::vector<JournalRecord> records_;
  Recipe recipe_;
  Tasks tasks_;
  ObjectStore objects_;
  Models models_;
};

}  // namespace sil
