#include "steps/descent.h"

#include <algorithm>
#include <set>

#include "sil/filter.h"
#include "steps/scopes.h"

namespace sil {
namespace {

uint64_t rollout_unit(const std::string& round, const Group& group, const Rollout& rollout) {
  return sha256(rollout_id(round, group, rollout)).head();
}

void each_group(const RoundContext& context, const PoolPart& part, const std::function<void(const Group&)>& visit) {
  for (size_t f = 0; f < part.spans.size(); ++f)
    for (const Group& group : read_groups(context.env, context.run_dir, part, f)) visit(group);
}

}  // namespace

std::vector<std::string> joined_pools(const Recipe& recipe, const StepSpec& spec) {
  std::set<std::string> names;
  for (const ExpressionUse& use : recipe.expressions) {
    if (use.step != spec.name || use.option == "where" || use.option == "when") continue;
    for (const std::string& name : use.expression.names()) {
      const StepSpec* maker = recipe.step(name);
      if (maker && (maker->verb == "generate" || maker->verb == "demonstrate" || maker->verb == "filter"))
        names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

std::shared_ptr<const Scope> example_descendants() {
  auto scope = std::make_shared<MapScope>();
  for (const char* field : {"size", "passed", "failed", "abstained"}) scope->set(field, 1.0);
  for (const char* field : {"pass_rate", "mean_score", "min_score", "max_score"}) scope->set(field, 0.5);
  return scope;
}

Descent::Descent(RoundContext& context, const std::vector<std::string>& pools) {
  std::set<std::pair<std::string, std::string>> linked;  // one part stands in many pools
  for (const auto& [name, pool] : context.round().pools)
    for (const PoolPart& part : pool.parts)
      if (linked.emplace(part.round, part.step).second) link(context, part);
  for (const std::string& name : pools) {
    auto pool = context.round().pools.find(name);
    if (pool == context.round().pools.end()) {
      skipped_.push_back(name);
      continue;
    }
    for (const PoolPart& part : pool->second.parts) gather(context, part, pools_[name]);
  }
}

void Descent::link(const RoundContext& context, const PoolPart& part) {
  each_group(context, part, [&](const Group& group) {
    if (group.parent != 0) parents_[sha256(group_id(part.round, part.step, group)).head()] = group.parent;
    for (const Rollout& rollout : group.rollouts)
      if (!rollout.parent.empty()) parents_[rollout_unit(part.round, group, rollout)] = sha256(rollout.parent).head();
  });
}

void Descent::gather(const RoundContext& context, const PoolPart& part, Units& units) const {
  each_group(context, part, [&](const Group& group) {
    const uint64_t group_unit = sha256(group_id(part.round, part.step, group)).head();
    for (const Rollout& rollout : group.rollouts) {
      if (!rollout.kept) continue;
      const Verdict* verdict = verdict_of(group, rollout, "");
      add(rollout_unit(part.round, group, rollout), verdict, units);
      add(group_unit, verdict, units);
    }
  });
}

void Descent::add(uint64_t unit, const Verdict* verdict, Units& units) const {
  for (;;) {
    units[unit].add(verdict);
    auto parent = parents_.find(unit);
    if (parent == parents_.end()) return;
    unit = parent->second;
  }
}

void Descent::Summary::add(const Verdict* verdict) {
  ++size;
  if (!verdict || verdict->label == Label::abstain) return;
  const bool first = passed + failed == 0;
  (verdict->label == Label::pass ? passed : failed) += 1;
  score += verdict->score;
  least = first ? verdict->score : std::min(least, verdict->score);
  most = first ? verdict->score : std::max(most, verdict->score);
}

std::shared_ptr<const Scope> Descent::scope_of(const Summary& summary) {
  auto scope = std::make_shared<MapScope>();
  const int64_t judged = summary.passed + summary.failed;
  const auto known = [&](double value) { return judged ? Value(value) : Value(); };
  scope->set("size", static_cast<double>(summary.size));
  scope->set("passed", static_cast<double>(summary.passed));
  scope->set("failed", static_cast<double>(summary.failed));
  scope->set("abstained", static_cast<double>(summary.size - judged));
  scope->set("pass_rate", known(static_cast<double>(summary.passed) / static_cast<double>(judged)));
  scope->set("mean_score", known(summary.score / static_cast<double>(judged)));
  scope->set("min_score", known(summary.least));
  scope->set("max_score", known(summary.most));
  return scope;
}

std::shared_ptr<const Scope> Descent::of(const std::string& round, const Group& group, const Rollout* rollout) const {
  const std::string maker = group.rollouts.empty() ? "" : group.rollouts.front().step;
  const uint64_t unit = rollout ? rollout_unit(round, group, *rollout) : sha256(group_id(round, maker, group)).head();
  auto scope = std::make_shared<MapScope>();
  for (const auto& [name, units] : pools_) {
    auto summary = units.find(unit);
    scope->set(name, scope_of(summary == units.end() ? Summary() : summary->second));
  }
  for (const std::string& name : skipped_) scope->set(name, Value());
  return scope;
}

}  // namespace sil
