// One verb of a round. A step is local when its work on one group needs only that group: then it is a function frame ->
// frame, run on many frames at once; else it is global and walks frames itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipe/recipe.h"
#include "record/lines.h"
#include "sil/engine.h"
#include "sil/records.h"
#include "sil/registries.h"
#include "steps/pool.h"
#include "steps/tally.h"

namespace sil {

// The largest call that a step makes to the engine of a model, for the memory plan. Lengths of prompts and examples are
// left to whoever knows the problems.
struct Workload {
  std::string model;
  std::vector<std::string> tasks;  // whose problems it asks; empty = those of a pool
  Json view;                       // in which they are shown
  std::optional<SamplingWorkload> sampling;
  std::optional<TrainingWorkload> training;
};

class RoundContext;       // steps/context.h
struct Sampler;           // steps/sampling.h
struct StepSurroundings;  // steps/lineage.h

// Consecutive groups of one pool part on their way through a chain of local steps.
struct Frame {
  Span span;           // positions in the whole input, before a store's law chose
  int64_t offset = 0;  // what the positions of its groups, which count from the part's first one, fall short of those
  std::string round;   // of the part, for ids
  std::vector<Group> groups;
  // Of each group, where a step that samples reads several parts, in which a problem may come again: how many groups
  // before it are of its problem, or, when rollouts are added to the groups, how many conversations those continue.
  std::vector<uint32_t> before;
};

// What one local step wrote for one frame.
struct StepOutput {
  std::vector<std::pair<std::string, FrameText>> files;  // kind -> lines
  Tally tally;
};

// A local step, bound to its inputs. Thread-safe.
class LocalRun {
 public:
  virtual ~LocalRun() = default;
  virtual void process(Frame& frame, StepOutput& out) const = 0;
  virtual Metrics metrics(const Tally& tally) const = 0;
  // Whether frames must come one at a time and in canonical order: this run, and those after it in its chain, then work
  // where frames are committed.
  virtual bool in_order() const { return false; }
  // Asked when the source is dry: whether it should give another pass. `tally` is this step's so far.
  virtual bool wants_more(const Tally&, int64_t /*passes*/) const { return false; }
};

// Where frames come from. `next` is called by one thread at a time, in canonical order.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual bool next(Frame& frame) = 0;
  virtual int64_t groups() const = 0;                                     // expected in all
  virtual std::optional<int64_t> cursor() const { return std::nullopt; }  // of a task's draws, at the end
  virtual int64_t passes() const { return 0; }  // begun so far, over fresh problems; 0 = there is just what there is
  virtual void another_pass() {}
};

struct StepResult {
  Digest digest;
  Metrics metrics;
  Json payload = Json::object();  // keys for the `step` record: candidate, accepted, figures ...
  std::string note;               // for the step's line
};

class Step {
 public:
  virtual ~Step() = default;
  // Findings beyond types and ranges: plug-in options that do not fit, inputs that cannot work.
  virtual void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const = 0;
  // Findings that depend on the steps around this one and on what its input descends from.
  virtual void check_lineage(const StepSurroundings&, const StepSpec&, std::vector<Finding>&) const {}
  // Non-null when the step is local here.
  virtual std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const = 0;
  // What a step that starts a chain reads: its tasks or its input pool; null when it has neither.
  virtual std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const = 0;
  virtual bool makes_pool(const StepSpec& spec) const = 0;  // of its own name
  // Commands of programs that it runs with the user's rights, outside any cage.
  virtual std::vector<std::string> unconfined(const Registries&) const { return {}; }
  // Whether the step must see its whole input before its first frame; it then begins a chain of its own.
  virtual bool needs_whole_input(const RoundContext&, const StepSpec&) const { return false; }
  // The global part, after the local one if there is one.
  virtual StepResult run(RoundContext& context, const StepSpec& spec) const = 0;
  // nullopt: it calls no engine.
  virtual std::optional<Workload> workload(const Recipe&, const StepSpec&, const Registries&) const {
    return std::nullopt;
  }
  // How the step samples the rollouts it writes; null when it samples none. Loads no weights.
  virtual std::shared_ptr<const Sampler> sampler(RoundContext&, const StepSpec&) const { return nullptr; }
};

}  // namespace sil
