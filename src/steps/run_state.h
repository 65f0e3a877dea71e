// What a run knows: the fold of its journal. `apply` is the only way it changes, live and on resume alike, so a resumed
// run cannot know more or less than one that was never stopped.
//
// Journal records (payloads are JSON objects):
//   recipe     {digest, name, source (object), resolved (object), tasks, models?}   once, first; digests of what is
//   read model      {model, version, files?: {name: object}}                             once a model: what `base`
//   starts as,
//                                                                                   what its folders hold beside
//                                                                                   weights
//   open       {epoch, torn_bytes, build, libraries, profile, retain}               each start: no end is recorded now
//   round      {round, values: [[path, value], ...]}                                a section begins ("0" = before,
//                                                                                   "after")
//   frame      {round, span: [begin, end], steps: [{step, files: {kind: {frame, lines, digest}}, tally}]}
//   checkpoint {round, step, steps_done, state (object)}                            inside a finetune
//   trained    {round, step, version, metrics}      inside a finetune of several members: the next one is done
//   step       {round, step, verb, digest, result, metrics, seconds, cpu_seconds, skipped?, cursor?, candidate?,
//              accepted?, best?, figures?}          candidate: {model, version}, or a list of them, one a member
//   seal       {round, digest, averages?: [{model, decay, version}]}
//   finish     {status: done | stopped | rule | failed, digest, code}
//   retire     {objects: [...]}                                                     before they are removed
//
// A model with members is several lines of versions: member 0 is recorded under the model's name, member k > 0 under
// "NAME@k". A gate names the model and moves all of its lines.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "record/journal.h"
#include "sil/control.h"
#include "sil/digest.h"
#include "sil/gate.h"
#include "sil/json.h"
#include "sil/records.h"
#include "steps/pool.h"
#include "steps/tally.h"

namespace sil {

// One immutable state of a model's weights, in the record.
struct VersionRef {
  Digest digest;                    // of the weights, over names, shapes and fp32 bytes
  Digest weights;                   // object
  std::optional<Digest> optimizer;  // object

  Json to_json() const;
  static VersionRef from_json(const Json& json);
  friend bool operator==(const VersionRef&, const VersionRef&) = default;
};

// Over the versions of a model, one a member: of a single one, its own digest.
Digest versions_digest(const std::vector<VersionRef>& versions);

// The name under which a member's line of versions is recorded, and the model it belongs to.
std::string line_name(const std::string& model, int64_t member);
std::string model_of(const std::string& line);

struct ModelState {                     // of one line
  std::map<std::string, Digest> files;  // objects, by name in a model's folder
  VersionRef base, live, incumbent, start;
  std::optional<VersionRef> candidate;  // made and not yet judged
  std::optional<VersionRef> best;
  double best_figure = 0;
  std::map<int64_t, VersionRef> accepted;  // by round; what stood at its end (0 = after `before:`)
  std::map<double, VersionRef> averages;   // by decay: exponential moving average over `accepted`, from `base` on
  std::vector<VersionRef> saved;           // in the order they were last made; without those whose weights were retired
};

// One member's part of a finetune.
struct TrainedMember {
  VersionRef version;
  Metrics metrics;
};

// What a step has done so far; complete once its `step` record is there.
struct StepProgress {
  std::string verb;
  bool done = false;
  bool skipped = false;
  std::vector<Span> spans;                             // of its frames
  std::map<std::string, std::vector<FrameRef>> files;  // kind -> one a frame
  std::map<std::string, std::vector<int64_t>> lines;   // kind -> lines of each frame
  Tally tally;
  std::map<std::string, Digest> running;  // kind -> over its items so far, whatever the frames were
  Digest digest;                          // of the whole step, once it is done
  Metrics metrics;
  Json payload;                        // of the `step` record
  std::vector<TrainedMember> trained;  // members that are done, of a finetune that goes on
  int64_t checkpoint_step = 0;         // of the next one
  std::optional<Digest> checkpoint;    // object
};

struct RoundState {
  std::string label;                                 // "0", "1" ..., "after"
  std::vector<std::pair<std::string, Json>> values;  // set by control
  std::vector<std::string> order;                    // steps as they were begun
  std::map<std::string, StepProgress> steps;
  std::map<std::string, Pool> pools;  // not folded from records: steps/binding.h gives them
  bool sealed = false;
  Digest digest;                                        // once sealed
  std::map<std::string, std::optional<bool>> accepted;  // by model
  std::map<std::string, VersionRef> versions;           // live at its end, by line

  RoundMetrics metrics() const;
};

// One `put`: groups or examples of a pool, by reference; not folded from records either.
struct StorePut {
  int64_t round = 0;
  Pool pool;
  int64_t records = 0;
};

// Figures of one version under one evaluate step and its options; `key` = digest over both.
struct EvaluationKey {
  std::string step;
  Digest options;
  Digest version;
  auto operator<=>(const EvaluationKey&) const = default;
};

struct RunState {
  bool begun = false;  // has a recipe record
  Digest recipe_digest;
  std::string name;
  Digest source, resolved;                   // objects
  std::map<std::string, Digest> inputs;      // of the tasks and of the models that are read from files, by name
  std::map<std::string, ModelState> models;  // by line
  std::map<std::string, int64_t> cursors;    // by step name
  std::map<std::string, std::vector<StorePut>> stores;
  std::map<EvaluationKey, Figures> figures;
  std::vector<RoundState> rounds;                           // in order, the last one maybe in progress
  std::vector<RoundMetrics> history;                        // of sealed rounds 1, 2, ...
  std::map<std::string, std::vector<Json>> control_values;  // path -> value a round
  std::string status;                                       // of the last `finish`; "" since the last `open`
  Json opened;                                              // payload of the last `open`
  Digest digest;                                            // of the last sealed section
  int64_t opens = 0;
  std::set<Digest> retired;  // objects that may be gone; one that is made again is none of them
  std::set<Digest> spent;    // training states that no finetune can resume from any more, not yet retired

  void apply(const JournalRecord& record);  // throws Error(Exit::corrupt) on a record that cannot follow
  RoundState* current();                    // the section in progress, or nullptr
  const RoundState* find_round(const std::string& label) const;
  int64_t sealed_rounds() const;  // of the numbered ones
};

// Folds a whole journal.
RunState replay(const std::vector<JournalRecord>& records);

// Line and version of each candidate in the payload of a `step` record.
std::vector<std::pair<std::string, VersionRef>> candidates_of(const Json& payload);

int64_t round_number(const std::string& label);  // "0" -> 0, "3" -> 3, "after" -> -1

}  // namespace sil
