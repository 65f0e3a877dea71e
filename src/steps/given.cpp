#include "steps/given.h"

#include "sil/verifier.h"

namespace sil {
namespace {

Rollout given_rollout(const GivenAnswer& given, const Codec& codec, const std::string& step) {
  Rollout rollout;
  rollout.step = step;
  rollout.ids = codec.encode_text(given.text);
  if (!codec.stop_ids().empty()) rollout.ids.push_back(codec.stop_ids().front());
  rollout.text = given.text;
  Verdict verdict = given.passes ? passed() : failed("given as a wrong answer");
  verdict.step = step;
  verdict.verifier = "given@1";
  verdict.reason = given.origin;
  rollout.verdicts.push_back(std::move(verdict));
  return rollout;
}

}  // namespace

void add_given(Group& group, const Codec& codec, const View& view, const std::string& step, const std::string& role,
               bool assistant_only_loss) {
  const Conversation conversation = view.render({group.problem.get(), nullptr, nullptr, nullptr});
  Prompt prompt{codec.encode(conversation, true), conversation.text};
  if (assistant_only_loss) prompt.learned = codec.assistant_ranges(conversation);
  group.prompts.push_back(std::move(prompt));
  for (const GivenAnswer& given : group.problem->given) {
    group.rollouts.push_back(given_rollout(given, codec, step));
    group.rollouts.back().sample = static_cast<uint32_t>(group.rollouts.size() - 1);
    group.rollouts.back().role = role;
  }
}

}  // namespace sil
