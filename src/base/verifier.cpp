#include "sil/verifier.h"

#include <chrono>
#include <cmath>

namespace sil {
namespace {

// What must not be turned into a verdict: a verifier that gave up for good, and bugs.
bool ends_the_run(const Error& error) {
  return error.code() == Exit::verifier || error.code() == Exit::internal;
}

}  // namespace

void CompletionVerifier::verify(std::span<const JudgeItem> items, const JudgeContext& context,
                                std::span<Verdict> verdicts) const {
  using Clock = std::chrono::steady_clock;
  SIL_CHECK(items.size() == verdicts.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const JudgeItem& item = items[i];
    SIL_CHECK(item.group != nullptr && item.group->problem != nullptr);
    if (!item.rollout)
      throw Error(Exit::usage, "this verifier judges one completion at a time and was asked about a whole group",
                  "leave `per` out, or say `per: rollout`");
    if (context.stop.stop_requested()) {
      verdicts[i] = abstained(Outcome::infra, "stopped");
      continue;
    }
    const Problem& problem = *item.group->problem;
    const Clock::time_point start = Clock::now();
    try {
      verdicts[i] = judge(problem, item.rollout->text, context.task ? context.task(problem) : nullptr);
    } catch (const Error& error) {
      if (ends_the_run(error)) throw;
      verdicts[i] = abstained(Outcome::infra, error.what());
    } catch (const std::exception& error) {
      verdicts[i] = abstained(Outcome::infra, error.what());
    }
    verdicts[i].cost_us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  }
}

Verdict passed(std::string reason) {
  Verdict verdict;
  verdict.label = Label::pass;
  verdict.outcome = Outcome::pass;
  verdict.score = 1;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict failed(std::string reason) {
  Verdict verdict;
  verdict.label = Label::fail;
  verdict.outcome = Outcome::fail;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict scored(double score, double pass_at, std::string reason) {
  if (!std::isfinite(score)) return abstained(Outcome::error, "the score is not a finite number");
  Verdict verdict = score >= pass_at ? passed(std::move(reason)) : failed(std::move(reason));
  verdict.score = score;
  return verdict;
}

Verdict abstained(Outcome outcome, std::string reason) {
  Verdict verdict;
  verdict.outcome = outcome;
  verdict.reason = std::move(reason);
  return verdict;
}

}  // namespace sil
