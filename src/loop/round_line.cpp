#include "loop/round_line.h"

#include <fmt/core.h>

namespace sil {
namespace {

constexpr double kManyCut = 0.2;

double metric(const StepProgress& step, const std::string& name, double otherwise) {
  auto it = step.metrics.find(name);
  return it == step.metrics.end() ? otherwise : it->second;
}

struct RoundFigures {
  int64_t sampled = 0, passed = 0, judged = 0, kept = 0;
  bool filtered = false;
  double loss = 0;
  bool trained = false;
  std::string evaluations;
};

void add_step(const std::string& name, const StepProgress& step, RoundFigures& figures) {
  if (step.verb == "generate") figures.sampled += step.tally.count_of("rollouts");
  if (step.verb == "verify") {
    figures.passed += step.tally.count_of("pass");
    figures.judged += step.tally.count_of("pass") + step.tally.count_of("fail");
  }
  if (step.verb == "filter") figures.filtered = true, figures.kept += step.tally.count_of("kept");
  if (step.verb == "finetune" && step.metrics.count("loss"))
    figures.trained = true, figures.loss = step.metrics.at("loss");
  if (step.verb == "evaluate")
    figures.evaluations += fmt::format(", {} pass@1 {:.3g} [{:.2f}, {:.2f}]", name, metric(step, "pass@1", 0),
                                       metric(step, "pass@1.low", 0), metric(step, "pass@1.high", 0));
}

}  // namespace

std::string round_line(const RoundState& round) {
  RoundFigures figures;
  for (const std::string& name : round.order)
    if (const StepProgress& step = round.steps.at(name); !step.skipped) add_step(name, step, figures);
  std::string text = figures.evaluations;
  if (figures.trained) text = fmt::format(", loss {:.3g}", figures.loss) + text;
  if (figures.filtered) text = fmt::format(", kept {}", figures.kept) + text;
  if (figures.judged > 0)
    text =
        fmt::format(", pass rate {:.3g}", static_cast<double>(figures.passed) / static_cast<double>(figures.judged)) +
        text;
  if (figures.sampled > 0) text = fmt::format(", sampled {}", figures.sampled) + text;
  for (const auto& [model, accepted] : round.accepted)
    if (accepted)
      text += (round.accepted.size() > 1 ? ", " + model : ",") + std::string(*accepted ? " accepted" : " rejected");
  const std::string label = round.label == "0" ? "before" : round.label == "after" ? "after" : "round " + round.label;
  return label + (text.empty() ? "" : ":" + text.substr(1));
}

std::vector<std::string> round_notes(const RoundState& round) {
  std::vector<std::string> notes;
  for (const auto& [name, step] : round.steps) {
    if (step.skipped) continue;
    if (step.verb == "filter" && metric(step, "in", 0) > 0 && metric(step, "kept", 0) == 0)
      notes.push_back(name +
                      " kept nothing: nothing can be learnt; try easier problems, more samples or a higher "
                      "temperature");
    if (step.verb == "generate" && metric(step, "cut_rate", 0) > kManyCut)
      notes.push_back(fmt::format("{} cut {:.0f} % of its rollouts: raise max_new_tokens", name,
                                  100 * metric(step, "cut_rate", 0)));
    if (step.verb == "verify" && metric(step, "units", 0) > 0 &&
        metric(step, "abstained", 0) == metric(step, "units", 0))
      notes.push_back(name + " abstained on everything: see the reasons with `sil show RUN --rollouts`");
  }
  return notes;
}

}  // namespace sil
