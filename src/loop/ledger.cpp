#include "loop/ledger.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/threads.h"
#include "loop/frame_scan.h"
#include "record/lines.h"
#include "record/segment.h"

namespace sil {
namespace {

int64_t sum_of(const Tally& tally, const std::string& prefix) {
  int64_t sum = 0;
  for (const auto& [name, n] : tally.counts())
    if (name.starts_with(prefix)) sum += n;
  return sum;
}

[[noreturn]] void throw_damaged(const std::string& where, const std::string& what) {
  throw Error(Exit::corrupt, where + ": " + what, "restore the run directory from a copy, or run the round again");
}

// One file of one step's frame, as the journal names it and as its text says.
struct FileCheck {
  std::string where;  // "round 1, step verify, frame 3"
  std::string step, kind;
  FrameRef frame;
  Span span;
  int64_t lines = 0;
  Digest running;
  Tally tally;  // of the step's whole frame
  bool has_fates = false;
  FrameScan scan;

  void read(Env& env, const std::string& run_dir) {
    if (frame.length == 0) return;
    try {
      scan = scan_frame(kind, read_frame(env, run_dir, frame), span);
    } catch (const Error& error) {
      if (error.code() != Exit::corrupt) throw;
      throw Error(Exit::corrupt, where + ", " + kind + ": " + error.what());
    }
  }

  // Counts of lines against those of the step; `used` is tallied by filters alone.
  void check_counts() const {
    if (!scan.fault.empty()) throw_damaged(where, kind + ": " + scan.fault);
    if (scan.lines != lines)
      throw_damaged(where, fmt::format("{} has {} lines, the journal says {}", kind, scan.lines, lines));
    for (const auto& [name, n] : scan.counts)
      if ((name != "used" || has_fates) && tally.count_of(name) != n)
        throw_damaged(where, fmt::format("{} of {} are {} by the lines and {} by the tally", name, kind, n,
                                         tally.count_of(name)));
  }
};

// Goes through the journal in order; frames are read by several threads, a batch at a time.
class FrameCheck {
 public:
  FrameCheck(Env& env, const std::string& run_dir, int threads)
      : env_(env), run_dir_(run_dir), pool_(threads), batch_(static_cast<size_t>(16 * threads)) {}

  int64_t run(const std::vector<JournalRecord>& records) {
    for (const JournalRecord& record : records) {
      if (record.type == "frame") add_frame(record.payload);
      if (record.type == "step") finish_step(record.payload);
      if (record.type == "seal") finish_section(record.payload);
      state_.apply(record);
    }
    flush();
    return bytes_;
  }

 private:
  void add_frame(const Json& payload) {
    const std::string round = payload.at("round").as_string();
    const auto& span = payload.at("span").as_array();
    for (const Json& entry : payload.at("steps").as_array()) {
      const std::string step = entry.at("step").as_string();
      const Tally tally = Tally::from_json(entry.at("tally"));
      const std::string where = fmt::format("round {}, step {}, frame {}", round, step, frames_[step]++);
      std::map<std::string, int64_t> lines;
      for (const auto& [kind, file] : entry.at("files").as_object()) {
        lines[kind] = file.at("lines").as_int();
        files_.push_back({where,
                          step,
                          kind,
                          FrameRef::from_json(file.at("frame")),
                          {span.at(0).as_int(), span.at(1).as_int()},
                          lines[kind],
                          Digest::from_hex(file.at("digest").as_string()),
                          tally,
                          entry.at("files").find("fates") != nullptr,
                          {}});
      }
      if (std::string what = imbalance(tally, lines); !what.empty()) throw_damaged(where, what);
    }
    if (files_.size() >= batch_) flush();
  }

  void flush() {
    pool_.for_each(static_cast<int64_t>(files_.size()),
                   [&](int64_t i) { files_[static_cast<size_t>(i)].read(env_, run_dir_); });
    for (const FileCheck& file : files_) fold(file);
    files_.clear();
  }

  void fold(const FileCheck& file) {
    file.check_counts();
    bytes_ += static_cast<int64_t>(file.frame.length);
    Digest& running = running_[{file.step, file.kind}];
    for (const Digest& item : file.scan.items) running = chain(running, item);
    if (running != file.running)
      throw_damaged(file.where, fmt::format("the {} up to here have digest {}, the journal says {}", file.kind,
                                            running.hex().substr(0, 16), file.running.hex().substr(0, 16)));
    std::vector<GroupKey>& groups = groups_[file.step];
    groups.insert(groups.end(), file.scan.groups.begin(), file.scan.groups.end());
  }

  // Ids are unique where groups are.
  void check_groups(const std::string& where, const std::string& step) {
    std::vector<GroupKey>& groups = groups_[step];
    std::sort(groups.begin(), groups.end());
    const auto twice = std::adjacent_find(groups.begin(), groups.end());
    if (twice != groups.end())
      throw_damaged(where, fmt::format("problem {}, occurrence {}, has two groups: ids are not unique",
                                       hex64(twice->uid), twice->occurrence));
    groups.clear();
  }

  void finish_step(const Json& payload) {
    flush();
    const std::string name = payload.at("step").as_string();
    const std::string where = "round " + payload.at("round").as_string() + ", step " + name;
    check_groups(where, name);
    const RoundState* round = state_.current();
    static const StepProgress kNothing;
    const auto known = round->steps.find(name);
    const StepProgress& step = known == round->steps.end() ? kNothing : known->second;
    const Digest digest = Digest::from_hex(payload.at("digest").as_string());
    const Digest result = Digest::from_hex(payload.at("result").as_string());
    if (step_digest(result, step) != digest)
      throw_damaged(where, "its digest does not follow from its lines and its result");
    std::vector<VersionRef> made;
    for (auto& [line, version] : candidates_of(payload)) made.push_back(std::move(version));
    if (!made.empty() && versions_digest(made) != result)
      throw_damaged(where, "its result is not the candidate that it made");
  }

  void finish_section(const Json& payload) {
    const RoundState* round = state_.current();
    if (section_digest(state_, *round) != Digest::from_hex(payload.at("digest").as_string()))
      throw_damaged("round " + round->label, "its digest does not follow from those of its steps");
    running_.clear();
    frames_.clear();
    groups_.clear();
  }

  Env& env_;
  const std::string& run_dir_;
  ThreadPool pool_;
  size_t batch_;
  RunState state_;
  std::vector<FileCheck> files_;
  std::map<std::pair<std::string, std::string>, Digest> running_;  // of the section, by step and kind
  std::map<std::string, int64_t> frames_;
  std::map<std::string, std::vector<GroupKey>> groups_;
  int64_t bytes_ = 0;
};

}  // namespace

std::string imbalance(const Tally& tally, const std::map<std::string, int64_t>& lines) {
  auto n = [&](const char* name) { return tally.count_of(name); };
  auto lines_of = [&](const char* kind) {
    const auto it = lines.find(kind);
    return it == lines.end() ? 0 : it->second;
  };
  if (lines.contains("rollouts") && n("asked") != n("rollouts"))
    return fmt::format("asked for {} rollouts, {} finished and {} were cancelled", n("asked"),
                       n("rollouts") - n("cancelled"), n("cancelled"));
  if (n("units") != 0 || n("abstain") != 0) {
    if (n("units") != lines_of("verdicts"))
      return fmt::format("{} units were judged, {} verdicts are written", n("units"), lines_of("verdicts"));
    if (n("units") != n("pass") + n("fail") + n("abstain") || n("units") != sum_of(tally, "class."))
      return fmt::format("{} units: {} passed, {} failed, {} abstained; {} by outcome", n("units"), n("pass"),
                         n("fail"), n("abstain"), sum_of(tally, "class."));
  }
  const int64_t dropped = sum_of(tally, "dropped.") + n("surplus") + n("canary");
  if (lines.contains("fates") && (n("in") != lines_of("fates") || n("in") != n("kept") + dropped))
    return fmt::format("{} rollouts came in, {} were kept and {} dropped; {} fates are written", n("in"), n("kept"),
                       dropped, lines_of("fates"));
  if (lines.contains("examples") && n("examples") != lines_of("examples"))
    return fmt::format("{} examples were made, {} are written", n("examples"), lines_of("examples"));
  if (lines.contains("examples") && lines.contains("fates") && n("kept") != n("used") + sum_of(tally, "unused."))
    return fmt::format("{} rollouts were kept, {} are in examples and {} have a reason why not", n("kept"), n("used"),
                       sum_of(tally, "unused."));
  return "";
}

Digest step_digest(const Digest& result, const StepProgress& step) {
  Digest digest = result;
  for (const auto& [kind, running] : step.running) digest = chain(digest, running);
  return digest;
}

Digest section_digest(const RunState& state, const RoundState& round) {
  Sha256 hash;
  hash.digest(state.digest).digest(state.recipe_digest).field(round.label);
  for (const auto& [path, value] : round.values) hash.field(path).field(dump_canonical(value));
  for (const std::string& step : round.order) hash.field(step).digest(round.steps.at(step).digest);
  return hash.finish();
}

int64_t check_frames(Env& env, const std::string& run_dir, const std::vector<JournalRecord>& records, int threads) {
  return FrameCheck(env, run_dir, threads).run(records);
}

}  // namespace sil
