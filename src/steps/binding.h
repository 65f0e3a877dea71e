// From a finished step to the pools that later steps read, and to the stores it was put in. Done the same way while a
// run works, when it resumes and when its record is only looked at.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "sil/registries.h"
#include "steps/run_state.h"
#include "steps/step.h"

namespace sil {

// The names of the pools each step of a section reads: `of`, or what the nearest step above made or added to. A store
// is read through a pool of the name "STORE@STEP".
std::map<const StepSpec*, std::vector<std::string>> section_inputs(
    const std::vector<StepSpec>& steps, const std::map<const StepSpec*, std::unique_ptr<Step>>& made);

// The groups that a step made, as it left them.
PoolPart step_part(const RoundState& round, const std::string& step);

// The examples that a step wrote; it must have written some frames of them.
ExamplePart example_part(const StepProgress& step);

// Draws the store inputs of a step into pools of the round. `key`: random key of the draw.
void draw_inputs(RunState& state, RoundState& round, const Recipe& recipe, const StepSpec& spec,
                 const Registries& registries);

// Gives the round the pools of a finished step, and its store what it put.
void bind_step(RunState& state, RoundState& round, const StepSpec& spec, const Step& step,
               const std::vector<std::string>& inputs);

}  // namespace sil
