// Figures of one version on held-out tasks: what `evaluate` records and `gate` compares.
#pragma once

#include "sil/gate.h"
#include "steps/context.h"

namespace sil {

struct EvaluateOptions {
  std::vector<std::string> tasks;
  int64_t problems = 0;
  std::string role;
  int64_t samples = 1;
  double temperature = 1;
  int64_t max_new_tokens = 64;
  std::vector<std::string> stop;

  void visit(OptionVisitor& v);
};

// Samples and judges by the tasks' own rule. Random keys leave the round out, so the same weights give the same
// figures. Metrics: pass@1, pass@k (k = powers of two and `samples`; unbiased), maj@k, mean_length, cut_rate; intervals
// .low/.high are Wilson's over problems.
Figures evaluate_version(RoundContext& context, const std::string& step, const EvaluateOptions& options,
                         const VersionRef& version);

// The cache key's part for options.
Digest evaluation_digest(const StepSpec& spec);
// An entry of a step record's `figures`.
Json figures_json(const EvaluationKey& key, const Figures& figures);

}  // namespace sil
