#include "loop/replay.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/threads.h"
#include "sil/rng.h"

namespace sil {
namespace {

constexpr int64_t kCheckedTokens = 2048;  // of the last frame, on resume: a real model samples them in seconds

// Of a `frame` record, what sampling or given rollouts one of its steps wrote.
struct RolloutFrame {
  std::string round, step;
  size_t number = 0;  // of the step's frames
  int64_t rollouts = 0;
};

std::vector<RolloutFrame> rollout_frames(const std::vector<JournalRecord>& records) {
  std::vector<RolloutFrame> frames;
  std::map<std::pair<std::string, std::string>, size_t> numbers;
  for (const JournalRecord& record : records) {
    if (record.type != "frame") continue;
    for (const Json& entry : record.payload.at("steps").as_array()) {
      if (entry.at("files").find("rollouts") == nullptr) continue;
      RolloutFrame frame{record.payload.at("round").as_string(), entry.at("step").as_string(), 0, 0};
      frame.number = numbers[{frame.round, frame.step}]++;
      frame.rollouts = Tally::from_json(entry.at("tally")).count_of("rollouts");
      frames.push_back(std::move(frame));
    }
  }
  return frames;
}

// False when weights that the sampler worked with are gone.
bool load_sampler(const RecordedStep& step, const Sampler& sampler, const ObjectStore& objects,
                  const std::set<Digest>& retired) {
  for (const VersionRef& version : sampler.versions) {
    if (retired.contains(version.weights) && !objects.contains(version.weights)) return false;
    step.context.models.resident(sampler.model, version);
  }
  return true;
}

std::string id_of(const SampledFrame& frame, const MadeRollout& at) {
  const Group& group = frame.made[at.group];
  return rollout_id(frame.round, group, group.rollouts[at.rollout]);
}

// First difference within a frame, with its rollout's id; ids empty when all are equal.
struct FrameDifference {
  int64_t differing = 0;
  std::string id, what;
};

FrameDifference compare_again(RoundContext& context, const Sampler& sampler, const SampledFrame& frame,
                              const std::vector<MadeRollout>& which) {
  FrameDifference out;
  const std::vector<SampledAgain> again = sample_again(context, sampler, frame, which);
  for (size_t i = 0; i < which.size(); ++i) {
    const Group& group = frame.made[which[i].group];
    std::string what = first_difference(group, group.rollouts[which[i].rollout], again[i]);
    if (what.empty()) continue;
    if (out.differing++ == 0) out.id = id_of(frame, which[i]), out.what = std::move(what);
  }
  return out;
}

uint64_t number_in(std::string_view text, const std::string& id, int base = 10) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    throw Error(Exit::usage, "`" + id + "` is no id of a rollout",
                "an id is ROUND/STEP/UID[.OCCURRENCE]/SAMPLE[@MEMBER], as sil show RUN --rollouts prints it");
  return value;
}

// The wanted rollout's place in the step's frames, when it is there. Frames that do not name the problem are passed by
// unread.
class Search {
 public:
  Search(const RecordedStep& step, const Sampler& sampler, const RolloutId& id)
      : step_(step), sampler_(sampler), id_(id) {}

  std::optional<std::pair<SampledFrame, MadeRollout>> find() const {
    if (sampler_.new_pool && step_.context.round().label != id_.round) return std::nullopt;
    const size_t frames = step_.context.round().steps.at(step_.spec.name).spans.size();
    std::vector<FrameRef> groups = frames_of_groups();
    for (size_t f = 0; f < frames; ++f) {
      if (!names_problem(groups.at(f))) continue;
      SampledFrame frame = read_sampled_frame(step_.context, step_.spec, sampler_, f);
      for (const MadeRollout& at : made_rollouts(frame, sampler_))
        if (id_of(frame, at) == id_.text()) return std::pair(std::move(frame), at);
    }
    return std::nullopt;
  }

 private:
  std::vector<FrameRef> frames_of_groups() const {
    if (sampler_.new_pool) return step_.context.round().steps.at(step_.spec.name).files.at("rollouts");
    std::vector<FrameRef> frames;
    for (const PoolPart& part : step_.context.input_pool(step_.spec).parts)
      for (size_t f = 0; f < part.spans.size(); ++f) frames.push_back(part.layers.front().frame(f));
    return frames;
  }

  bool names_problem(const FrameRef& ref) const {
    return ref.length > 0 &&
           read_frame(step_.context.env, step_.context.run_dir, ref).find(hex64(id_.uid)) != std::string::npos;
  }

  const RecordedStep& step_;
  const Sampler& sampler_;
  const RolloutId& id_;
};

ReplayedRollout replay_found(const RecordedStep& step, const Sampler& sampler, const SampledFrame& frame,
                             const MadeRollout& at) {
  ReplayedRollout out;
  out.id = id_of(frame, at);
  out.stored = frame.made[at.group].rollouts[at.rollout];
  out.again = std::move(sample_again(step.context, sampler, frame, {at}).front());
  out.difference = first_difference(frame.made[at.group], out.stored, out.again);
  const Codec& codec = step.context.models.engine(sampler.model).codec();
  for (TokenId id : out.again.rollout.ids) out.tokens.push_back(codec.token(id));
  return out;
}

// Numbers of the drawn rollouts within their frames, by (round, step) and frame.
using Drawn = std::map<std::pair<std::string, std::string>, std::map<size_t, std::vector<size_t>>>;

Drawn draw(const std::vector<RolloutFrame>& frames, uint64_t seed, ReplayCounts& counts) {
  for (const RolloutFrame& frame : frames) counts.rollouts += frame.rollouts;
  counts.drawn = std::min(counts.drawn, counts.rollouts);
  const RandomPath path{seed, "replay", {}, {}};
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < counts.drawn; ++i)
    numbers.push_back(static_cast<int64_t>(
        permuted(path.key(), 0, static_cast<uint64_t>(i), static_cast<uint64_t>(counts.rollouts))));
  std::sort(numbers.begin(), numbers.end());
  Drawn drawn;
  int64_t begin = 0;
  auto next = numbers.begin();
  for (const RolloutFrame& frame : frames) {
    for (; next != numbers.end() && *next < begin + frame.rollouts; ++next)
      drawn[{frame.round, frame.step}][frame.number].push_back(static_cast<size_t>(*next - begin));
    begin += frame.rollouts;
  }
  return drawn;
}

// The drawn rollouts of one step, many frames at once.
void replay_step(const RecordedStep& step, const Sampler& sampler, const std::map<size_t, std::vector<size_t>>& drawn,
                 ThreadPool& pool, ReplayCounts& counts) {
  const std::vector<std::pair<size_t, std::vector<size_t>>> frames(drawn.begin(), drawn.end());
  std::vector<FrameDifference> found(frames.size());
  pool.for_each(static_cast<int64_t>(frames.size()), [&](int64_t i) {
    const auto& [number, numbers] = frames[static_cast<size_t>(i)];
    const SampledFrame frame = read_sampled_frame(step.context, step.spec, sampler, number);
    const std::vector<MadeRollout> made = made_rollouts(frame, sampler);
    std::vector<MadeRollout> which;
    for (size_t n : numbers) which.push_back(made.at(n));
    found[static_cast<size_t>(i)] = compare_again(step.context, sampler, frame, which);
  });
  for (size_t i = 0; i < frames.size(); ++i) {
    counts.differing += found[i].differing;
    counts.equal += static_cast<int64_t>(frames[i].second.size()) - found[i].differing;
    if (!found[i].id.empty() && counts.first_id.empty())
      counts.first_id = found[i].id, counts.first_difference = found[i].what;
  }
}

}  // namespace

std::string RolloutId::text() const {
  return round + "/" + step + "/" + hex64(uid) + (occurrence ? "." + std::to_string(occurrence) : "") + "/" +
         std::to_string(sample) + (member ? "@" + std::to_string(member) : "");
}

RolloutId parse_rollout_id(const std::string& text) {
  std::vector<std::string> words{""};
  for (const char c : text) c == '/' ? void(words.emplace_back()) : void(words.back() += c);
  words.resize(std::max<size_t>(words.size(), 4));
  const std::string& problem = words[2];
  const std::string& sample = words[3];
  const size_t dot = problem.find('.'), at = sample.find('@');
  if (words.size() != 4 || std::min(dot, problem.size()) != 16) number_in("", text);
  RolloutId id{words[0], words[1], number_in(problem.substr(0, dot), text, 16), 0, 0, 0};
  if (dot != std::string::npos) id.occurrence = static_cast<uint32_t>(number_in(problem.substr(dot + 1), text));
  id.sample = static_cast<uint32_t>(number_in(sample.substr(0, at), text));
  if (at != std::string::npos) id.member = static_cast<uint32_t>(number_in(sample.substr(at + 1), text));
  return id;
}

ReplayedRollout replay_rollout(RecordedRun& run, const std::string& text) {
  const RolloutId id = parse_rollout_id(text);
  const std::set<Digest> retired = retired_objects(run.records());
  std::optional<ReplayedRollout> out;
  run.walk([&](const RecordedStep& step) {
    const StepProgress& progress = step.context.round().steps.at(step.spec.name);
    if (out || step.spec.name != id.step || !progress.files.contains("rollouts")) return;
    const auto sampler = step.step.sampler(step.context, step.spec);
    if (!sampler) {
      if (step.context.round().label != id.round) return;
      throw Error(Exit::usage, text + ": not sampled: " + id.step + " gave it",
                  "only what a generate step wrote can be sampled again");
    }
    const auto found = Search(step, *sampler, id).find();
    if (!found) return;
    if (!load_sampler(step, *sampler, run.objects(), retired))
      throw Error(Exit::unreadable, text + ": weights retired by retain: " + versions_digest(sampler->versions).hex(),
                  "run with `retain: {weights: all}` to keep what every rollout was sampled with");
    out = replay_found(step, *sampler, found->first, found->second);
  });
  if (!out)
    throw Error(Exit::usage, "the record has no rollout " + text, "sil show RUN --rollouts lists them with their ids");
  return std::move(*out);
}

ReplayCounts replay_random(RecordedRun& run, int64_t count, uint64_t seed) {
  ReplayCounts counts;
  counts.drawn = count;
  Drawn drawn = draw(rollout_frames(run.records()), seed, counts);
  const std::set<Digest> retired = retired_objects(run.records());
  ThreadPool pool(run.threads());
  run.walk([&](const RecordedStep& step) {
    const auto wanted = drawn.find({step.context.round().label, step.spec.name});
    if (wanted == drawn.end()) return;
    int64_t n = 0;
    for (const auto& [frame, numbers] : wanted->second) n += static_cast<int64_t>(numbers.size());
    const auto sampler = step.step.sampler(step.context, step.spec);
    if (!sampler) return void(counts.not_sampled += n);
    if (!load_sampler(step, *sampler, run.objects(), retired)) return void(counts.retired += n);
    replay_step(step, *sampler, wanted->second, pool, counts);
  });
  return counts;
}

void check_last_frame(const std::vector<JournalRecord>& records, const RecordView& view) {
  std::vector<RolloutFrame> frames = rollout_frames(records);
  std::erase_if(frames, [&](const RolloutFrame& frame) {
    const StepSpec* spec = view.recipe.step(frame.step);
    return frame.rollouts == 0 || spec == nullptr || spec->verb == "demonstrate";
  });
  if (frames.empty()) return;
  const RolloutFrame& last = frames.back();
  walk_record(records, view, [&](const RecordedStep& step) {
    if (step.context.round().label != last.round || step.spec.name != last.step) return;
    const auto sampler = step.step.sampler(step.context, step.spec);
    if (!sampler) return;
    if (!load_sampler(step, *sampler, view.objects, retired_objects(records))) return;
    const SampledFrame frame = read_sampled_frame(step.context, step.spec, *sampler, last.number);
    std::vector<MadeRollout> which;
    int64_t tokens = 0;
    for (const MadeRollout& at : made_rollouts(frame, *sampler)) {
      if (tokens >= kCheckedTokens) break;
      tokens += static_cast<int64_t>(frame.made[at.group].rollouts[at.rollout].ids.size());
      which.push_back(at);
    }
    const FrameDifference difference = compare_again(step.context, *sampler, frame, which);
    if (difference.id.empty()) return;
    throw Error(Exit::differs,
                last.step + ": " + difference.id + " sampled again is not what is stored: " + difference.what,
                "this program or machine computes otherwise than the one that began the run; continue there, or start "
                "again with --fresh");
  });
  view.models.drop_all();
}

}  // namespace sil
