// One section of steps: `before`, a round, or `after`. Steps run in text order; consecutive local ones form a chain.
#pragma once

#include <map>
#include <memory>

#include "loop/loop.h"
#include "steps/context.h"

namespace sil {

Shelves shelves_of(const Registries& registries, const Registry<Step>& steps);  // "step" last
// The steps of a section: "0" = before, "after", else a round's.
const std::vector<StepSpec>& specs_of(const Recipe& recipe, const std::string& label);

using StepObjects = std::map<const StepSpec*, std::unique_ptr<Step>>;
StepObjects make_steps(const std::vector<StepSpec>& specs, const Registry<Step>& steps);

// Continues the section that the state says is in progress, to its last step. `progress` gets a line a step.
void run_section(RoundContext& context, const std::vector<StepSpec>& specs, const StepObjects& steps,
                 RunProgress& progress);

// Pools and stores of a section that the record already holds.
void bind_section(RunState& state, RoundState& round, const Recipe& recipe, const std::vector<StepSpec>& specs,
                  const StepObjects& steps, const Registries& registries);

}  // namespace sil
