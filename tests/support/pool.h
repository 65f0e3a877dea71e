// A pool while it is filtered: what the filter step does, without the step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sil/filter.h"

namespace sil::test {

inline Verdict verdict(double score, std::string step = "verify") {
  Verdict verdict;
  verdict.step = std::move(step);
  verdict.label = score >= 0.5 ? Label::pass : Label::fail;
  verdict.outcome = score >= 0.5 ? Outcome::pass : Outcome::fail;
  verdict.score = score;
  return verdict;
}

inline Verdict abstention(std::string step = "verify") {
  Verdict verdict;
  verdict.step = std::move(step);
  verdict.score = 0.75;  // meaningless, so nothing may read it
  return verdict;
}

// Nothing in a score's place abstains.
using Scores = std::vector<std::optional<double>>;

// Rollout i has sample number i, the text "text i" and i + 1 tokens.
inline Group group(const Scores& scores, int64_t position = 0) {
  Group group;
  auto problem = std::make_shared<Problem>();
  problem->uid = 0x100 + static_cast<uint64_t>(position);
  problem->prompt = "problem " + std::to_string(position);
  group.problem = problem;
  group.position = position;
  group.prompts.resize(1);
  for (size_t i = 0; i < scores.size(); ++i) {
    Rollout rollout;
    rollout.step = "generate";
    rollout.sample = static_cast<uint32_t>(i);
    rollout.text = "text " + std::to_string(i);
    rollout.ids.assign(i + 1, static_cast<TokenId>(10 + i));
    rollout.verdicts.push_back(scores[i] ? verdict(*scores[i]) : abstention());
    group.rollouts.push_back(std::move(rollout));
  }
  return group;
}

// A group that differs in its texts only.
inline Group texts(const std::vector<std::string>& values, int64_t position = 0) {
  Group result = group(Scores(values.size(), 1.0), position);
  for (size_t i = 0; i < values.size(); ++i) result.rollouts[i].text = values[i];
  return result;
}

// What Lua rules of these tests can read of a rollout.
class RolloutScope final : public Scope {
 public:
  RolloutScope(std::string text, std::optional<double> score) : text_(std::move(text)), score_(score) {}
  Value get(std::string_view field) const override {
    if (field == "text") return text_;
    if (field == "score" && score_) return *score_;
    return {};
  }
  std::vector<std::string> fields() const override { return {"score", "text"}; }

 private:
  std::string text_;
  std::optional<double> score_;
};

enum class Statistics { all, kept };

class Pool {
 public:
  explicit Pool(std::vector<Group> groups) : groups_(std::move(groups)) {
    for (const Group& group : groups_) dropped_.emplace_back(group.rollouts.size());
    context.round = "3";
    context.scope = [this](const Group& group, const Rollout* rollout) -> std::shared_ptr<const Scope> {
      return std::make_shared<RolloutScope>(rollout->text, score_of(group, *rollout, context.by));
    };
    context.context_ids = [](const Group&, const Rollout&) { return std::vector<TokenId>{1, 2}; };
  }
  Pool(const Pool&) = delete;

  void keep(const KeepRule& rule) {
    const std::unique_ptr<Survey> survey = surveyed(rule.survey(), Statistics::all);
    for (size_t g = 0; g < groups_.size(); ++g) {
      FilterView view = this->view(g);
      rule.apply(view, survey.get());
    }
  }

  void weigh(const Credit& credit, Statistics statistics = Statistics::all) {
    const std::unique_ptr<Survey> survey = surveyed(credit.survey(), statistics);
    for (size_t g = 0; g < groups_.size(); ++g) {
      const std::vector<size_t> members = this->members(g, statistics);
      FilterView view = this->view(g);
      credit.weigh(view, members, survey.get());
    }
  }

  std::vector<Example> shape(const Shape& shape) {
    std::vector<Example> examples;
    fates.clear();
    for (size_t g = 0; g < groups_.size(); ++g) {
      fates.emplace_back(groups_[g].rollouts.size());
      shape.shape(view(g), examples, fates.back());
    }
    return examples;
  }

  // Why each rollout of a group was dropped; "" = kept.
  const std::vector<std::string>& dropped(size_t g = 0) const { return dropped_[g]; }
  void drop(size_t g, size_t i, std::string reason) { dropped_[g][i] = std::move(reason); }
  std::vector<double> weights(size_t g = 0) const {
    std::vector<double> weights;
    for (const Rollout& rollout : groups_[g].rollouts) weights.push_back(rollout.weight);
    return weights;
  }
  const Group& group(size_t g = 0) const { return groups_[g]; }

  FilterContext context;
  std::vector<std::vector<std::string>> fates;

 private:
  FilterView view(size_t g) { return {groups_[g], dropped_[g], context}; }

  std::vector<size_t> members(size_t g, Statistics statistics) const {
    std::vector<size_t> members;
    for (size_t i = 0; i < groups_[g].rollouts.size(); ++i) {
      const bool counts = statistics == Statistics::all || dropped_[g][i].empty();
      if (counts && score_of(groups_[g], groups_[g].rollouts[i], context.by)) members.push_back(i);
    }
    return members;
  }

  std::unique_ptr<Survey> surveyed(std::unique_ptr<Survey> survey, Statistics statistics) {
    if (!survey) return survey;
    for (size_t g = 0; g < groups_.size(); ++g) {
      const std::vector<size_t> members = this->members(g, statistics);
      FilterView view = this->view(g);
      view.members = members;
      survey->add(view);
    }
    survey->finish();
    return survey;
  }

  std::vector<Group> groups_;
  std::vector<std::vector<std::string>> dropped_;
};

// A pool of one group.
inline std::vector<Group> one(Group group) {
  std::vector<Group> groups;
  groups.push_back(std::move(group));
  return groups;
}

}  // namespace sil::test
