// Judges units. Expected answers stay in the core; model output is data, never code, in here.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sil/expression.h"
#include "sil/records.h"
#include "sil/task.h"

namespace sil {

// One unit to judge. `rollout` is null when the unit is the whole group.
struct JudgeItem {
  const Group* group = nullptr;
  const Rollout* rollout = nullptr;
};

// What a verifier may use besides the unit itself.
struct JudgeContext {
  // The task a problem came from; never null for rollouts of a run.
  std::function<const Task*(const Problem&)> task;
  // What a Lua score sees of a unit: its fields, pools by name (the join), step metrics.
  std::function<std::shared_ptr<const Scope>(const JudgeItem&)> scope;
  std::stop_token stop;
};

// A verifier never throws for a bad completion; Error(Exit::verifier) when it broke its protocol beyond its budget.
// Thread-safe. `verdicts` has one entry an item and gets label, score, parts, reason, outcome, cost_us; the caller
// fills step, unit and verifier.
class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual std::string version() const = 0;            // "1"; a program's own name and version once it said it
  virtual bool needs_group() const { return false; }  // items of one group must come together (majority)
  virtual bool pure() const { return true; }          // same input, same verdict, always (programs: false)
  // Commands of programs that it runs with the user's rights, outside any cage: every report of the run names them.
  virtual std::vector<std::string> unconfined() const { return {}; }
  virtual void verify(std::span<const JudgeItem> items, const JudgeContext& context,
                      std::span<Verdict> verdicts) const = 0;
};

// For verifiers that look at one completion at a time.
class CompletionVerifier : public Verifier {
 public:
  void verify(std::span<const JudgeItem> items, const JudgeContext& context, std::span<Verdict> verdicts) const final;

 protected:
  // `task` is null outside a run (`sil judge`).
  virtual Verdict judge(const Problem& problem, std::string_view completion, const Task* task) const = 0;
};

Verdict passed(std::string reason = {});
Verdict failed(std::string reason);
Verdict scored(double score, double pass_at = 0.5, std::string reason = {});
Verdict abstained(Outcome outcome, std::string reason);

}  // namespace sil
