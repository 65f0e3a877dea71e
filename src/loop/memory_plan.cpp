#include "loop/memory_plan.h"

#include <algorithm>
#include <filesystem>

#include "sil/error.h"
#include "steps/models.h"
#include "text/view.h"

namespace sil {
namespace {

constexpr int64_t kProblems = 64;  // of each task, whose lengths count

// Lengths in tokens, at most.
class Lengths {
 public:
  Lengths(const Recipe& recipe, const Tasks& tasks) : recipe_(recipe), tasks_(tasks) {}

  // Of prompts of the tasks named, or of all; what a view cannot show of a bare problem counts nothing.
  int64_t prompt(const Codec& codec, const std::vector<std::string>& names, const Json& view) const {
    const View shown(view, std::filesystem::path(recipe_.source).parent_path().string(), {});
    return longest(names, [&](const Problem& problem) {
      return std::ssize(codec.encode(shown.render({&problem, nullptr, nullptr, nullptr}), true));
    });
  }
  // Of answers and given completions, with their end.
  int64_t answer(const Codec& codec) const {
    return longest({}, [&](const Problem& problem) {
      int64_t most = problem.answer ? std::ssize(codec.encode_text(*problem.answer)) : 0;
      for (const GivenAnswer& given : problem.given) most = std::max(most, std::ssize(codec.encode_text(given.text)));
      return most + 1;
    });
  }

 private:
  template <class Count>
  int64_t longest(const std::vector<std::string>& names, const Count& count) const {
    int64_t most = 1;
    for (const auto& [name, task] : tasks_) {
      if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
      for (int64_t i = 0; i < std::min(kProblems, task->size()); ++i) try {
          most = std::max<int64_t>(most, count(task->at(i)));
        } catch (const Error&) {
          continue;  // the run tells of it where it matters
        }
    }
    return most;
  }

  const Recipe& recipe_;
  const Tasks& tasks_;
};

class Planner {
 public:
  Planner(const Recipe& recipe, const Tasks& tasks, const Engines& engines)
      : engines_(engines), lengths_(recipe, tasks) {
    MemoryPhase start{.step = "start", .model = {}, .call = {}};
    for (const ModelSpec& model : recipe.models) {
      const auto named = static_cast<uint64_t>(std::ssize(version_rules(recipe, model.name)) * model.members);
      const uint64_t version = engines.at(model.name)->version_bytes();
      resident_[model.name] = named * version;
      shared_ += engines.at(model.name)->shared_bytes();
      start.versions += named * version;
      start.call.weights = std::max(start.call.weights, version);  // the bytes that the last one is read from
    }
    start.versions += shared_;
    if (start.total() > 0) plan.phases.push_back(start);
  }

  void add(const StepSpec& spec, const Workload& work) {
    const Engine& engine = *engines_.at(work.model);
    if (engine.version_bytes() == 0) return;  // of unknown size
    MemoryPhase phase{.step = spec.name, .model = work.model, .versions = shared_, .call = {}};
    for (const auto& [model, bytes] : resident_) phase.versions += bytes;
    if (work.sampling) phase.call = engine.sampling_plan(sampling(work, engine.codec()));
    if (work.training) {
      phase.versions -= resident_.at(work.model);
      if (work.training->reference) phase.versions += engine.version_bytes();
      TrainingWorkload training = *work.training;
      training.sequence_tokens =
          lengths_.prompt(engine.codec(), {}, Json()) + std::max(lengths_.answer(engine.codec()), sampled_[work.model]);
      phase.call = engine.training_plan(training);
    }
    plan.phases.push_back(std::move(phase));
  }

  MemoryPlan plan;

 private:
  SamplingWorkload sampling(const Workload& work, const Codec& codec) {
    SamplingWorkload out = *work.sampling;
    out.prompt_tokens = lengths_.prompt(codec, work.tasks, work.view);
    if (work.tasks.empty()) out.prompt_tokens += sampled_[work.model];  // a view may show what was written before
    sampled_[work.model] = std::max(sampled_[work.model], out.new_tokens);
    return out;
  }

  const Engines& engines_;
  Lengths lengths_;
  uint64_t shared_ = 0;                       // what the versions of all models stand on
  std::map<std::string, uint64_t> resident_;  // by model: bytes of the versions that the recipe names
  std::map<std::string, int64_t> sampled_;    // by model: longest completion of the steps so far
};

}  // namespace

std::vector<std::pair<const char*, uint64_t>> MemoryPhase::parts() const {
  std::vector<std::pair<const char*, uint64_t>> out{{"versions", versions},        {"weights", call.weights},
                                                    {"optimizer", call.optimizer}, {"gradients", call.gradients},
                                                    {"cache", call.cache},         {"activations", call.activations}};
  std::erase_if(out, [](const auto& part) { return part.second == 0; });
  return out;
}

uint64_t MemoryPlan::total() const {
  uint64_t most = 0;
  for (const MemoryPhase& phase : phases) most = std::max(most, phase.total());
  return most;
}

MemoryPlan plan_memory(const Recipe& recipe, const Tasks& tasks, const Engines& engines, const Registries& registries,
                       const Registry<Step>& steps) {
  Planner planner(recipe, tasks, engines);
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& spec : *section)
      if (const auto work = steps.make(spec.options)->workload(recipe, spec, registries)) planner.add(spec, *work);
  return std::move(planner.plan);
}

void refuse_too_large(const MemoryPlan& plan, uint64_t memory) {
  if (plan.total() <= memory) return;
  const MemoryPhase& most = *std::max_element(plan.phases.begin(), plan.phases.end(),
                                              [](const auto& a, const auto& b) { return a.total() < b.total(); });
  throw Error(Exit::unfit,
              most.step + " needs " + mebibytes(most.total()) + " of memory: " + sum_text(most) +
                  "; this machine has " + mebibytes(memory),
              "use a smaller model, fewer --threads, or a machine with more memory");
}

std::string sum_text(const MemoryPhase& phase) {
  std::string out;
  for (const auto& [name, bytes] : phase.parts()) out += (out.empty() ? "" : " + ") + (name + (" " + mebibytes(bytes)));
  return out;
}

std::string mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (uint64_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace sil
