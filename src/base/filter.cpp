#include "sil/filter.h"

namespace sil {
namespace {

const Verdict* latest(const std::vector<Verdict>& verdicts, std::string_view by) {
  for (auto it = verdicts.rbegin(); it != verdicts.rend(); ++it)
    if (by.empty() || it->step == by) return &*it;
  return nullptr;
}

}  // namespace

const Verdict* verdict_of(const Group& group, const Rollout& rollout, std::string_view by) {
  const Verdict* own = latest(rollout.verdicts, by);
  return own ? own : latest(group.verdicts, by);
}

Label label_of(const Group& group, const Rollout& rollout, std::string_view by) {
  const Verdict* verdict = verdict_of(group, rollout, by);
  return verdict ? verdict->label : Label::abstain;
}

ExampleSequence example_sequence(const FilterContext& context, const Group& group, const Rollout& rollout) {
  ExampleSequence sequence;
  sequence.ids = context.context_ids(group, rollout);
  SIL_CHECK(rollout.logprobs.empty() || rollout.logprobs.size() == rollout.ids.size());
  const size_t begin = sequence.ids.size();
  const bool as_seen = rollout.prompt < group.prompts.size() && group.prompts[rollout.prompt].ids == sequence.ids;
  if (as_seen && !rollout.logprobs.empty()) {
    sequence.logprobs.reserve(begin + rollout.ids.size());
    sequence.logprobs.assign(begin, 0.0f);
    sequence.logprobs.insert(sequence.logprobs.end(), rollout.logprobs.begin(), rollout.logprobs.end());
  }
  sequence.ids.insert(sequence.ids.end(), rollout.ids.begin(), rollout.ids.end());
  const auto middle = static_cast<int32_t>(begin);
  int32_t at = 0;
  if (as_seen) {
    for (const IdRange& range : group.prompts[rollout.prompt].learned) {
      sequence.segments.push_back({at, range.begin, 0, ""});
      sequence.segments.push_back({range.begin, range.end, rollout.weight, ""});
      at = range.end;
    }
  }
  sequence.segments.push_back({at, middle, 0, ""});
  sequence.segments.push_back(
      {middle, static_cast<int32_t>(sequence.ids.size()), rollout.weight, rollout_id(context.round, group, rollout)});
  sequence.temperature = rollout.temperature;
  return sequence;
}

}  // namespace sil
