#include "steps/scopes.h"

#include <algorithm>

#include "sil/filter.h"

namespace sil {
namespace {

Value value_of(const Json& json) {
  if (json.is_bool()) return json.as_bool();
  if (json.is_number()) return json.as_double();
  if (json.is_string()) return json.as_string();
  if (!json.is_object()) return std::monostate{};
  std::map<std::string, Value, std::less<>> values;
  for (const auto& [name, member] : json.as_object()) values[name] = value_of(member);
  return std::make_shared<MapScope>(std::move(values), true);
}

std::shared_ptr<const Scope> problem_scope(const Problem& problem) {
  auto scope = std::make_shared<MapScope>();
  scope->set("prompt", problem.prompt);
  scope->set("answer", problem.answer ? Value(*problem.answer) : Value());
  scope->set("difficulty", problem.difficulty);
  scope->set("split", std::string(name(problem.split)));
  scope->set("task", problem.task);
  scope->set("index", static_cast<double>(problem.index));
  scope->set("meta", value_of(problem.meta));
  return scope;
}

void set_verdict(MapScope& scope, const Verdict* verdict) {
  bool judged = verdict && verdict->label != Label::abstain;
  scope.set("pass", judged ? Value(verdict->label == Label::pass) : Value());
  scope.set("fail", judged ? Value(verdict->label == Label::fail) : Value());
  scope.set("abstain", verdict ? Value(verdict->label == Label::abstain) : Value());
  scope.set("score", judged ? Value(verdict->score) : Value());
  scope.set("label", verdict ? Value(std::string(name(verdict->label))) : Value());
  scope.set("reason", verdict ? Value(verdict->reason) : Value());
  auto parts = std::make_shared<MapScope>(std::map<std::string, Value, std::less<>>{}, true);
  if (verdict)
    for (const auto& [part, score] : verdict->parts) parts->set(part, score);
  scope.set("parts", std::shared_ptr<const Scope>(parts));
}

void set_group(MapScope& scope, const Group& group, std::string_view by) {
  int64_t counted = 0, passes = 0;
  double total = 0;
  for (const Rollout& rollout : group.rollouts) {
    const Verdict* verdict = rollout.kept ? verdict_of(group, rollout, by) : nullptr;
    if (!verdict || verdict->label == Label::abstain) continue;
    ++counted;
    passes += verdict->label == Label::pass;
    total += verdict->score;
  }
  scope.set("size", static_cast<double>(group.rollouts.size()));
  scope.set("pass_rate", counted ? Value(static_cast<double>(passes) / static_cast<double>(counted)) : Value());
  scope.set("mean_score", counted ? Value(total / static_cast<double>(counted)) : Value());
}

class Layered final : public Scope {
 public:
  Layered(std::shared_ptr<const Scope> inner, std::shared_ptr<const Scope> outer)
      : inner_(std::move(inner)), outer_(std::move(outer)), names_(inner_->fields()) {
    std::sort(names_.begin(), names_.end());
  }
  Value get(std::string_view field) const override {
    if (std::binary_search(names_.begin(), names_.end(), field)) return inner_->get(field);
    return outer_->get(field);
  }
  std::vector<std::string> fields() const override {
    std::vector<std::string> all = names_;
    for (std::string& name : outer_->fields()) all.push_back(std::move(name));
    return all;
  }

 private:
  std::shared_ptr<const Scope> inner_, outer_;
  std::vector<std::string> names_;
};

}  // namespace

std::shared_ptr<const Scope> layered(std::shared_ptr<const Scope> inner, std::shared_ptr<const Scope> outer) {
  return std::make_shared<Layered>(std::move(inner), std::move(outer));
}

Value MapScope::get(std::string_view field) const {
  auto it = values_.find(field);
  return it == values_.end() ? Value() : it->second;
}

std::vector<std::string> MapScope::fields() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return names;
}

std::shared_ptr<const Scope> unit_scope(const Group& group, const Rollout* rollout, std::string_view by,
                                        std::shared_ptr<const Scope> outer) {
  auto scope = std::make_shared<MapScope>();
  scope->set("problem", problem_scope(*group.problem));
  set_group(*scope, group, by);
  if (rollout) {
    double logprob = 0;
    for (float value : rollout->logprobs) logprob += static_cast<double>(value);
    scope->set("text", rollout->text);
    scope->set("answer", rollout->text);
    scope->set("tokens", static_cast<double>(rollout->ids.size()));
    scope->set("finish", std::string(name(rollout->finish)));
    scope->set("sample", static_cast<double>(rollout->sample));
    scope->set("logprob", rollout->logprobs.empty() ? Value() : Value(logprob));
    scope->set("weight", rollout->weight);
  }
  const Verdict* verdict = nullptr;
  if (rollout)
    verdict = verdict_of(group, *rollout, by);
  else if (!group.verdicts.empty())
    verdict = &group.verdicts.back();
  set_verdict(*scope, verdict);
  if (!outer) return scope;
  return layered(std::move(scope), std::move(outer));
}

std::shared_ptr<const Scope> round_scope(const RoundState& round) {
  auto scope = std::make_shared<MapScope>();
  scope->set("round", static_cast<double>(round_number(round.label)));
  for (const auto& [name, metrics] : round.metrics()) {
    std::map<std::string, Value, std::less<>> values;
    for (const auto& [metric, value] : metrics) values[metric] = value;
    scope->set(name, std::shared_ptr<const Scope>(std::make_shared<MapScope>(std::move(values), true)));
  }
  return scope;
}

std::shared_ptr<const Scope> example_scope(const std::vector<std::string>& steps) {
  auto problem = std::make_shared<Problem>();
  problem->prompt = "1+2=";
  problem->answer = "3";
  Group group;
  group.problem = problem;
  Rollout rollout;
  rollout.text = "3";
  rollout.ids = {1};
  rollout.logprobs = {-0.5F};
  Verdict verdict;
  verdict.label = Label::pass;
  verdict.score = 1;
  rollout.verdicts.push_back(verdict);
  group.rollouts.push_back(rollout);
  auto outer = std::make_shared<MapScope>();
  outer->set("round", 1.0);
  for (const std::string& step : steps)
    outer->set(step, std::shared_ptr<const Scope>(
                         std::make_shared<MapScope>(std::map<std::string, Value, std::less<>>{}, true)));
  return unit_scope(group, &group.rollouts.front(), "", outer);
}

}  // namespace sil
