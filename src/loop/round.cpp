#include "loop/round.h"

#include <fmt/core.h>

#include <algorithm>

#include "loop/executor.h"
#include "loop/ledger.h"
#include "steps/binding.h"
#include "steps/scopes.h"

namespace sil {
namespace {

std::string figures_text(const StepProgress& step) {
  std::string text;
  int shown = 0;
  for (const char* name : {"rollouts", "units", "pass_rate", "kept", "in", "examples", "steps", "loss", "pass@1",
                           "label_accuracy", "accuracy", "mean_length"})
    if (auto it = step.metrics.find(name); it != step.metrics.end() && shown < 5) {
      text += fmt::format("  {} {:.4g}", name, it->second);
      if (auto low = step.metrics.find(std::string(name) + ".low"); low != step.metrics.end())
        text += fmt::format(" [{:.3f}, {:.3f}]", low->second, step.metrics.at(std::string(name) + ".high"));
      ++shown;
    }
  return text;
}

// What a step took of this process: by the clock, all of its chain's time; by the processors, its own share.
struct Spent {
  double seconds = 0;
  double cpu_seconds = 0;
  Spent operator-(const Spent& from) const { return {seconds - from.seconds, cpu_seconds - from.cpu_seconds}; }
};

class Section {
 public:
  Section(RoundContext& context, const std::vector<StepSpec>& specs, const StepObjects& steps, RunProgress& progress)
      : context_(context), specs_(specs), steps_(steps), progress_(progress) {
    context_.inputs = section_inputs(specs, steps);
  }

  void run() {
    for (size_t i = 0; i < specs_.size();) i = begin_at(i);
  }

 private:
  bool done(const StepSpec& spec) const {
    auto it = context_.round().steps.find(spec.name);
    return it != context_.round().steps.end() && it->second.done;
  }

  // Runs the step at i, and the local ones after it that can join its chain; returns the first step not run.
  size_t begin_at(size_t i) {
    const StepSpec& spec = specs_[i];
    draw_inputs(context_.state, context_.round(), context_.recipe, spec, context_.registries);
    if (done(spec)) {
      bind(spec);
      return i + 1;
    }
    if (context_.stop.stop_requested()) throw Error(Exit::stopped, "stopped on request", "the same command continues");
    if (!spec.when.empty() && !spec.when.truth(*round_scope(context_.round()))) {
      finish(spec, {}, true, {});
      return i + 1;
    }
    const Spent begun = now();
    std::unique_ptr<FrameSource> source = steps_.at(&spec)->source(context_, spec);
    std::unique_ptr<LocalRun> local = source ? steps_.at(&spec)->local(context_, spec) : nullptr;
    if (!local) {
      StepResult result = steps_.at(&spec)->run(context_, spec);
      finish(spec, std::move(result), false, now() - begun);
      return i + 1;
    }
    std::vector<ChainMember> members;
    members.push_back({&spec, std::move(local)});
    size_t end = i + 1;
    while (end < specs_.size() && joins(members, specs_[end])) {
      std::unique_ptr<LocalRun> next = steps_.at(&specs_[end])->local(context_, specs_[end]);
      if (!next) break;
      members.push_back({&specs_[end], std::move(next)});
      ++end;
    }
    const std::vector<double> cpu_seconds = run_passes(*source, members);
    for (size_t m = 0; m < members.size(); ++m) {
      const StepSpec& member = *members[m].spec;
      const Spent after_chain = now();
      StepResult result = steps_.at(&member)->run(context_, member);
      Metrics more = members[m].run->metrics(context_.round().steps[member.name].tally);
      result.metrics.insert(more.begin(), more.end());
      if (m == 0 && source->cursor()) result.payload.set("cursor", *source->cursor());
      const Spent whole = now();
      finish(member, std::move(result), false,
             {(whole - begun).seconds, cpu_seconds[m] + (whole - after_chain).cpu_seconds});
    }
    return end;
  }

  // Returns the CPU seconds of each member.
  std::vector<double> run_passes(FrameSource& source, const std::vector<ChainMember>& members) {
    std::vector<double> cpu_seconds(members.size());
    auto wants_more = [&](const ChainMember& member) {
      return member.run->wants_more(context_.round().steps[member.spec->name].tally, source.passes());
    };
    for (;;) {
      const std::vector<double> of_pass = run_chain(context_, source, members);
      for (size_t m = 0; m < members.size(); ++m) cpu_seconds[m] += of_pass[m];
      auto wanting = std::find_if(members.begin(), members.end(), wants_more);
      if (wanting == members.end()) return cpu_seconds;
      if (source.passes() == 0)
        throw Error(Exit::usage, wanting->spec->name + ": refill cannot repeat the steps above",
                    "rules that need the whole pool cut them off; put those into a second filter below",
                    wanting->spec->place);
      source.another_pass();
    }
  }

  // Whether a step works on problems of its own, whatever pool stands above it.
  static bool draws(const StepSpec& spec) {
    if (spec.verb == "gate") return true;  // those of the evaluate step above
    const Json* tasks = spec.options.options.find("tasks");
    return tasks != nullptr && tasks->is_array() && !tasks->as_array().empty();
  }

  // A local step joins when it reads just what the chain makes or walks, and nothing has to be whole before it.
  bool joins(const std::vector<ChainMember>& members, const StepSpec& next) const {
    if (!next.when.empty() || next.verb == "generate" || draws(next)) return false;
    if (steps_.at(&next)->needs_whole_input(context_, next)) return false;
    for (const InputSpec& input : next.of)
      if (context_.recipe.store(input.name)) return false;
    std::string current;
    for (const ChainMember& member : members) {
      if (!member.spec->put.empty()) return false;
      if (draws(*member.spec) && !steps_.at(member.spec)->makes_pool(*member.spec)) return false;  // read by nobody
      if (steps_.at(member.spec)->makes_pool(*member.spec))
        current = member.spec->name;
      else if (const auto& in = context_.inputs.at(member.spec); current.empty() && in.size() == 1)
        current = in.front();
    }
    const std::vector<std::string>& in = context_.inputs.at(&next);
    const StepSpec& last = *members.back().spec;
    bool shaped = last.verb == "filter" && !last.options.options.at("shape").is_null() &&
                  !(last.options.options.at("shape").is_array() && last.options.options.at("shape").as_array().empty());
    return in.size() == 1 && in.front() == current && !shaped && last.verb != "finetune";
  }

  void bind(const StepSpec& spec) {
    bind_step(context_.state, context_.round(), spec, *steps_.at(&spec), context_.inputs.at(&spec));
  }

  Spent now() const { return {context_.env.seconds(), context_.env.cpu_seconds(CpuTime::process)}; }

  void finish(const StepSpec& spec, StepResult result, bool skipped, const Spent& spent) {
    const StepProgress& progress = context_.round().steps[spec.name];
    check_ledger(spec, progress);
    Digest digest = step_digest(result.digest, progress);
    Json payload = std::move(result.payload);
    payload.set("round", context_.round().label);
    payload.set("step", spec.name);
    payload.set("verb", spec.verb);
    payload.set("digest", digest.hex());
    payload.set("result", result.digest.hex());
    Json metrics = Json::object();
    for (const auto& [name, value] : result.metrics) metrics.set(name, value);
    payload.set("metrics", std::move(metrics));
    payload.set("seconds", spent.seconds);
    payload.set("cpu_seconds", spent.cpu_seconds);
    if (skipped) payload.set("skipped", true);
    Json event = Json::object();
    for (const char* key : {"round", "step", "verb", "digest", "metrics", "seconds", "skipped"})
      if (const Json* value = payload.find(key)) event.set(key, *value);
    context_.record("step", std::move(payload));
    progress_.event("step", event);
    bind(spec);
    std::string text = skipped ? "  skipped" : figures_text(context_.round().steps.at(spec.name));
    if (!result.note.empty()) text += "  " + result.note;
    progress_.line(fmt::format("  {:<14}{}  {:.1f} s", spec.name, text, spent.seconds));
  }

  void check_ledger(const StepSpec& spec, const StepProgress& progress) const {
    std::map<std::string, int64_t> lines;
    for (const auto& [kind, of_frames] : progress.lines)
      for (int64_t n : of_frames) lines[kind] += n;
    if (std::string what = imbalance(progress.tally, lines); !what.empty())
      throw Error(Exit::internal, "round " + context_.round().label + ", step " + spec.name + ": " + what,
                  "this is a bug: rollouts were lost or counted twice; please report it with the recipe");
  }

  RoundContext& context_;
  const std::vector<StepSpec>& specs_;
  const StepObjects& steps_;
  RunProgress& progress_;
};

}  // namespace

Shelves shelves_of(const Registries& registries, const Registry<Step>& steps) {
  Shelves shelves = registries.all();
  shelves.push_back(&steps);
  return shelves;
}

const std::vector<StepSpec>& specs_of(const Recipe& recipe, const std::string& label) {
  return label == "0" ? recipe.before : label == "after" ? recipe.after : recipe.round;
}

StepObjects make_steps(const std::vector<StepSpec>& specs, const Registry<Step>& steps) {
  StepObjects made;
  for (const StepSpec& spec : specs) made[&spec] = steps.make(spec.options);
  return made;
}

void run_section(RoundContext& context, const std::vector<StepSpec>& specs, const StepObjects& steps,
                 RunProgress& progress) {
  Section(context, specs, steps, progress).run();
}

void bind_section(RunState& state, RoundState& round, const Recipe& recipe, const std::vector<StepSpec>& specs,
                  const StepObjects& steps, const Registries& registries) {
  auto inputs = section_inputs(specs, steps);
  for (const StepSpec& spec : specs) {
    auto it = round.steps.find(spec.name);
    if (it == round.steps.end() || !it->second.done) return;
    draw_inputs(state, round, recipe, spec, registries);
    bind_step(state, round, spec, *steps.at(&spec), inputs.at(&spec));
  }
}

}  // namespace sil
