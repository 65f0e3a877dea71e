// What a run directory holds for people and other tools, made from the record alone and read by no part of the program:
//
//   recipe.yaml, recipe.resolved.json     as given; with every option
//   run.json                              name, status, level, build, digest, models
//   metrics.jsonl, metrics.csv            a line a sealed section
//   checkpoints/0003/                     a model's version of that round: model.safetensors and model.json; of a
//                                         transformer a Hugging Face folder, with config.json, tokenizer.json ...
//   accepted, latest                      links to the newest checkpoint that was accepted, that was made
//   log/run.log                           the lines of every start; the only one that cannot be made again
//
// With several models each has its own: checkpoints/NAME/0003/, accepted/NAME, latest/NAME; so has each member of a
// model, NAME and from the second on NAME@1 ...
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "loop/loop.h"
#include "loop/metrics_table.h"
#include "record/run_directory.h"
#include "steps/run_state.h"

namespace sil {

// done | stopped | rule | failed, or running: no end is recorded, so it works now or was killed.
std::string status_word(const RunState& state);
Json label_json(const std::string& label);    // a number, "after" by name
Json accepted_json(const RoundState& round);  // of all models a gate judged: false if it turned one down; null: none
Json round_json(const RoundState& round);     // {round, digest, accepted, metrics}; digest null before its seal

class Views {
 public:
  explicit Views(RunDirectory& run) : run_(run) {}

  // Writes what has changed since the last call, everything on the first. Each file and each checkpoint appears whole
  // or not at all, and goes when its version is retired. Errors are those of Env; what was written so far stays good.
  void update(const RunState& state);
  // Removes all of them but the log.
  void remove_all();
  int64_t written() const { return written_; }  // files and checkpoints, by this object

 private:
  struct Checkpoint {
    std::string round;
    VersionRef version;
  };

  void add_section(const RunState& state, const RoundState& round);  // a sealed one never changes
  void write(const std::string& name, const std::string& bytes);
  void link(const std::string& name, const std::string& target);  // "": removes it
  void update_model(const RunState& state, const std::string& model);
  void write_checkpoint(const RunState& state, const std::string& model, const Checkpoint& checkpoint,
                        const std::string& folder);
  void remove_folder(const std::string& folder);
  std::set<std::string>& folders_of(const std::string& root);
  void make_dir(const std::string& name);
  std::string run_json(const RunState& state);
  void read_recipe(const RunState& state);

  RunDirectory& run_;
  size_t sections_ = 0;  // so many are in the next three
  std::string lines_;    // of metrics.jsonl
  MetricsTable table_;
  std::map<std::string, std::vector<Checkpoint>> made_;  // by model
  std::string recipe_text_;
  Json resolved_;                                         // null before it is read
  std::map<std::string, std::string> files_;              // name -> bytes or link target, as last written
  std::set<std::string> dirs_;                            // that were made
  std::map<std::string, std::set<std::string>> folders_;  // checkpoints that are there, by their parent
  int64_t written_ = 0;
};

// Appends every line to log/run.log, with the time, and passes it on. `first_line` opens the part of this start; a
// start without lines leaves no trace.
class RunLog final : public RunProgress {
 public:
  RunLog(RunDirectory& run, RunProgress& next, std::string first_line)
      : run_(run), next_(next), first_line_(std::move(first_line)) {}

  void line(const std::string& text) override;
  void working(const std::string& step, int64_t done, int64_t total) override { next_.working(step, done, total); }
  void event(std::string_view type, const Json& data) override { next_.event(type, data); }
  void append(const std::string& text);  // to the log only

 private:
  RunDirectory& run_;
  RunProgress& next_;
  std::string first_line_;
  std::unique_ptr<OutputFile> file_;
};

// Removes the derived files of a run and writes them again. Returns how many. Error: as RunDirectory, and
// Exit::unreadable when `run_dir` is no run or has no recipe yet.
int64_t rebuild_run(Env& env, const std::string& run_dir);

}  // namespace sil
