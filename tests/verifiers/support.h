// Groups, tasks and registries for the tests of verifiers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sil/registry.h"
#include "sil/verifier.h"

namespace sil::testing {

// Takes what stands behind the last "=", and only if there is one.
class AfterEquals final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    const size_t at = completion.rfind('=');
    if (at != std::string_view::npos) return std::string(completion.substr(at + 1));
    if (why) *why = "no equals sign";
    return std::nullopt;
  }
};

class FakeTask final : public Task {
 public:
  int64_t size() const override { return 1; }
  Problem at(int64_t) const override { return {}; }
  TaskCheck check(const Problem&, std::string_view completion) const override {
    return completion == "2+2=4" ? TaskCheck{true, {}} : TaskCheck{false, "the sum is wrong"};
  }
  const AnswerExtractor& extractor() const override { return extractor_; }
  std::string alphabet() const override { return {}; }
  bool procedural() const override { return true; }
  bool distinct() const override { return true; }
  Digest digest() const override { return {}; }

 private:
  AfterEquals extractor_;
};

// A group whose rollouts say `texts`; members are numbered on request.
inline Group group_of(const std::vector<std::string>& texts, std::optional<std::string> answer,
                      const std::vector<uint32_t>& members = {}) {
  Group group;
  auto problem = std::make_shared<Problem>();
  problem->prompt = "2+2=";
  problem->answer = std::move(answer);
  problem->meta.set("level", 3);
  group.problem = problem;
  for (size_t i = 0; i < texts.size(); ++i) {
    Rollout rollout;
    rollout.sample = static_cast<uint32_t>(i);
    rollout.text = texts[i];
    if (!members.empty()) rollout.member = members[i];
    group.rollouts.push_back(std::move(rollout));
  }
  return group;
}

inline std::vector<JudgeItem> items_of(const Group& group) {
  std::vector<JudgeItem> items;
  for (const Rollout& rollout : group.rollouts) items.push_back({&group, &rollout});
  return items;
}

inline JudgeContext with_task() {
  static const FakeTask task;
  JudgeContext context;
  context.task = [](const Problem&) { return &task; };
  return context;
}

inline PluginSpec spec_of(std::string name, Json options = Json::object(), double weight = 1) {
  PluginSpec spec;
  spec.kind = "verifier";
  spec.name = std::move(name);
  spec.node = Node::from_json(options, {}, Origin::file);
  spec.options = std::move(options);
  spec.weight = weight;
  return spec;
}

inline Json options_of(Json::Object members) {
  return Json(std::move(members));
}

inline std::vector<Verdict> judge(const Verifier& verifier, const Group& group, const JudgeContext& context = {}) {
  const std::vector<JudgeItem> items = items_of(group);
  std::vector<Verdict> verdicts(items.size());
  verifier.verify(items, context, verdicts);
  return verdicts;
}

// "pass", "fail" or "abstain" for each rollout, joined by blanks.
inline std::string labels(const std::vector<Verdict>& verdicts) {
  std::string out;
  for (const Verdict& verdict : verdicts) out += (out.empty() ? "" : " ") + std::string(name(verdict.label));
  return out;
}

}  // namespace sil::testing
