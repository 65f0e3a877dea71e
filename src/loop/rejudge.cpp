#include "loop/rejudge.h"

#include <algorithm>

#include "base/threads.h"
#include "record/segment.h"

namespace sil {
namespace {

std::string label_of(const std::optional<Verdict>& verdict) {
  return verdict ? std::string(name(verdict->label)) : "none";
}

bool differ(const std::optional<Verdict>& a, const std::optional<Verdict>& b) {
  if (!a || !b) return a.has_value() != b.has_value();
  return a->label != b->label || (a->label != Label::abstain && a->score != b->score);
}

std::optional<Verdict> given_by(const std::string& step, const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts)
    if (verdict.step == step) return verdict;
  return std::nullopt;
}

struct JudgedFrame {
  std::vector<Flip> flips;
  int64_t units = 0;

  void compare(Flip flip) {
    units += flip.stored || flip.now;
    if (differ(flip.stored, flip.now)) flips.push_back(std::move(flip));
  }
};

// One frame of a verify step: what it said, beside what it says now.
class FrameJudge {
 public:
  FrameJudge(const RecordedStep& step, const LocalRun& run) : step_(step), run_(run) {}

  JudgedFrame judge(const PoolPart& part, size_t at, const FrameRef& verdicts) const {
    const RoundContext& context = step_.context;
    Frame frame;
    frame.span = part.spans[at];
    frame.round = part.round;
    frame.groups = read_groups(context.env, context.run_dir, part, at);
    std::vector<Group> stored = frame.groups;
    if (verdicts.length > 0) read_verdicts(read_frame(context.env, context.run_dir, verdicts), step_.spec.name, stored);
    StepOutput out;
    run_.process(frame, out);
    JudgedFrame judged;
    for (size_t g = 0; g < stored.size(); ++g) compare(part.round, stored[g], frame.groups[g], judged);
    return judged;
  }

 private:
  void compare(const std::string& round, const Group& stored, const Group& now, JudgedFrame& judged) const {
    const std::string &step = step_.spec.name, &label = step_.context.round().label;
    const std::string maker = stored.rollouts.empty() ? "" : stored.rollouts.front().step;
    judged.compare(
        {group_id(round, maker, stored), label, step, given_by(step, stored.verdicts), given_by(step, now.verdicts)});
    for (size_t r = 0; r < stored.rollouts.size(); ++r)
      judged.compare({rollout_id(round, stored, stored.rollouts[r]), label, step,
                      given_by(step, stored.rollouts[r].verdicts), given_by(step, now.rollouts[r].verdicts)});
  }

  const RecordedStep& step_;
  const LocalRun& run_;
};

void rejudge_step(const RecordedStep& step, ThreadPool& pool, const std::function<void(const Flip&)>& flip,
                  RejudgeCounts& counts) {
  const std::unique_ptr<LocalRun> run = step.step.local(step.context, step.spec);
  const FrameJudge judge(step, *run);
  const std::vector<FrameRef>& verdicts = step.context.round().steps.at(step.spec.name).files.at("verdicts");
  std::vector<std::pair<PoolPart, size_t>> frames;
  for (const PoolPart& part : step.context.input_pool(step.spec).parts)
    for (size_t f = 0; f < part.spans.size(); ++f) frames.emplace_back(part, f);
  frames.resize(std::min(frames.size(), verdicts.size()));  // of a step that was interrupted, the frames it judged
  const auto batch = static_cast<size_t>(4 * step.context.threads);
  for (size_t begin = 0; begin < frames.size(); begin += batch) {
    std::vector<JudgedFrame> judged(std::min(batch, frames.size() - begin));
    pool.for_each(static_cast<int64_t>(judged.size()), [&](int64_t i) {
      const size_t f = begin + static_cast<size_t>(i);
      judged[static_cast<size_t>(i)] = judge.judge(frames[f].first, frames[f].second, verdicts[f]);
    });
    for (const JudgedFrame& frame : judged) {
      counts.units += frame.units;
      counts.flips += static_cast<int64_t>(frame.flips.size());
      for (const Flip& one : frame.flips) {
        const std::string from = label_of(one.stored), to = label_of(one.now);
        ++counts.changes[from == to ? "score" : from + " -> " + to];
        flip(one);
      }
    }
  }
}

}  // namespace

void check_verify_overrides(const Recipe& recipe, const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const size_t begin = std::min(text.size(), text.find_first_not_of("~+"));
    const std::string name = text.substr(begin, text.find_first_of(".=", begin) - begin);
    const StepSpec* spec = recipe.step(name);
    if (spec != nullptr && spec->verb == "verify") continue;
    std::string steps;
    for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
      for (const StepSpec& step : *section)
        if (step.verb == "verify") steps += (steps.empty() ? "" : ", ") + step.name;
    throw Error(Exit::usage, "override `" + text + "` changes something else than a verify step",
                steps.empty() ? "the recipe has no verify step" : "verify steps of this run: " + steps);
  }
}

RejudgeCounts rejudge_run(RecordedRun& run, const std::string& step, const std::function<void(const Flip&)>& flip) {
  if (!step.empty()) {
    const StepSpec* spec = run.recipe().step(step);
    if (spec == nullptr || spec->verb != "verify")
      throw Error(Exit::usage, "the recipe has no verify step `" + step + "`", "sil show RUN lists the steps");
  }
  RejudgeCounts counts;
  ThreadPool pool(run.threads());
  run.walk([&](const RecordedStep& recorded) {
    if (recorded.spec.verb != "verify" || (!step.empty() && recorded.spec.name != step)) return;
    if (recorded.context.round().steps.at(recorded.spec.name).files.contains("verdicts"))
      rejudge_step(recorded, pool, flip, counts);
  });
  return counts;
}

}  // namespace sil
