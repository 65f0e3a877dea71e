#include "steps/lineage.h"

#include <algorithm>
#include <map>
#include <memory>

#include "steps/binding.h"
#include "steps/draws.h"
#include "steps/step.h"

namespace sil {
namespace {

using Made = std::map<const StepSpec*, std::unique_ptr<Step>>;

std::vector<std::string> task_names(const StepSpec& spec) {
  std::vector<std::string> names;
  const Json* tasks = spec.options.options.find("tasks");
  if (!tasks) return names;
  if (tasks->is_string()) return {tasks->as_string()};
  if (tasks->is_array())
    for (const Json& task : tasks->as_array()) names.push_back(task.as_string());
  return names;
}

// Follows pools down a section and stores from section to section.
class Follower {
 public:
  Follower(const Recipe& recipe, const Registries& registries, const Registry<Step>& steps)
      : recipe_(recipe), registries_(registries) {
    for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
      for (const StepSpec& spec : *section) made_[&spec] = steps.make(spec.options);
  }

  std::vector<Finding> run() {
    // A store may be read above the step that fills it: in the next round.
    std::map<std::string, Lineage> before;
    do {
      before = stores_;
      findings_.clear();
      for (const auto* section : {&recipe_.before, &recipe_.round, &recipe_.after}) walk(*section);
    } while (before != stores_);
    return std::move(findings_);
  }

 private:
  void walk(const std::vector<StepSpec>& section) {
    const auto inputs = section_inputs(section, made_);
    std::map<std::string, Lineage> pools;
    for (const StepSpec& spec : section) {
      const Step& step = *made_.at(&spec);
      Lineage input;
      for (const InputSpec& from : spec.of) input.add(recipe_.store(from.name) ? stores_[from.name] : pools[from.name]);
      if (spec.of.empty())
        for (const std::string& pool : inputs.at(&spec)) input.add(pools[pool]);
      step.check_lineage({recipe_, registries_, section, &section == &recipe_.after, input}, spec, findings_);
      Lineage output = std::move(input);
      if (spec.verb == "generate" || spec.verb == "demonstrate")
        for (std::string& task : task_names(spec)) output.tasks.insert(std::move(task));
      if (spec.verb == "demonstrate") output.given.insert(spec.name);
      if (!spec.put.empty()) stores_[spec.put].add(output);
      if (step.makes_pool(spec)) pools[spec.name] = std::move(output);
    }
  }

  const Recipe& recipe_;
  const Registries& registries_;
  Made made_;
  std::map<std::string, Lineage> stores_;
  std::vector<Finding> findings_;
};

bool reads(const std::string& source, const std::string& name) {
  auto part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (size_t at = source.find(name); at != std::string::npos; at = source.find(name, at + 1)) {
    const bool begins = at == 0 || (!part(source[at - 1]) && source[at - 1] != '.');
    const size_t end = at + name.size();
    if (begins && (end == source.size() || !part(source[end]))) return true;
  }
  return false;
}

bool names_metric_of(const Json& options, const std::string& step) {
  if (options.is_string()) return options.as_string().starts_with(step + ".");
  if (options.is_object())
    return std::any_of(options.as_object().begin(), options.as_object().end(),
                       [&](const auto& member) { return names_metric_of(member.second, step); });
  return false;
}

void check_observed(const Recipe& recipe, std::vector<Finding>& findings) {
  for (const auto* section : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& spec : *section) {
      if (spec.verb != "observe") continue;
      auto refuse = [&](const Place& place, const std::string& who) {
        findings.push_back({place, who + " reads what '" + spec.name + "' observed; the truth feeds nothing",
                            "read a verify step's figures, or an evaluate's on a dev split"});
      };
      for (const ExpressionUse& use : recipe.expressions)
        if (reads(use.expression.source(), spec.name))
          refuse(use.expression.place(), use.step.empty() ? use.option : use.step + "." + use.option);
      for (const ControlSpec& control : recipe.control)
        if (names_metric_of(control.by.options, spec.name)) refuse(control.place, "the control of " + control.set);
    }
}

}  // namespace

void Lineage::add(const Lineage& other) {
  tasks.insert(other.tasks.begin(), other.tasks.end());
  given.insert(other.given.begin(), other.given.end());
}

bool held_out(const TaskSpec& task) {
  return split_name(task) != "train";
}

bool only_observed(const TaskSpec& task) {
  const Json* answers = task.plugin.options.find("answers");
  return answers && answers->is_string() && answers->as_string() == "observe";
}

std::vector<Finding> lineage_findings(const Recipe& recipe, const Registries& registries, const Registry<Step>& steps) {
  std::vector<Finding> findings = Follower(recipe, registries, steps).run();
  check_observed(recipe, findings);
  return findings;
}

}  // namespace sil
