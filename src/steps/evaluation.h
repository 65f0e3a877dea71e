// Figures of one version of a model's members on held-out tasks: what `evaluate` records and `gate` compares.
#pragma once

#include "sil/gate.h"
#include "steps/context.h"
#include "steps/draws.h"
#include "steps/sampling.h"

namespace sil {

struct EvaluateOptions {
  std::vector<std::string> tasks;
  int64_t problems = 0;
  std::string role;
  int64_t samples = 1;
  SamplingOptions sampling;
  std::vector<PluginSpec> verify;
  std::vector<PluginSpec> best_of;

  void visit(OptionVisitor& v);
};

EvaluateOptions evaluate_options(const StepSpec& evaluate);

// Samples and judges, by `verify` or the tasks' own rule. Random keys leave the round out, so the same weights give the
// same figures. A step runs it as a chain, so that its rollouts and verdicts are recorded.
std::unique_ptr<LocalRun> make_evaluation(RoundContext& context, const EvaluateOptions& options, Sampler sampler);
// `step`: the evaluate step whose draws these are, whoever samples them. `versions`: as in Sampler.
Sampler evaluation_sampler(const RoundContext& context, const std::string& step, const EvaluateOptions& options,
                           std::vector<VersionRef> versions);
// The problems that `recorder`, the step that samples them, has not yet recorded. Their order is one for all evaluate
// steps of a run: figures of any two of them are paired.
std::unique_ptr<TaskSource> evaluation_source(RoundContext& context, const EvaluateOptions& options,
                                              const Sampler& recorder);

// The verifier that a list, `verify` or `best_of`, means; null when it is empty.
std::unique_ptr<Verifier> make_judge(const std::vector<PluginSpec>& list, const Registries& registries);

// Gathers figures from judged groups. Metrics: pass@1, pass@k (k = powers of two and `samples`; unbiased), maj@k,
// best_of@k with a ranker (k as for pass@k, unbiased; a rollout that it abstains on ranks lowest: share `unranked`),
// mean_length, cut_rate, abstained (share of rollouts, with `verify`: they count as wrong); intervals .low/.high are
// Wilson's over problems. A problem's figure is the mean of the members'.
class EvaluationFigures {
 public:
  // `set`: of the sampler's sets of versions.
  EvaluationFigures(const RoundContext& context, const EvaluateOptions& options, int64_t set);
  void add(const Group& group);
  Figures figures() const;

 private:
  const RoundContext& context_;
  int64_t samples_, set_;
  bool ranked_, verified_;
  std::vector<int64_t> ks_;
  std::vector<double> pass_, best_;  // sums over problems, by k
  double majority_ = 0;
  int64_t problems_ = 0, tokens_ = 0, cut_ = 0, rollouts_ = 0, unranked_ = 0, abstained_ = 0;
  std::map<uint64_t, double> per_problem_;
};

// Over the frames that `recorder` wrote.
Figures recorded_figures(RoundContext& context, const std::string& recorder, const EvaluateOptions& options,
                         int64_t set);

// The cache key's part for options.
Digest evaluation_digest(const StepSpec& spec);
// An entry of a step record's `figures`.
Json figures_json(const EvaluationKey& key, const Figures& figures);

}  // namespace sil
